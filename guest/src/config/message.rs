//! The keys that shape every message: the author, the mailboxes for answers, and further header
//! fields.
//!
//! Header fields are checked here once (RFC 5322 §2.2), so that nothing below has to doubt them.

use serde_json::Value;

use crate::bindings::exports::smtp_connector::contract::messages::{HeaderField, Mailbox};
use crate::config::{Object, wrong_type};
use crate::findings::{Findings, join};
use crate::mailbox;

/// The longest name of a header field: with its colon it must fit on a line of 78 characters.
const MAX_HEADER_NAME: usize = 76;

/// The header fields that the host or the message itself writes. Those that end in a hyphen are
/// prefixes.
const OWN_FIELDS: [&str; 15] = [
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "bcc",
    "subject",
    "date",
    "message-id",
    "mime-",
    "content-",
    "resent-",
    "received",
    "return-path",
    "dkim-signature",
];

/// What every message of a configuration has in common.
#[derive(Debug)]
pub struct MessageSettings {
    /// The author.
    pub from: Mailbox,
    /// The mailboxes for answers.
    pub reply_to: Vec<Mailbox>,
    /// Further header fields, in order.
    pub headers: Vec<HeaderField>,
}

impl MessageSettings {
    /// Reads the settings; none where the author is missing or unusable.
    pub fn read(root: &mut Object<'_>, findings: &mut Findings) -> Option<Self> {
        let from = from(root, findings);
        let reply_to = reply_to(root, findings);
        let headers = headers(root, findings);
        Some(Self { from: from?, reply_to, headers })
    }
}

fn from(root: &mut Object<'_>, findings: &mut Findings) -> Option<Mailbox> {
    let path = root.pointer_to("fromEmail");
    let Some(value) = root.value("fromEmail") else {
        missing_author(path, "`fromEmail` is missing", findings);
        return None;
    };
    let Some(text) = value.as_str() else {
        wrong_type(&path, "a string", value, findings);
        return None;
    };
    if text.trim().is_empty() {
        missing_author(path, "`fromEmail` is empty", findings);
        return None;
    }
    warn_encoded(text, &path, findings);
    mailbox::one(text).map_err(|problem| bad_address(path, &problem, findings)).ok()
}

/// Names are encoded where a message is written, so an encoded word (RFC 2047 §2) in one would be
/// read as it stands.
fn warn_encoded(text: &str, path: &str, findings: &mut Findings) {
    let is_encoded =
        text.split_once("=?").is_some_and(|(_, word)| word.contains('?') && word.contains("?="));
    if is_encoded {
        findings
            .warning(path, "encoded-name", "an encoded word is sent as the text that stands here")
            .help("write the name as people shall read it, in any script");
    }
}

fn missing_author(path: String, message: &str, findings: &mut Findings) {
    findings
        .error(path, "missing-key", message)
        .help("set it to the sender's mailbox, such as `My App <no-reply@example.com>`");
}

fn bad_address(path: String, problem: &str, findings: &mut Findings) {
    findings
        .error(path, "invalid-address", problem)
        .help("write `name@example.com` or `My App <name@example.com>`");
}

fn reply_to(root: &mut Object<'_>, findings: &mut Findings) -> Vec<Mailbox> {
    let text = root.string("replyTo", findings).unwrap_or_default();
    warn_encoded(text, &root.pointer_to("replyTo"), findings);
    match mailbox::list(text) {
        Ok(list) => list,
        Err(problem) => {
            bad_address(root.pointer_to("replyTo"), &problem, findings);
            Vec::new()
        }
    }
}

fn headers(root: &mut Object<'_>, findings: &mut Findings) -> Vec<HeaderField> {
    let path = root.pointer_to("customHeaders");
    let mut fields = Vec::new();
    let Some(value) = root.value("customHeaders") else {
        return fields;
    };
    let Some(map) = value.as_object() else {
        wrong_type(&path, "an object", value, findings);
        return fields;
    };
    for (name, value) in map.iter().filter(|(_, value)| !value.is_null()) {
        let at = join(&path, name);
        if !check_name(name, &at, findings) {
            continue;
        }
        match value {
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate().filter(|(_, value)| !value.is_null())
                {
                    fields.extend(field(name, value, join(&at, &index.to_string()), findings));
                }
            }
            value => fields.extend(field(name, value, at, findings)),
        }
    }
    fields
}

/// Whether a field of this name may be added.
fn check_name(name: &str, path: &str, findings: &mut Findings) -> bool {
    let is_ftext = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if name.is_empty() || name.len() > MAX_HEADER_NAME || !name.bytes().all(is_ftext) {
        let problem = "this is no name of a header field";
        findings.error(path, "invalid-header-name", problem).help(format!(
            "a name has 1 to {MAX_HEADER_NAME} printable ASCII characters, no space and no colon, \
            such as `X-Campaign`"
        ));
        return false;
    }
    let lower = name.to_ascii_lowercase();
    let is_own = |own: &&str| lower == **own || own.ends_with('-') && lower.starts_with(*own);
    if OWN_FIELDS.iter().any(is_own) {
        findings
            .warning(
                path,
                "no-effect",
                format!("`{name}` is written from the message itself, so this has no effect"),
            )
            .help(own_field_help(&lower));
        return false;
    }
    true
}

fn own_field_help(lower: &str) -> &'static str {
    match lower {
        "from" | "sender" | "return-path" => "remove it and set `fromEmail`",
        "reply-to" => "remove it and set `replyTo`",
        "subject" => "remove it and set the subject of the templates",
        "dkim-signature" => "remove it and set `dkim`",
        _ => "remove it",
    }
}

fn field(name: &str, value: &Value, path: String, findings: &mut Findings) -> Option<HeaderField> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        other => {
            wrong_type(&path, "a string", other, findings);
            return None;
        }
    };
    if value.as_str().is_some_and(|text| text.contains(|c: char| c.is_control() && c != '\t')) {
        findings
            .error(
                path,
                "invalid-header-value",
                "a header value holds a line break or a control character",
            )
            .help("write the value in one line; long lines are folded by themselves");
        return None;
    }
    if text.is_empty() {
        findings
            .warning(path, "empty-header", "an empty header field is not sent")
            .help("remove it or give it a value");
        return None;
    }
    Some(HeaderField { name: name.to_owned(), value: text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<MessageSettings>, Vec<(String, String)>) {
        let document: Value = serde_json::from_str(text).expect("valid JSON");
        let mut findings = Findings::default();
        let mut root = Object::read(&document, "", &mut findings).expect("an object");
        let settings = MessageSettings::read(&mut root, &mut findings);
        (
            settings,
            findings.into_vec().into_iter().map(|finding| (finding.path, finding.code)).collect(),
        )
    }

    #[test]
    fn the_author_is_exactly_one_mailbox() {
        for (value, code) in [
            (r#""no-reply@example.com""#, None),
            (r#""My App <no-reply@example.com>""#, None),
            (r#""What=?! <no-reply@example.com>""#, None),
            ("null", Some("missing-key")),
            (r#""""#, Some("missing-key")),
            ("1", Some("wrong-type")),
            (r#""a@b.example, c@d.example""#, Some("invalid-address")),
            (r#""noreply@ex.com <My App>""#, Some("invalid-address")),
            (r#""My App""#, Some("invalid-address")),
        ] {
            let (settings, found) = read(&format!(r#"{{"fromEmail": {value}}}"#));
            let expected: Vec<_> =
                code.map(|code| ("/fromEmail".to_owned(), code.to_owned())).into_iter().collect();
            assert_eq!(found, expected, "{value}");
            assert_eq!(settings.is_some(), code.is_none(), "{value}");
        }
    }

    #[test]
    fn reply_to_is_a_list() {
        let (settings, found) =
            read(r#"{"fromEmail": "a@b.example", "replyTo": "x@y.example, Z <z@y.example>"}"#);
        assert_eq!(found, []);
        assert_eq!(settings.expect("usable").reply_to.len(), 2);
        let (_, found) = read(r#"{"fromEmail": "a@b.example", "replyTo": "nobody"}"#);
        assert_eq!(found, [("/replyTo".to_owned(), "invalid-address".to_owned())]);
    }

    #[test]
    fn encoded_words_are_told() {
        let encoded = "=?utf-8?q?B=C3=BCro?= <a@b.example>";
        let (settings, found) =
            read(&format!(r#"{{"fromEmail": "{encoded}", "replyTo": "{encoded}"}}"#));
        let at = |path: &str| (path.to_owned(), "encoded-name".to_owned());
        assert_eq!(found, [at("/fromEmail"), at("/replyTo")]);
        assert_eq!(settings.expect("usable").from.name.as_deref(), Some("=?utf-8?q?B=C3=BCro?="));
    }

    #[test]
    fn headers_keep_case_order_and_repetition() {
        let (settings, found) = read(
            r#"{"fromEmail": "a@b.example", "customHeaders":
                {"x-Tag": ["one", "two", null], "X-Count": 3, "X-None": null, "X-Ünï": "v",
                "X-Tab": "a\tb"}}"#,
        );
        assert_eq!(found, [("/customHeaders/X-Ünï".to_owned(), "invalid-header-name".to_owned())]);
        let headers = settings.expect("usable").headers;
        let pairs: Vec<_> =
            headers.iter().map(|field| (field.name.as_str(), field.value.as_str())).collect();
        assert_eq!(
            pairs,
            [("x-Tag", "one"), ("x-Tag", "two"), ("X-Count", "3"), ("X-Tab", "a\tb")]
        );
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config {
            failure_persistence: None,
            ..Default::default()
        })]

        /// A header field is sent as it is written, or there is a finding.
        #[test]
        fn no_header_is_more_than_one_line(
            name in "(?s)X-[A-Za-z]{1,8}|.{0,4}",
            value in "(?s).*|[a\\t\\r\\n\\x00\u{85}:]*",
        ) {
            let document = serde_json::json!({
                "fromEmail": "a@b.example", "customHeaders": { &name: &value },
            });
            let (settings, found) = read(&document.to_string());
            let fields = settings.map(|settings| settings.headers).unwrap_or_default();
            proptest::prop_assert_eq!(fields.len() + found.len(), 1, "{:?}", found);
            for field in fields {
                let is_ftext = |byte: u8| byte.is_ascii_graphic() && byte != b':';
                let is_name = field.name.bytes().all(is_ftext);
                proptest::prop_assert!(is_name && !field.name.is_empty(), "{}", field.name);
                let breaks = |c: char| c.is_control() && c != '\t';
                proptest::prop_assert!(!field.value.contains(breaks), "{:?}", field.value);
                proptest::prop_assert_eq!(field.value.as_str(), value.trim());
            }
        }
    }

    #[test]
    fn headers_that_cannot_be_sent_are_reported() {
        let long = "x".repeat(77);
        for (name, value, path, code) in [
            ("X A", r#""v""#, "/customHeaders/X A", "invalid-header-name"),
            ("X:A", r#""v""#, "/customHeaders/X:A", "invalid-header-name"),
            ("", r#""v""#, "/customHeaders/", "invalid-header-name"),
            (&long, r#""v""#, &format!("/customHeaders/{long}"), "invalid-header-name"),
            ("X/A", r#""a\r\nBcc: x""#, "/customHeaders/X~1A", "invalid-header-value"),
            ("X", r#"["ok", "a\nb"]"#, "/customHeaders/X/1", "invalid-header-value"),
            ("X", r#""a\u0000b""#, "/customHeaders/X", "invalid-header-value"),
            ("X", r#"" ""#, "/customHeaders/X", "empty-header"),
            ("X", "true", "/customHeaders/X", "wrong-type"),
            ("Bcc", r#""v""#, "/customHeaders/Bcc", "no-effect"),
            ("content-TYPE", r#""v""#, "/customHeaders/content-TYPE", "no-effect"),
            ("Resent-From", r#""v""#, "/customHeaders/Resent-From", "no-effect"),
            ("DKIM-Signature", r#""v""#, "/customHeaders/DKIM-Signature", "no-effect"),
        ] {
            let (_, found) = read(&format!(
                r#"{{"fromEmail": "a@b.example", "customHeaders": {{"{name}": {value}}}}}"#
            ));
            assert_eq!(found, [(path.to_owned(), code.to_owned())], "{name}: {value}");
        }
    }
}
