//! Keys of idempotency, made of what tells one mail from another.
//!
//! That is often a one-time code, which is guessed in no time from a plain digest. So a digest is
//! keyed with something that whoever reads the store does not have.

use aws_lc_rs::hmac;

use super::dialect::Dialect;

/// What keys a digest.
#[derive(Clone)]
pub(super) struct Seal(hmac::Key);

impl Seal {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The key of the mail that these parts tell from every other.
    pub(super) fn key(&self, dialect: Dialect, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            // Lengths keep the parts apart.
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        format!("{dialect}:{}", hex(context.sign().as_ref()))
    }
}

impl From<hmac::Key> for Seal {
    fn from(key: hmac::Key) -> Self {
        Self(key)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_dialect_secret_and_each_part() {
        let key =
            |secret: &str, parts: &[&str]| Seal::new(secret.as_bytes()).key(Dialect::Kratos, parts);
        let keys = [
            key("a", &["jo@example.org", "123456"]),
            key("b", &["jo@example.org", "123456"]),
            key("a", &["jo@example.org1", "23456"]),
            key("a", &["jo@example.org", "123457"]),
            Seal::new(b"a").key(Dialect::Zitadel, &["jo@example.org", "123456"]),
        ];
        assert_eq!(keys[0], key("a", &["jo@example.org", "123456"]));
        for (index, key) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(key), "{index}");
            assert!(!key.contains("123456"));
        }
    }
}
