//! A message that was rendered: ready to be submitted, now or later.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::error::Result;
use crate::message::Message;
use crate::receipt::Envelope;
use crate::redactor::Redactor;
use crate::submission::Prepared;

/// A composed message and its bytes as they would be submitted.
pub struct Rendered {
    /// The message as the component composed it.
    pub message: Message,
    prepared: Arc<Prepared>,
    redactor: Redactor,
    secrets: Vec<String>,
}

/// A rendered message in the form in which a program keeps it, to submit it later as the same
/// bytes.
///
/// It holds the message's one-time codes in clear, and serialises with them: what it is kept in is
/// to be encrypted. `Debug` shows neither.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StoredMessage {
    /// The reverse-path: the sender's bare address.
    pub from: String,
    /// The forward-paths: the recipients' bare addresses.
    pub to: Vec<String>,
    /// The Message-ID, with its angle brackets.
    pub message_id: String,
    /// The message (RFC 5322), signed, before transparency is applied.
    pub content: String,
    /// What of it no log, error or transcript may show.
    pub secrets: Vec<String>,
}

impl StoredMessage {
    /// The message as it is handed over. Whoever kept it is not trusted to have kept it whole.
    pub(crate) fn prepared(&self) -> Result<Prepared> {
        if !self.from.is_empty() {
            Address::parse("from", &self.from)?;
        }
        for address in &self.to {
            Address::parse("to", address)?;
        }
        Prepared::stored(
            Envelope { reverse_path: self.from.clone(), forward_paths: self.to.clone() },
            self.message_id.clone(),
            &self.content,
        )
    }
}

impl std::fmt::Debug for StoredMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredMessage")
            .field("to", &self.to)
            .field("message_id", &self.message_id)
            .field("content_bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// Shows neither the codes nor what carries them.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered")
            .field("message", &self.message)
            .field("prepared", &self.prepared)
            .finish_non_exhaustive()
    }
}

impl Rendered {
    pub(crate) fn new(
        message: Message,
        prepared: Prepared,
        redactor: Redactor,
        secrets: Vec<String>,
    ) -> Self {
        Self { message, prepared: Arc::new(prepared), redactor, secrets }
    }

    /// The message in the form in which a program keeps it.
    pub fn to_stored(&self) -> StoredMessage {
        let Prepared { envelope, message_id, bytes } = &*self.prepared;
        StoredMessage {
            from: envelope.reverse_path.clone(),
            to: envelope.forward_paths.clone(),
            message_id: message_id.clone(),
            content: String::from_utf8_lossy(bytes).into_owned(),
            secrets: self.secrets.clone(),
        }
    }

    pub(crate) fn prepared(&self) -> &Arc<Prepared> {
        &self.prepared
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The message as an Internet message (RFC 5322), before transparency is applied.
    ///
    /// # Example
    ///
    /// ```
    /// # use smtp_connector_catch_all::CatchAll;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = CatchAll::start(Default::default()).await?;
    /// # let connector = smtp_connector::Engine::new()?.bundled().await?;
    /// # let options = smtp_connector::Options::default().egress("any".parse()?);
    /// # let mailer = connector.configure_with(&server.configuration().to_string(), &options).await?;
    /// use smtp_connector::Request;
    ///
    /// let request = Request::new("SignIn", "jo@example.org")
    ///     .payload(serde_json::json!({ "code": "482913" }));
    /// let rendered = mailer.render(&request).await?;
    /// assert!(rendered.bytes().starts_with(b"Date: "));
    /// assert_eq!(rendered.message.text.as_deref(), Some("Your code is 482913."));
    /// assert_eq!(rendered.envelope().forward_paths, ["jo@example.org"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn bytes(&self) -> &[u8] {
        &self.prepared.bytes
    }

    /// Sender and recipient as the server would be told.
    pub fn envelope(&self) -> &Envelope {
        &self.prepared.envelope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> StoredMessage {
        StoredMessage {
            from: "app@a.test".to_owned(),
            to: vec!["ann@b.test".to_owned()],
            message_id: "<1@a.test>".to_owned(),
            content: "Message-ID: <1@a.test>\r\n\r\nyour code is 482913\r\n".to_owned(),
            secrets: vec!["482913".to_owned()],
        }
    }

    #[test]
    fn a_message_comes_back_as_it_was_kept() {
        let text = serde_json::to_string(&stored()).expect("JSON");
        let back: StoredMessage = serde_json::from_str(&text).expect("it was written so");
        assert_eq!(back, stored());
        let prepared = back.prepared().expect("a message");
        assert_eq!(prepared.bytes, stored().content.as_bytes());
        assert_eq!(prepared.envelope.forward_paths, ["ann@b.test"]);
        assert!(!format!("{back:?}").contains("482913"));
    }

    #[test]
    fn what_was_not_kept_whole_is_refused() {
        let changes: [fn(&mut StoredMessage); 4] = [
            |stored| stored.to = vec!["ann@b.test>\r\nRCPT TO:<eve@b.test".to_owned()],
            |stored| stored.from = "nobody".to_owned(),
            |stored| stored.message_id = "<2@a.test>".to_owned(),
            |stored| stored.content = String::new(),
        ];
        for change in changes {
            let mut stored = stored();
            change(&mut stored);
            assert!(stored.prepared().is_err(), "{stored:?}");
        }
    }
}
