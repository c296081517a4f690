//! The envelope is the host's: the recipient is the caller's, and the author is one whom the
//! configuration or the caller's template names.

use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Limits, Request, TemplateOverride};
use smtp_connector_catch_all::{CatchAll, Options, Security};
use smtp_connector_tests::guests::Guest;
use tokio::time::timeout;

use crate::helpers::tenant::{PATIENCE, configuration, load, local, mailer};

async fn catch_all() -> CatchAll {
    let options = Options::default().security(Security::Plaintext);
    CatchAll::start(options).await.expect("loopback has a free port")
}

fn request(payload: Value) -> Request {
    Request::new("SignIn", "user@example.com").payload(payload)
}

fn template(send_from: &str) -> TemplateOverride {
    let template = json!({ "subject": "s", "content": "c", "sendFrom": send_from });
    serde_json::from_value(template).expect("it is sound")
}

#[tokio::test]
async fn no_component_names_another_recipient() {
    let (_engine, connector) = load(Guest::Forges, Limits::default()).await;
    let server = catch_all().await;
    let mailer = mailer(&connector, &configuration(server.address().port())).await;
    let request = request(json!({ "recipient": "eve@evil.example" }));
    let receipt = mailer.send(&request).await.expect("acceptance");
    assert_eq!(receipt.accepted, ["user@example.com"]);
    let caught = timeout(PATIENCE, server.next()).await.expect("the message arrives");
    assert_eq!(caught.envelope.forward_paths, ["user@example.com"]);
    assert_eq!(caught.parse().field("To"), Some("user@example.com"));
    let rendered = mailer.render(&request).await.expect("it renders");
    assert_eq!(rendered.message.to.address, "user@example.com");
}

#[tokio::test]
async fn an_author_whom_nobody_named_is_the_components_fault() {
    let (_engine, connector) = load(Guest::Forges, Limits::default()).await;
    let server = catch_all().await;
    let mut configuration = configuration(server.address().port());
    configuration["fromEmail"] = json!("\"Not eve@evil.example\" <no-reply@acme.test>");
    let options = local().author_domains(["allowed.test"]);
    let configured = connector.configure_with(&configuration.to_string(), &options).await;
    let mailer = configured.expect("the configuration is sound");
    let component = ErrorKind::Component;
    let refused = [
        (None, "eve@evil.example", component),
        (None, "billing@acme.test", component),
        (None, "no-reply@mail.acme.test", component),
        (None, "no-reply@allowed.test", component),
        (Some("{{app}} <care@acme.test>"), "billing@acme.test", component),
        (Some("{{user}}@mail.test"), "jo@evil.example", component),
        (Some("{{sender}}"), "eve@evil.example", ErrorKind::Address),
    ];
    for (send_from, author, kind) in refused {
        let mut request = request(json!({ "author": author }));
        if let Some(send_from) = send_from {
            request = request.template(template(send_from));
        }
        for error in [
            mailer.compose(&request).await.map(drop).expect_err(author),
            mailer.render(&request).await.map(drop).expect_err(author),
            mailer.send(&request).await.map(drop).expect_err(author),
        ] {
            assert_eq!(error.kind(), kind, "{author}: {error}");
            let domain = author.rsplit('@').next().expect("a domain");
            assert!(error.to_string().contains(&format!("`{domain}`")), "{error}");
        }
    }
    assert_eq!(server.caught(), []);
    let admitted = [
        (None, "no-reply@acme.test"),
        (Some("{{app}} <care@acme.test>"), "care@acme.test"),
        (Some("{{user}}@mail.test"), "jo@mail.test"),
        (Some("{{sender}}"), "jo@allowed.test"),
    ];
    for (send_from, author) in admitted {
        let mut request = request(json!({ "author": author }));
        if let Some(send_from) = send_from {
            request = request.template(template(send_from));
        }
        mailer.send(&request).await.unwrap_or_else(|error| panic!("{author}: {error}"));
        let caught = timeout(PATIENCE, server.next()).await.expect("the message arrives");
        assert_eq!(caught.envelope.reverse_path, author);
    }
}

/// The bundled component makes authors from placeholders honestly; where they may be is the
/// embedder's to say.
#[tokio::test]
async fn a_placeholder_makes_authors_in_named_domains_only() {
    let connector = crate::helpers::tenant::bundled().await;
    let strict = mailer(&connector, &configuration(587)).await;
    let options = local().author_domains(["allowed.test"]);
    let text = configuration(587).to_string();
    let open = connector.configure_with(&text, &options).await.expect("a sound configuration");
    let request = |send_from: &str| {
        request(json!({ "sender": "jo@allowed.test" })).template(template(send_from))
    };
    for send_from in ["{{sender}}", "{{{sender}}}", "App <{{ sender }}>"] {
        let error = strict.render(&request(send_from)).await.expect_err(send_from);
        assert_eq!(error.kind(), ErrorKind::Address, "{error}");
        assert!(error.to_string().contains("`allowed.test`"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("author_domains")), "{error:?}");
        let mail = open.render(&request(send_from)).await.expect(send_from);
        assert_eq!(mail.envelope().reverse_path, "jo@allowed.test");
    }
    let mail = strict.render(&request("{{sender.missing}}x@mail.test")).await.expect("it renders");
    assert_eq!(mail.envelope().reverse_path, "x@mail.test");
}
