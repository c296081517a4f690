//! The keys that concern the message and are no templates: promises that are kept anyway, and what
//! belongs to nodemailer's messages.

use serde_json::{Map, Value, json};
use smtp_connector::{Envelope, Message};

use crate::helpers::proof::{check, check_keys};
use crate::helpers::tenant::{self, with};

/// What belongs to nodemailer's messages.
const SINGLE_MESSAGES: &str = "_dkim alternatives amp attachments baseBoundary bcc \
    boundaryPrefix cc date dsn encoding envelope from headers html icalEvent inReplyTo list \
    messageId newline priority raw references requireTLSExtensionEnabled \
    sender subject text textEncoding to watchHtml xMailer";

/// The sign-in mail of a configuration with these members.
async fn composed(members: &Value) -> (Message, Envelope) {
    let configuration = with(tenant::configuration(587), members);
    let mailer = tenant::mailer(&tenant::bundled().await, &configuration).await;
    let rendered = mailer.render(&tenant::sign_in("482913")).await.expect("a mail");
    (rendered.message.clone(), rendered.envelope().clone())
}

#[tokio::test]
pub(crate) async fn own_keys() {
    let members = json!({
        "fromEmail": "Acme <no-reply@acme.test>",
        "replyTo": "help@acme.test",
        "customHeaders": { "X-Tag": ["a", "b"] },
        "templates": tenant::templates("Code {{code}}"),
    });
    let (message, envelope) = composed(&members).await;
    assert_eq!(
        (message.from.name.as_deref(), envelope.reverse_path.as_str()),
        (Some("Acme"), "no-reply@acme.test")
    );
    assert_eq!(message.reply_to[0].address, "help@acme.test");
    assert_eq!(message.headers, [("X-Tag".into(), "a".into()), ("X-Tag".into(), "b".into())]);
    assert_eq!(
        (message.subject.as_str(), message.text.as_deref()),
        ("SignIn", Some("Code 482913"))
    );
    check([
        (json!({ "fromEmail": null }), "error missing-key /fromEmail"),
        (json!({ "fromEmail": "A <a@\u{308}b.example>" }), "error invalid-address /fromEmail"),
        (json!({ "replyTo": "a@b c@d" }), "error invalid-address /replyTo"),
        (
            json!({ "replyTo": "A <a@b.example>, b@\u{308}b.example" }),
            "error invalid-address /replyTo",
        ),
        (json!({ "customHeaders": [] }), "error wrong-type /customHeaders"),
        (json!({ "templates": {} }), "error wrong-type /templates"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn access() {
    for value in [true, false] {
        check([(json!({ "disableFileAccess": value, "disableUrlAccess": value }), "")]).await;
    }
    check([
        (json!({ "disableFileAccess": 1 }), "error wrong-type /disableFileAccess"),
        (json!({ "disableUrlAccess": "x" }), "error wrong-type /disableUrlAccess"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn conversions() {
    check_keys("", &["attachDataUrls", "normalizeHeaderKey"], "warning no-effect").await;
}

#[tokio::test]
pub(crate) async fn single_messages() {
    let keys: Vec<_> = SINGLE_MESSAGES.split_whitespace().collect();
    check_keys("", &keys, "warning no-effect").await;
    let all: Map<_, _> =
        keys.iter().map(|&key| (key.to_owned(), json!("Eve <eve@evil.test>"))).collect();
    let plain = composed(&json!({})).await;
    assert_eq!(composed(&Value::Object(all)).await, plain);
    let lists = json!({
        "to": ["eve@evil.test"], "headers": { "X-A": "x" }, "envelope": { "to": "eve@evil.test" },
    });
    assert_eq!(composed(&lists).await, plain);
}
