//! Masks secrets and one-time codes in every text that comes from outside: replies, errors,
//! transcripts.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// What stands in place of a secret.
pub(crate) const MASK: &str = "***";

/// Shorter texts are not masked: they would hide ordinary words and say nothing.
const SHORTEST: usize = 4;

/// The digits of percent-encoding, as most write them.
const UPPER: [u8; 16] = *b"0123456789ABCDEF";

/// The digits of percent-encoding, as some write them.
const LOWER: [u8; 16] = *b"0123456789abcdef";

/// How many layers one redactor keeps: the codes of so many messages of one connection. A
/// connection that carries more forgets the oldest, which have expired by then.
const MOST_LAYERS: usize = 256;

/// A set of texts that must not be shown. It grows in layers, such as the secrets of a
/// configuration, those of a session and the codes of each message, which are shared and not
/// copied.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    layers: Vec<Arc<Vec<Zeroizing<String>>>>,
    sieve: Sieve,
}

impl Redactor {
    /// Masks what this one masks, and `secrets` too: plain, percent-encoded, as a form encodes
    /// them, and in base64. What is sent without the blanks around it is known without them.
    pub(crate) fn with<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut extended = self.clone();
        let needles = needles(secrets);
        if !needles.is_empty() {
            extended.add(&Arc::new(needles));
        }
        extended
    }

    /// Masks from here on what `other` masks, too.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for layer in &other.layers {
            if !self.layers.iter().any(|known| Arc::ptr_eq(known, layer)) {
                self.add(layer);
            }
        }
        if self.layers.len() > MOST_LAYERS {
            // The first are those of the configuration and the session.
            self.layers.drain(MOST_LAYERS / 4..MOST_LAYERS / 2);
            self.sieve = Sieve::default();
            self.layers
                .iter()
                .flat_map(|layer| layer.iter())
                .for_each(|needle| self.sieve.learn(needle));
        }
    }

    /// The text with every whole token that must not be shown replaced.
    pub(crate) fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        if !self.sieve.may_hold(text) {
            return masked;
        }
        let needles = self.layers.iter().flat_map(|layer| layer.iter());
        let mut found: Vec<_> =
            needles.map(|needle| needle.as_str()).filter(|needle| text.contains(needle)).collect();
        // The longest first, so that a secret within another leaves no remainder.
        found.sort_unstable_by_key(|needle| std::cmp::Reverse(needle.len()));
        for needle in found {
            masked = mask_tokens(&masked, needle);
        }
        masked
    }

    fn add(&mut self, layer: &Arc<Vec<Zeroizing<String>>>) {
        for needle in layer.iter() {
            self.sieve.learn(needle);
        }
        self.layers.push(layer.clone());
    }
}

/// Every form of these secrets that is looked for.
fn needles<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Vec<Zeroizing<String>> {
    let with_trimmed = |secret: &'a str| {
        let trimmed = secret.trim();
        [Some(secret), Some(trimmed).filter(|trimmed| *trimmed != secret)].into_iter().flatten()
    };
    let mut needles: Vec<Zeroizing<String>> = Vec::new();
    let mut add = |needle: String| {
        let needle = Zeroizing::new(needle);
        if !needles.contains(&needle) {
            needles.push(needle);
        }
    };
    for secret in secrets.into_iter().flat_map(with_trimmed) {
        if secret.chars().count() < SHORTEST {
            continue;
        }
        add(secret.to_owned());
        // Most one-time codes look the same in all but base64.
        if !secret.bytes().all(is_unreserved) {
            add(percent_encode(secret, &UPPER));
            add(percent_encode(secret, &LOWER));
        }
        if !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            add(form_urlencoded::byte_serialize(secret.as_bytes()).collect());
        }
        let base64 = STANDARD.encode(secret);
        if base64.ends_with('=') {
            add(base64.trim_end_matches('=').to_owned());
        }
        if base64.contains(['+', '/']) {
            add(URL_SAFE_NO_PAD.encode(secret));
        }
        add(base64);
    }
    needles
}

/// Whether percent-encoding leaves an octet as it is (RFC 3986 §2.3).
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Tells at a glance that a text holds none of the needles, however many there are: by the four
/// bytes with which each needle begins. A Bloom filter sends most windows of a text on, the list of
/// beginnings the rest.
#[derive(Clone)]
struct Sieve {
    bits: Box<[u64; 256]>,
    beginnings: Vec<u32>,
}

impl Default for Sieve {
    fn default() -> Self {
        Self { bits: Box::new([0; 256]), beginnings: Vec::new() }
    }
}

impl Sieve {
    fn learn(&mut self, needle: &str) {
        if let Some(beginning) = needle.as_bytes().first_chunk() {
            let beginning = u32::from_le_bytes(*beginning);
            let (word, bit) = Self::place(beginning);
            self.bits[word] |= bit;
            self.beginnings.push(beginning);
        }
    }

    fn may_hold(&self, text: &str) -> bool {
        let windows = text.as_bytes().windows(4).filter_map(<[u8]>::first_chunk);
        windows.copied().map(u32::from_le_bytes).any(|window| {
            let (word, bit) = Self::place(window);
            self.bits[word] & bit != 0 && self.beginnings.contains(&window)
        })
    }

    /// Where the bit of four bytes is: multiplication spreads them over the 16 384 bits.
    fn place(bytes: u32) -> (usize, u64) {
        let hash = bytes.wrapping_mul(0x9E37_79B1) >> 18;
        ((hash >> 6) as usize, 1 << (hash & 63))
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} layers)", self.layers.len())
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
    let is_hex = |digit: &u8| digit.is_ascii_hexdigit();
    matches!(text.as_bytes(), [.., b'%', high, low] if is_hex(high) && is_hex(low))
}

/// Whether two neighbouring characters belong to one word.
fn joins(left: Option<char>, right: Option<char>) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    word(left) && word(right)
}

/// Encodes everything but unreserved characters, with these digits.
fn percent_encode(text: &str, digits: &[u8; 16]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_unreserved(byte) {
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
    fn layers_are_masked_together_and_shared() {
        let base = Redactor::default().with(["pass 482913 word"]);
        let mut session = base.clone();
        session.absorb(&base.with(["482913"]));
        session.absorb(&base.with(["551177"]));
        assert_eq!(session.layers.len(), 3);
        assert_eq!(session.mask("pass 482913 word, 482913, 551177"), "***, ***, ***");
        for code in 0..3 * MOST_LAYERS {
            session.absorb(&base.with([format!("code{code:04}").as_str()]));
        }
        assert!(session.layers.len() <= MOST_LAYERS);
        assert_eq!(session.mask("pass 482913 word, code0767"), "***, ***");
    }

    #[test]
    fn a_secret_is_known_by_what_is_sent_of_it() {
        let redactor = Redactor::default().with([" 8Q~x*y!z/0 \n"]);
        for echo in ["8Q~x*y!z/0", "8Q%7Ex*y%21z%2F0", "8Q~x%2ay%21z%2f0", "OFF+eCp5IXovMA=="] {
            assert_eq!(redactor.mask(&format!("<{echo}>")), "<***>", "{echo}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_secret_is_left_in_any_form(
            secret in "[^*<>\\s]([^*<>]{2,30})[^*<>\\s]",
            other in "[a-z]{4,8}",
            around in "[ <>:;,/]{1,5}",
        ) {
            let redactor = Redactor::default().with([secret.as_str(), other.as_str()]);
            let url = form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
            let (upper, lower) = (percent_encode(&secret, &UPPER), percent_encode(&secret, &LOWER));
            for form in [secret.clone(), url, upper, lower, STANDARD.encode(&secret)] {
                let masked = redactor.mask(&format!("<{form}>{around}{form}{around}"));
                proptest::prop_assert!(!masked.contains(&form), "{} in {}", form, masked);
                proptest::prop_assert_eq!(redactor.mask(&masked), masked);
            }
        }

        #[test]
        fn what_holds_no_secret_stays_as_it_is(
            secrets in proptest::collection::vec("[a-m0-4]{4,12}", 0..5),
            text in "[n-z5-9 .%+=<>-]{0,80}",
        ) {
            let redactor = Redactor::default().with(secrets.iter().map(String::as_str));
            proptest::prop_assert_eq!(redactor.mask(&text), text);
        }
    }
}
