//! Masks secrets and one-time codes in every text that comes from outside: replies, errors, transcripts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "***";

/// Shorter texts are not masked: they would blot out ordinary words and say nothing.
const SHORTEST: usize = 4;

/// A set of texts that must not be shown.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    needles: Arc<Vec<Zeroizing<String>>>,
}

impl Redactor {
    /// Masks what this one masks, and `secrets` too: plain, percent-encoded and in base64.
    pub(crate) fn with<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles = self.needles.as_ref().clone();
        for secret in secrets.into_iter().filter(|secret| secret.chars().count() >= SHORTEST) {
            let encoded = [
                secret.to_owned(),
                percent_encode(secret),
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
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find(needle) {
        let (head, tail) = rest.split_at(at);
        let after = &tail[needle.len()..];
        let joined_before = joins(head.chars().next_back().or(before), needle.chars().next());
        let joined_after = joins(needle.chars().next_back(), after.chars().next());
        masked.push_str(head);
        if joined_before || joined_after {
            // Part of a longer word: go on behind its first character.
            let step = needle.chars().next().map_or(1, char::len_utf8);
            masked.push_str(&tail[..step]);
            before = needle.chars().next();
            rest = &tail[step..];
        } else {
            masked.push_str(MASK);
            before = None;
            rest = after;
        }
    }
    masked.push_str(rest);
    masked
}

/// Whether two neighbouring characters belong to one word.
fn joins(left: Option<char>, right: Option<char>) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    word(left) && word(right)
}

/// Encodes everything but unreserved characters (RFC 3986 §2.3).
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
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
        ];
        for (text, expected) in cases {
            assert_eq!(redactor.mask(text), expected);
        }
    }
}
