//! Secrets that a caller presents as they are.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::Value;

use super::refusal::Refusal;
use super::seal::Seal;

/// What is shorter can be guessed.
const LEAST_LENGTH: usize = 16;

/// Enough for two rotations at once. Each costs a digest of the body.
const MOST_SECRETS: usize = 8;

/// The secrets that let a caller in, as digests: one of the same length as the caller's is compared
/// whatever the caller presents.
#[derive(Clone, Deserialize)]
#[serde(try_from = "Value")]
pub(super) struct Tokens(Vec<[u8; 32]>);

impl Tokens {
    pub(super) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self(texts.into_iter().map(|text| sha256(text.as_bytes())).collect())
    }

    /// Lets a caller in who presents one of them.
    pub(super) fn admit(&self, presented: Option<&[u8]>) -> Result<Seal, Refusal> {
        let presented = sha256(presented.unwrap_or_default());
        // All are compared, so that time does not tell which one it was.
        let found = self.0.iter().fold(None, |found, known| {
            let is_same = verify_slices_are_equal(known, &presented).is_ok();
            if is_same { Some(Seal::new(known)) } else { found }
        });
        found.ok_or(Refusal::Unauthorized("the secret is missing or wrong"))
    }
}

impl TryFrom<Value> for Tokens {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let texts = texts(value)?;
        texts.iter().try_for_each(|text| long_enough(text.as_bytes()))?;
        Ok(Self::new(texts.iter().map(String::as_str)))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tokens", self.0.len())
    }
}

/// The strings of a list of secrets. No text that is wrong is quoted.
pub(super) fn texts(value: Value) -> Result<Vec<String>, String> {
    let wrong = || format!("`secrets` is no list of 1 to {MOST_SECRETS} strings");
    let Value::Array(items) = value else { return Err(wrong()) };
    if items.is_empty() || items.len() > MOST_SECRETS {
        return Err(wrong());
    }
    let text = |item| match item {
        Value::String(text) => Ok(text),
        _ => Err(wrong()),
    };
    items.into_iter().map(text).collect()
}

/// Checks that nobody guesses a secret.
pub(super) fn long_enough(secret: &[u8]) -> Result<(), String> {
    if secret.len() >= LEAST_LENGTH {
        return Ok(());
    }
    Err(format!("one of `secrets` is shorter than {LEAST_LENGTH} bytes; make a longer one"))
}

/// The credential of an `Authorization: Bearer` field (RFC 6750 §2.1).
pub(super) fn bearer(field: Option<&[u8]>) -> Option<&[u8]> {
    let (scheme, credential) = field?.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| credential.trim_ascii())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    sum
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_whole_secret_lets_in() {
        let tokens = Tokens::try_from(json!(["Bearer 0123456789", "Basic 9876543210abcdef"]));
        let tokens = tokens.expect("both are long enough");
        for sound in ["Bearer 0123456789", "Basic 9876543210abcdef"] {
            assert!(tokens.admit(Some(sound.as_bytes())).is_ok(), "{sound}");
        }
        for wrong in ["", "Bearer 012345678", "Bearer 01234567890", "bearer 0123456789"] {
            assert!(tokens.admit(Some(wrong.as_bytes())).is_err(), "{wrong}");
        }
        assert!(tokens.admit(None).is_err());
    }

    #[test]
    fn a_list_that_cannot_be_used_is_described_and_not_quoted() {
        let list = "`secrets` is no list of 1 to 8 strings";
        let short = "one of `secrets` is shorter than 16 bytes; make a longer one";
        for (value, expected) in [
            (json!("0123456789abcdef"), list),
            (json!([]), list),
            (json!([991_188]), list),
            (json!(vec!["0123456789abcdef"; 9]), list),
            (json!(["0123456789abcdef", ""]), short),
            (json!(["0123456789abcde"]), short),
        ] {
            assert_eq!(Tokens::try_from(value).expect_err("it is of no use"), expected);
        }
    }

    #[test]
    fn a_bearer_is_read_whatever_the_case_of_its_scheme() {
        for (field, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("Bearerabc", None),
        ] {
            assert_eq!(bearer(Some(field.as_bytes())), expected.map(str::as_bytes), "{field}");
        }
    }
}
