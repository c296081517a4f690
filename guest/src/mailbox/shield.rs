//! Keeps values of a payload from being syntax in a mailbox template: before the text is parsed,
//! every character of a value that has a meaning in RFC 5322 is replaced by a private one, and
//! turned back when the phrase or the address that it fell into is complete.

use std::borrow::Cow;

use super::{Problem, address};

/// Where the stand-ins begin: plane 15 is for private use, and no font or keyboard produces it.
const BASE: u32 = 0xF_0000;

/// Hides what has a meaning in a mailbox.
pub fn shield(value: &str) -> Cow<'_, str> {
    if !value.contains(|c| is_special(c) || is_shielded(c)) {
        return Cow::Borrowed(value);
    }
    value.chars().map(hidden).collect()
}

fn hidden(c: char) -> char {
    match c {
        _ if is_special(c) => {
            char::from_u32(BASE + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        // Nobody may smuggle a stand-in of their own.
        _ if is_shielded(c) => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

fn is_special(c: char) -> bool {
    c.is_control()
        || matches!(c, '<' | '>' | ',' | ';' | ':' | '"' | '(' | ')' | '@' | '[' | ']' | '\\')
}

fn is_shielded(c: char) -> bool {
    (BASE..BASE + 0x100).contains(&u32::from(c))
}

fn revealed(c: char) -> char {
    if is_shielded(c) { char::from_u32(u32::from(c) - BASE).unwrap_or(c) } else { c }
}

/// The display name, in one line; none where nothing is left.
pub(super) fn reveal_name(name: &str) -> Option<String> {
    let visible = name.chars().map(revealed).map(|c| if c.is_control() { ' ' } else { c });
    let name = visible.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    (!name.is_empty()).then_some(name)
}

/// The address, checked. What values have put into it must not need quoting.
pub(super) fn reveal_address(text: &str) -> Result<String, Problem> {
    if !text.contains(is_shielded) {
        return address::normalize(text);
    }
    let text: String = text.chars().map(revealed).collect();
    if text.matches('@').count() != 1
        || text.contains(|c: char| c != '@' && (is_special(c) || c.is_whitespace()))
    {
        return Err("a value of the payload is not one plain address".to_owned());
    }
    address::normalize(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mailbox::{Mailbox, list, one};

    #[test]
    fn a_value_stays_one_phrase() {
        for value in
            ["Eve, <eve@evil.example>", "Eve\" <eve@evil.example>, \"", "a\\", "(x", "x; y:"]
        {
            for text in [
                format!("{} <a@example.com>", shield(value)),
                format!("\"{}\" <a@example.com>", shield(value)),
            ] {
                let expected =
                    Mailbox { name: Some(value.to_owned()), address: "a@example.com".to_owned() };
                assert_eq!(list(&text), Ok(vec![expected]), "{value}");
            }
        }
    }

    #[test]
    fn line_breaks_in_a_value_become_spaces() {
        let text = format!("{} <a@example.com>", shield("Eve\r\nBcc: x@y\u{0}"));
        assert_eq!(one(&text).expect("one mailbox").name.as_deref(), Some("Eve Bcc: x@y"));
    }

    #[test]
    fn a_value_is_one_address_or_none() {
        assert_eq!(one(&shield("a@example.com")).expect("one mailbox").address, "a@example.com");
        for value in [
            "a@b.example, c@d.example",
            "Eve <eve@evil.example>",
            "a@b@c",
            "\"a b\"@c",
            "a b@c\u{f0040}d",
            "x",
        ] {
            assert!(list(&shield(value)).is_err(), "{value}");
            assert!(list(&format!("App <{}>", shield(value))).is_err(), "{value}");
        }
    }
}
