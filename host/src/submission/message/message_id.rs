//! Message-IDs (RFC 5322 §3.6.4): one that nobody can guess, or the caller's own.

use super::prepare::token;
use crate::error::{Error, ErrorKind, Result};

/// The longest Message-ID, in octets, brackets included. It cannot be folded, and many stores of
/// mail index no more.
const LONGEST: usize = 250;

/// The caller's Message-ID in angle brackets, or a new one at a domain.
pub(super) fn message_id(own: Option<&str>, domain: &str) -> Result<String> {
    match own {
        Some(own) => parse(own),
        None => Ok(format!("<{}@{domain}>", token()?)),
    }
}

/// Reads a Message-ID, with or without its angle brackets.
fn parse(text: &str) -> Result<String> {
    let bare = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text);
    let (left, right) = bare.split_once('@').ok_or_else(|| refusal("it has no `@`"))?;
    if bare.len() + 2 > LONGEST {
        return Err(refusal(&format!("it has more than {LONGEST} octets")));
    }
    let literal = right.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_sound = is_dot_atom(left)
        && match literal {
            Some(literal) => literal.bytes().all(|b| b.is_ascii_graphic() && !b"[]\\".contains(&b)),
            None => is_dot_atom(right),
        };
    match is_sound {
        true => Ok(format!("<{bare}>")),
        false => Err(refusal("it is not made of two dot-atoms with one `@` between them")),
    }
}

/// Whether a text is a dot-atom-text (RFC 5322 §3.2.3).
fn is_dot_atom(text: &str) -> bool {
    let is_atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

fn refusal(why: &str) -> Error {
    Error::new(ErrorKind::Message, format!("the Message-ID of the request cannot be used: {why}"))
        .with_hint("write it as `<name@domain>`, in US-ASCII and without blanks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_taken_as_it_is_or_refused() {
        let long = format!("{}@b.example", "a".repeat(LONGEST));
        for (text, expected) in [
            ("<a.b@c.example>", Some("<a.b@c.example>")),
            ("a+1@c", Some("<a+1@c>")),
            ("<a@[127.0.0.1]>", Some("<a@[127.0.0.1]>")),
            ("a", None),
            ("", None),
            ("<a@b", None),
            ("a@b>", None),
            ("a@b@c", None),
            ("a b@c", None),
            ("a@b\r\nBcc: x@y", None),
            ("a..b@c", None),
            ("é@c.example", None),
            ("<a@[x]y]>", None),
            (&long, None),
        ] {
            assert_eq!(parse(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_new_one_is_new() {
        let new = || message_id(None, "example.com").expect("randomness");
        assert_ne!(new(), new());
        assert!(new().ends_with("@example.com>"));
    }
}
