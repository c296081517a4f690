//! Which request is meant: by its `id`, or else by the number of its line and the digest of its
//! content.

use aws_lc_rs::digest::{Context, SHA256, digest};
use serde::{Deserialize, Serialize};

/// What a request is called in RESULTS and in the notes on what is in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Name {
    /// The number of its line, counted from one.
    pub(super) line: u64,
    /// Its `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// Where it has no `id`: the digest of its line. None where nothing can be resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
}

/// A name in twelve bytes. Of SHA-256, 96 bits are enough to tell far more requests apart than
/// anyone sends, and a million of them take some 30 MB.
pub(super) type Key = [u8; 12];

impl Name {
    pub(super) fn key(&self) -> Key {
        let mut context = Context::new(&SHA256);
        match &self.id {
            Some(id) => context.update(id.as_bytes()),
            // No `id` begins with the byte that never occurs in UTF-8.
            None => {
                context.update(b"\xff");
                context.update(&self.line.to_le_bytes());
                context.update(self.digest.as_deref().unwrap_or_default().as_bytes());
            }
        }
        let digest = context.finish();
        std::array::from_fn(|at| digest.as_ref()[at])
    }
}

/// The digest of a line, as RESULTS shows it.
pub(super) fn digest_of(content: &[u8]) -> String {
    digest(&SHA256, content).as_ref()[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_alone_is_the_name_and_else_line_and_content() {
        let name = |line, id: Option<&str>, content: &[u8]| Name {
            line,
            id: id.map(Into::into),
            digest: Some(digest_of(content)),
        };
        assert_eq!(name(1, Some("a"), b"x").key(), name(2, Some("a"), b"y").key());
        assert_ne!(name(1, Some("a"), b"x").key(), name(1, Some("b"), b"x").key());
        assert_eq!(name(1, None, b"x").key(), name(1, None, b"x").key());
        assert_ne!(name(1, None, b"x").key(), name(2, None, b"x").key());
        assert_ne!(name(1, None, b"x").key(), name(1, None, b"y").key());
    }
}
