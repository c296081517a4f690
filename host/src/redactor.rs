//! Masks secrets and one-time codes in every text that comes from outside: replies, errors, transcripts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "***";

/// Shorter texts are not masked: they would blot out ordinary words and say nothing.
const SHORTEST: usize = 4;

/// The digits of percent-encoding, as most write them.
const UPPER: [u8; 16] = *b"0123456789ABCDEF";

/// The digits of percent-encoding, as some write them.
const LOWER: [u8; 16] = *b"0123456789abcdef";

/// A set of texts that must not be shown.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    needles: Arc<Vec<Zeroizing<String>>>,
}

impl Redactor {
    /// Masks what this one masks, and `secrets` too: plain, percent-encoded, as a form encodes them, and in
    /// base64. What is sent without the blanks around it is known without them.
    pub(crate) fn with<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets = secrets.into_iter().flat_map(|secret| [secret, secret.trim()]);
        let mut secrets = secrets.filter(|secret| secret.chars().count() >= SHORTEST).peekable();
        if secrets.peek().is_none() {
            return self.clone();
        }
        let mut needles = self.needles.as_ref().clone();
        for secret in secrets {
            let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let encoded = [
                secret.to_owned(),
                percent_encode(secret, &UPPER),
                percent_encode(secret, &LOWER),
                form,
                STANDARD.encode(secret),
                STANDARD.encode(secret).trim_end_matches('=').to_owned(),
                URL_SAFE_NO_PAD.encode(secret),
            ];
            needles.extend(encoded.map(Zeroizing::new));
        }
        // The longest first, so that a secret within another leaves no remainder.
        needles.sort_by(|one, other| (other.len(), other.as_str()).cmp(&(one.len(), one.as_str())));
        needles.dedup();
        Self { needles: Arc::new(needles) }
    }

    /// The text with every whole token that must not be shown replaced.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for needle in self.needles.iter() {
            if masked.contains(needle.as_str()) {
                masked = mask_tokens(&masked, needle);
            }
        }
        masked
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} texts)", self.needles.len())
    }
}

fn mask_tokens(text: &str, needle: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let (mut kept, mut from) = (0, 0);
    while let Some(start) = text[from..].find(needle).map(|at| from + at) {
        let (before, end) = (&text[..start], start + needle.len());
        let joined_before =
            !ends_with_escape(before) && joins(before.chars().next_back(), needle.chars().next());
        let joined_after = joins(needle.chars().next_back(), text[end..].chars().next());
        if joined_before || joined_after {
            // Part of a longer word: go on behind its first character.
            from = start + needle.chars().next().map_or(1, char::len_utf8);
        } else {
            masked.push_str(&text[kept..start]);
            masked.push_str(MASK);
            (kept, from) = (end, end);
        }
    }
    masked.push_str(&text[kept..]);
    masked
}

/// Whether a text ends with a character that is percent-encoded, whose digits belong to no word.
fn ends_with_escape(text: &str) -> bool {
    matches!(text.as_bytes(), [.., b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// Whether two neighbouring characters belong to one word.
fn joins(left: Option<char>, right: Option<char>) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    word(left) && word(right)
}

/// Encodes everything but unreserved characters (RFC 3986 §2.3), with these digits.
fn percent_encode(text: &str, digits: &[u8; 16]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let digits = [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]];
            encoded.push('%');
            encoded.extend(digits.map(char::from));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_tokens_are_masked_in_every_encoding() {
        let redactor = Redactor::default().with(["p@ss word", "482913", "abc"]);
        let cases = [
            ("535 p@ss word is wrong", "535 *** is wrong"),
            ("http://u:p%40ss%20word@proxy", "http://u:***@proxy"),
            ("echo cEBzcyB3b3Jk", "echo ***"),
            ("your code 482913.", "your code ***."),
            ("queued as 14829137", "queued as 14829137"),
            ("482913482913 482913", "482913482913 ***"),
            ("abc is too short", "abc is too short"),
            ("http%3A%2F%2Fu%3Ap%40ss%20word%40proxy", "http%3A%2F%2Fu%3A***%40proxy"),
            ("http%3a%2f%2fu%3ap%40ss%20word", "http%3a%2f%2fu%3a***"),
            ("client_secret=p%40ss+word&scope=x", "client_secret=***&scope=x"),
        ];
        for (text, expected) in cases {
            assert_eq!(redactor.mask(text), expected);
        }
    }

    #[test]
    fn a_secret_is_known_by_what_is_sent_of_it() {
        let redactor = Redactor::default().with([" 8Q~x*y!z/0 \n"]);
        for echo in ["8Q~x*y!z/0", "8Q%7Ex*y%21z%2F0", "8Q~x%2ay%21z%2f0", "OFF+eCp5IXovMA=="] {
            assert_eq!(redactor.mask(&format!("<{echo}>")), "<***>", "{echo}");
        }
    }
}
