//! What the mails of a type are for: the code or the link without which nobody needs them.

use serde_json::Value;

use super::text::{Bounded, Escaping, write_text, write_value};

/// Logto's types whose mails exist to carry a code or a link. Others carry what they like.
const CARRIERS: [&str; 8] = [
    "Register",
    "SignIn",
    "ForgotPassword",
    "Generic",
    "UserPermissionValidation",
    "BindNewIdentifier",
    "MfaVerification",
    "BindMfa",
];

/// The values of the payload of which the mails of a type carry one.
pub(super) fn carried(usage_type: &str) -> &'static [&'static str] {
    match usage_type {
        "OrganizationInvitation" => &["link"],
        carrier if CARRIERS.contains(&carrier) => &["code", "link"],
        _ => &[],
    }
}

/// What is wrong with a mail whose payload has something to carry that none of its parts holds.
pub fn lost(usage_type: &str, payload: &Value, parts: &[&str]) -> Option<String> {
    let given = |key: &&&str| payload.get(**key).and_then(text).is_some();
    let names: Vec<_> = carried(usage_type).iter().filter(given).copied().collect();
    let holds = |name: &str| {
        let value = payload.get(name).and_then(text).unwrap_or_default();
        parts.iter().any(|part| holds(part, &value))
    };
    if names.is_empty() || names.iter().any(|name| holds(name)) {
        return None;
    }
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    Some(format!("no part of the mail holds the {} of the payload", names.join(" or the ")))
}

/// A value as a mail writes it, where that is not nothing.
fn text(value: &Value) -> Option<String> {
    if !value.is_string() && !value.is_number() {
        return None;
    }
    let mut out = Bounded::for_template(0);
    write_value(value, Escaping::Plain, &mut out).ok()?;
    Some(out.text).filter(|text| !text.trim().is_empty())
}

/// Whether a part holds a value: as it is, escaped, or spread over elements and blanks, as codes
/// are whose digits stand apart.
fn holds(part: &str, value: &str) -> bool {
    let mut escaped = Bounded::for_template(value.len());
    let is_escaped = write_text(value, Escaping::Html, &mut escaped).is_ok();
    part.contains(value)
        || (is_escaped && part.contains(&escaped.text))
        || bare(part).contains(&bare(value))
}

/// A text without its elements and blanks.
fn bare(text: &str) -> String {
    let mut in_element = false;
    let mut is_bare = |c: char| {
        in_element |= c == '<';
        let is_bare = !in_element && !c.is_whitespace();
        in_element &= c != '>';
        is_bare
    };
    text.chars().filter(|c| is_bare(*c)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_mail_is_for_is_in_it() {
        let payload = json!({"code": "123456", "link": "https://x.example/?a=1&b=2"});
        for (usage_type, part, is_lost) in [
            ("SignIn", "Your code is 123456.", false),
            ("SignIn", "<a href=\"https://x.example/?a&#x3D;1&amp;b&#x3D;2\">sign in</a>", false),
            ("SignIn", "https://x.example/?a=1&b=2", false),
            ("SignIn", "<td>1</td>\n<td>2</td><td>3</td> <td>4</td><td>5</td><td>6</td>", false),
            ("SignIn", "Your code is {{ code !}}.", true),
            ("SignIn", "Your code is 12345.", true),
            ("OrganizationInvitation", "123456", true),
            ("OrganizationInvitation", "https://x.example/?a=1&b=2", false),
            ("Newsletter", "x", false),
        ] {
            let found = lost(usage_type, &payload, &["a subject", part]);
            assert_eq!(found.is_some(), is_lost, "{usage_type} {part}");
        }
    }

    #[test]
    fn a_payload_without_anything_to_carry_loses_nothing() {
        for payload in [json!({}), json!({"code": " "}), json!({"code": null, "link": []})] {
            assert_eq!(lost("SignIn", &payload, &["x"]), None, "{payload}");
        }
        assert_eq!(lost("SignIn", &json!({"code": 12.0}), &["12"]), None);
        assert_eq!(
            lost("SignIn", &json!({"code": 12}), &["x"]).as_deref(),
            Some("no part of the mail holds the `code` of the payload")
        );
        assert_eq!(
            lost("SignIn", &json!({"code": "12", "link": "x:y"}), &["x"]).as_deref(),
            Some("no part of the mail holds the `code` or the `link` of the payload")
        );
    }
}
