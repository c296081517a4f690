//! The keys that shape every message: the author, the mailboxes for answers, and further header fields.

use crate::bindings::exports::smtp_connector::contract::messages::{HeaderField, Mailbox};
use crate::config::Object;
use crate::findings::Findings;

/// What every message of a configuration has in common.
#[derive(Debug)]
pub struct MessageSettings {
    /// The author.
    pub from: Mailbox,
    /// The mailboxes for answers.
    pub reply_to: Vec<Mailbox>,
    /// Further header fields, in order.
    pub headers: Vec<HeaderField>,
}

impl MessageSettings {
    /// Reads the settings; none where the author is missing or unusable.
    pub fn read(root: &mut Object<'_>, findings: &mut Findings) -> Option<Self> {
        let _ = (root, findings);
        None
    }
}
