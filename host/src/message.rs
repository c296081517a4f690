//! A composed message, before it becomes bytes.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// A mailbox (RFC 5322 §3.4), decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mailbox {
    /// The display name.
    pub name: Option<String>,
    /// The address, as `local-part@domain`.
    pub address: String,
}

impl std::fmt::Display for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.name {
            None => f.write_str(&self.address),
            Some(name) if name.chars().all(|c| c.is_alphanumeric() || c == ' ') => {
                write!(f, "{name} <{}>", self.address)
            }
            Some(name) => {
                let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "\"{quoted}\" <{}>", self.address)
            }
        }
    }
}

/// A message to submit: what the component composed. `Debug` shows neither the subject nor the
/// bodies, which may carry a one-time code.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The author.
    pub from: Mailbox,
    /// The mailboxes for answers.
    pub reply_to: Vec<Mailbox>,
    /// The recipient: whom the request names, whatever the component answers.
    pub to: Mailbox,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: Option<String>,
    /// The HTML.
    pub html: Option<String>,
    /// Further header fields as name and value, in order.
    pub headers: Vec<(String, String)>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("from", &self.from)
            .field("to", &self.to)
            .field("text_bytes", &self.text.as_ref().map(String::len))
            .field("html_bytes", &self.html.as_ref().map(String::len))
            .finish_non_exhaustive()
    }
}

impl Serialize for Message {
    /// Writes absent parts not at all and mailboxes as header strings.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("from", &self.from.to_string())?;
        if !self.reply_to.is_empty() {
            let list: Vec<_> = self.reply_to.iter().map(Mailbox::to_string).collect();
            map.serialize_entry("replyTo", &list.join(", "))?;
        }
        map.serialize_entry("to", &self.to.to_string())?;
        map.serialize_entry("subject", &self.subject)?;
        if let Some(text) = &self.text {
            map.serialize_entry("text", text)?;
        }
        if let Some(html) = &self.html {
            map.serialize_entry("html", html)?;
        }
        if !self.headers.is_empty() {
            map.serialize_entry("headers", &self.headers)?;
        }
        map.end()
    }
}
