//! Keys that have no effect here, each with the reason and with what to write instead: those of
//! single messages, those that take functions, and those of nodemailer's other transports.

use serde_json::Value;

use crate::config::Object;
use crate::findings::Findings;

/// A key without effect, why it has none, and what to do.
pub(super) type Inert = (&'static str, &'static str, &'static str);

const FUNCTION: &str = "it takes a function or an object of Node's, which JSON cannot hold";
const MESSAGE: &str = "it belongs to a single message, and is not read from a configuration";

/// Keys of the transport that nobody follows.
const TRANSPORT: &[Inert] = &[
    (
        "allowInternalNetworkInterfaces",
        "names are resolved as the operating system resolves them",
        "remove it",
    ),
    (
        "attachDataUrls",
        "images in `data:` URLs stay where they are",
        "remove it, or link to the images",
    ),
    ("component", "it only names nodemailer's logger", "remove it"),
    ("connection", FUNCTION, "remove it; `proxy` and `localAddress` shape the connection"),
    ("customAuth", FUNCTION, "remove it, and choose a mechanism with `authMethod`"),
    ("dnsTtl", "names are resolved for every connection", "remove it"),
    ("getSocket", FUNCTION, "remove it; `proxy` and `localAddress` shape the connection"),
    (
        "normalizeHeaderKey",
        FUNCTION,
        "remove it: header names go out as `customHeaders` writes them",
    ),
    (
        "secured",
        "there is no connection that could be secured already",
        "remove it; `secure` begins with TLS",
    ),
    ("socket", FUNCTION, "remove it; `proxy` and `localAddress` shape the connection"),
];

/// Keys of nodemailer's messages. On its transports they have no effect either.
const MESSAGES: &[Inert] = &[
    ("_dkim", MESSAGE, "use `dkim`"),
    (
        "alternatives",
        MESSAGE,
        "write one template in `text/plain` and one in `text/html` for a type",
    ),
    ("amp", MESSAGE, "remove it"),
    ("attachments", MESSAGE, "remove it"),
    ("baseBoundary", MESSAGE, "remove it"),
    ("bcc", MESSAGE, "remove it: a message has one recipient"),
    ("boundaryPrefix", MESSAGE, "remove it"),
    ("cc", MESSAGE, "remove it: a message has one recipient"),
    ("date", MESSAGE, "remove it: each message is dated when it is sent"),
    ("dsn", MESSAGE, "remove it"),
    ("encoding", MESSAGE, "remove it: the transfer encoding follows from the text"),
    ("envelope", MESSAGE, "remove it: the envelope follows from `fromEmail` and the recipient"),
    ("from", MESSAGE, "use `fromEmail`"),
    ("headers", MESSAGE, "use `customHeaders`"),
    ("html", MESSAGE, "use `templates`"),
    ("icalEvent", MESSAGE, "remove it"),
    ("inReplyTo", MESSAGE, "use `customHeaders`: `In-Reply-To`"),
    ("list", MESSAGE, "use `customHeaders`: `List-Unsubscribe` and the like"),
    ("messageId", MESSAGE, "remove it: each message has its own"),
    ("newline", MESSAGE, "remove it: lines always end in CRLF"),
    ("priority", MESSAGE, "use `customHeaders`: `X-Priority` and `Importance`"),
    ("raw", MESSAGE, "use `templates`"),
    ("references", MESSAGE, "use `customHeaders`: `References`"),
    ("requireTLSExtensionEnabled", MESSAGE, "use `requireTLS`"),
    ("sender", MESSAGE, "use `fromEmail`"),
    ("subject", MESSAGE, "use `templates`"),
    ("text", MESSAGE, "use `templates`"),
    ("textEncoding", MESSAGE, "remove it: the transfer encoding follows from the text"),
    ("to", MESSAGE, "remove it: each request names its recipient"),
    ("watchHtml", MESSAGE, "use `templates`"),
    ("xMailer", MESSAGE, "use `customHeaders`: `X-Mailer`"),
];

/// Keys that choose another of nodemailer's transports.
const OTHER_TRANSPORTS: [&str; 4] = ["sendmail", "streamTransport", "jsonTransport", "SES"];

/// Reads all such keys at the top level.
pub(super) fn read(root: &mut Object<'_>, findings: &mut Findings) {
    report(root, TRANSPORT, findings);
    report(root, MESSAGES, findings);
}

/// Reports the keys that choose another transport.
pub(super) fn other_transports(root: &mut Object<'_>, findings: &mut Findings) {
    for key in OTHER_TRANSPORTS {
        if root.value(key).is_some_and(|value| !is_off(value)) {
            findings
                .error(
                    root.pointer_to(key),
                    "unsupported",
                    "chooses another transport: mail goes out by SMTP or LMTP only",
                )
                .help("remove it, and set `host`");
        }
    }
}

/// Reads the two promises that are kept anyway: nothing here opens files or URLs for a message.
pub(super) fn access(root: &mut Object<'_>, findings: &mut Findings) {
    root.boolean("disableFileAccess", findings);
    root.boolean("disableUrlAccess", findings);
}

/// Reports those keys of a table that say something.
pub(super) fn report(object: &mut Object<'_>, table: &[Inert], findings: &mut Findings) {
    for (key, reason, help) in table {
        if object.inert(key).is_some_and(|value| !is_off(value)) {
            findings.no_effect(object.pointer_to(key), *reason).help(*help);
        }
    }
}

/// Whether a value asks for nothing.
pub(super) fn is_off(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false)) || value == "" || value.as_f64() == Some(0.0)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{at, codes, warnings, with};
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_of_messages_and_functions_are_warnings_with_a_way_out() {
        for (key, _, help) in TRANSPORT.iter().chain(MESSAGES) {
            let document = with(json!({ *key: "x" }));
            let path: &str = format!("/{key}").leak();
            assert_eq!(warnings(&document), [(path, "no-effect")]);
            assert_eq!(at(&document, path).help.as_deref(), Some(*help));
            assert_eq!(warnings(&with(json!({ *key: false }))), []);
        }
        let finding = at(&with(json!({"from": "x"})), "/from");
        assert_eq!(
            finding.message,
            "has no effect: it belongs to a single message, and is not read from a configuration"
        );
    }

    #[test]
    fn other_transports_are_errors() {
        for key in OTHER_TRANSPORTS {
            let path: &str = format!("/{key}").leak();
            assert_eq!(codes(&with(json!({ key: true }))), [(path, "unsupported")]);
            assert_eq!(codes(&with(json!({ key: {"ses": {}} }))), [(path, "unsupported")]);
            assert_eq!(codes(&with(json!({ key: false }))), []);
        }
    }

    #[test]
    fn access_to_files_and_urls_is_never_given() {
        assert_eq!(
            warnings(&with(json!({"disableFileAccess": true, "disableUrlAccess": false}))),
            []
        );
        let wrong = with(json!({"disableFileAccess": 1, "disableUrlAccess": "x"}));
        assert_eq!(
            codes(&wrong),
            [("/disableFileAccess", "wrong-type"), ("/disableUrlAccess", "wrong-type")]
        );
    }
}
