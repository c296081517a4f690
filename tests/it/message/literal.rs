//! Content that the platform has rendered itself goes out as it is, and a Message-ID may be given.

use serde_json::json;
use smtp_connector::{ErrorKind, Literal, Request};
use smtp_connector_catch_all::{CatchAll, Options, Security};
use tokio::time::timeout;

use crate::helpers::tenant::{PATIENCE, bundled, configuration, mailer};

#[tokio::test]
async fn literal_content_is_mailed_byte_for_byte() {
    let options = Options::default().security(Security::Plaintext);
    let server = CatchAll::start(options).await.expect("loopback has a free port");
    let mut configuration = configuration(server.address().port());
    configuration["replyTo"] = json!("help@acme.test");
    configuration["customHeaders"] = json!({ "X-Tag": "a" });
    let mailer = mailer(&bundled().await, &configuration).await;
    let text = "{{code}} {{#if}} {{{{ \\{{ é\n.\nend";
    let html = "<style>p{color:red}</style><p>{{{link}}}</p>";
    let literal = Literal::html("{{code}} is no tag", html).and_text(text);
    // Of a type that the configuration has no template for, and without the code it was given.
    let request = Request::new("recovery.code.valid", "user@example.com")
        .payload(json!({ "code": "482913" }))
        .literal(literal)
        .message_id("kratos.1@mail.acme.test");
    let receipt = mailer.send(&request).await.expect("acceptance");
    assert_eq!(receipt.message_id, "<kratos.1@mail.acme.test>");
    let mail = timeout(PATIENCE, server.next()).await.expect("the message arrives").parse();
    assert_eq!(mail.field("Subject"), Some("{{code}} is no tag"));
    assert_eq!(mail.field("Message-ID"), Some("<kratos.1@mail.acme.test>"));
    assert_eq!(mail.field("Reply-To"), Some("help@acme.test"));
    assert_eq!(mail.field("X-Tag"), Some("a"));
    let rendered = mailer.render(&request).await.expect("it renders").message;
    assert_eq!((rendered.text.as_deref(), rendered.html.as_deref()), (Some(text), Some(html)));
}

#[tokio::test]
async fn literal_content_adds_no_field_and_its_parts_are_bounded() {
    let mailer = mailer(&bundled().await, &configuration(587)).await;
    let request = Request::new("SignIn", "user@example.com");
    let injected = request.clone().literal(Literal::text("a\r\nBcc: eve@evil.example", "x"));
    let error = mailer.render(&injected).await.expect_err("a line break in a subject");
    assert_eq!(error.kind(), ErrorKind::Message, "{error}");
    let large = request.clone().literal(Literal::text("s", "x".repeat((4 << 20) + 1)));
    let error = mailer.render(&large).await.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::Template, "{error}");
    let error = mailer.render(&request.message_id("a b")).await.expect_err("no Message-ID");
    assert_eq!(error.kind(), ErrorKind::Message, "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("<name@domain>")), "{error:?}");
}
