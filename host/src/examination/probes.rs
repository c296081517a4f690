//! What a component is tried with: its own examples, filled in, and input that nobody should send.

use serde_json::{Map, Value, json};

use crate::request::{Literal, Request, TemplateOverride};

/// To whom the messages would go.
pub(super) const RECIPIENT: &str = "user@example.com";

/// Payloads that are broken, or odd.
pub(super) const PAYLOADS: &[&str] = &[
    "",
    "{",
    "[]",
    "null",
    "\"code\"",
    "{}",
    r#"{"code":null,"link":null,"user":null}"#,
    r#"{"code":482913,"user":[],"application":"x"}"#,
    r#"{"code":"1\r\nBcc: eve@evil.example","user":{"name":"<script>\u0000"}}"#,
    r#"{"code":"{{code}}","link":"{{{link}}}","user":{"name":"\uD83D\uDE00\u202E"}}"#,
];

/// The usage types that messages are composed for.
const USAGE_TYPES: [&str; 6] =
    ["SignIn", "Register", "ForgotPassword", "Generic", "OrganizationInvitation", "Own"];

/// A component's example with its blanks filled in: what stands in angle brackets is to be
/// replaced, but for the address of a mailbox.
pub(super) fn filled(example: &Value) -> Value {
    match example {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(list) => list.iter().map(filled).collect(),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| match key.as_str() {
                "templates" => (key.clone(), value.clone()),
                _ => (key.clone(), filled(value)),
            };
            Value::Object(members.iter().map(member).collect())
        }
        other => other.clone(),
    }
}

fn fill(text: &str) -> String {
    let whole = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    if let Some(whole) = whole.filter(|whole| !whole.contains(['<', '>'])) {
        return whole.to_owned();
    }
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('<') {
        filled.push_str(before);
        match after.split_once('>') {
            Some((blank, behind)) if !blank.contains(['@', ' ']) => {
                filled.push_str(blank);
                rest = behind;
            }
            _ => {
                filled.push('<');
                rest = after;
            }
        }
    }
    filled + rest
}

/// Requests for every kind of content.
pub(super) fn requests() -> impl Iterator<Item = Request> {
    let payload = json!({
        "code": "482913", "link": "https://example.com/l?a=1&b=2", "locale": "fr-CA",
        "user": { "name": "Ada <&> \"Lovelace\"" }, "application": { "name": "App" },
        "organization": { "name": "Eve\r\nBcc: eve@evil.example" },
    });
    let request =
        move |usage_type: &str| Request::new(usage_type, RECIPIENT).payload(payload.clone());
    let supplied = TemplateOverride {
        subject: "{{code}}".to_owned(),
        content: "<p>{{code}} {{link}}</p>".to_owned(),
        content_type: None,
        reply_to: None,
        send_from: None,
    };
    let others = [
        request("SignIn").template(supplied),
        request("SignIn").literal(Literal::text("{{code}}", "482913 {{code}}")),
        request("SignIn").locale("zh-Hant-TW"),
    ];
    USAGE_TYPES.map(request).into_iter().chain(others)
}

/// Configurations that are broken: texts that are none, and a model with each key in turn of a
/// wrong type.
pub(super) fn configurations(model: Option<&Value>) -> Vec<String> {
    let mut broken: Vec<String> =
        ["", "{", "[]", "null", "42", "\"x\"", "{}", "{\"host\":1}", "{\"\":{\"/~\":0}}"]
            .map(str::to_owned)
            .into();
    broken.push("[".repeat(100_000));
    broken.push(format!("{{\"host\":\"{}\"}}", "x".repeat(1 << 20)));
    broken.push(format!("{{\"a\":{}1{}}}", "[".repeat(100), "]".repeat(100)));
    let empty = Map::new();
    let model = model.and_then(Value::as_object).unwrap_or(&empty);
    for key in model.keys() {
        for wrong in [json!(null), json!(-1), json!("\u{0}"), json!([[]]), json!({ "x": {} })] {
            let mut members = model.clone();
            members.insert(key.clone(), wrong);
            broken.push(Value::Object(members).to_string());
        }
        let mut without = model.clone();
        without.shift_remove(key);
        broken.push(Value::Object(without).to_string());
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_are_filled_in_and_mailboxes_stay() {
        for (text, expected) in [
            ("<your-address@gmail.com>", "your-address@gmail.com"),
            ("App <your-address@gmail.com>", "App <your-address@gmail.com>"),
            ("https://login.example/<tenant-id>/token", "https://login.example/tenant-id/token"),
            ("<a><b>", "ab"),
            ("a < b", "a < b"),
            ("plain", "plain"),
        ] {
            assert_eq!(fill(text), expected, "{text}");
        }
    }

    #[test]
    fn each_key_of_the_model_is_broken_in_turn() {
        let model = json!({ "host": "h", "port": 25 });
        assert_eq!(configurations(Some(&model)).len() - configurations(None).len(), 2 * 6);
    }
}
