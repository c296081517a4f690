//! What may be shown of a session. Every text of a peer passes here before it is kept anywhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::redactor::Redactor;

/// The secrets of one session so far, shared by all who take part in it.
#[derive(Clone)]
pub(crate) struct Redaction(Arc<Mutex<Redactor>>);

impl Redaction {
    pub(super) fn new(redactor: Redactor) -> Self {
        Self(Arc::new(Mutex::new(redactor)))
    }

    /// Another one that redacts the same so far.
    pub(super) fn split(&self) -> Self {
        Self::new(self.redactor().clone())
    }

    /// Redacts these texts, too, from here on: secrets that the session itself brought to light.
    pub(crate) fn redact<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        let mut redactor = self.redactor();
        *redactor = redactor.with(secrets);
    }

    /// Redacts from here on what `redactor` redacts, too: what belongs to the next message. A
    /// server may say back later what it heard in an earlier one, so that is redacted as well, as
    /// far back as a redactor remembers.
    pub(crate) fn learn(&self, redactor: &Redactor) {
        self.redactor().absorb(redactor);
    }

    /// The text without control characters and with all that is secret masked, be it with the
    /// control characters or without.
    pub(crate) fn mask(&self, text: &str) -> String {
        let redactor = self.redactor();
        let mut masked = redactor.mask(text);
        if masked.contains(char::is_control) {
            let printable = |c: char| if c.is_control() { ' ' } else { c };
            let printable: String = masked.chars().map(printable).collect();
            masked = redactor.mask(printable.trim_end());
        }
        masked.truncate(masked.trim_end().len());
        masked
    }

    /// The beginning of a text, masked before it is cut: half a secret would not be known as one.
    pub(crate) fn excerpt(&self, text: &str, length: usize) -> String {
        self.mask(text).chars().take(length).collect()
    }

    fn redactor(&self) -> MutexGuard<'_, Redactor> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
