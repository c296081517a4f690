//! What submits messages as a transport of lettre: for programs that build their own messages.

use std::sync::Arc;

use async_trait::async_trait;
use lettre::AsyncTransport;

use super::{Prepared, Submitter};
use crate::delivery::Delivery;
use crate::error::{Error, Result};
use crate::receipt::{Envelope, Receipt};
use crate::redactor::Redactor;

/// The connections of a [`Mailer`](crate::Mailer) as a transport of lettre 0.11. Cloning is cheap.
///
/// A program that builds its messages with lettre changes the transport and nothing else. It gets
/// the connections that the configuration describes, with deadlines, pipelining and egress policy;
/// DKIM signatures where the configuration has keys; and true results: which recipients the server
/// took, what it said, and whether a message that was lost may have arrived.
///
/// A message without a Message-ID gets one. Beside the configuration's secrets nothing is redacted:
/// what a message holds that is not to be shown only the one who built it knows.
///
/// # Example
///
/// ```no_run
/// # async fn example(mailer: &smtp_connector::Mailer) -> Result<(), Box<dyn std::error::Error>> {
/// use lettre::{AsyncTransport as _, Message};
///
/// let transport = mailer.transport();
/// let message = Message::builder()
///     .from("Acme <no-reply@acme.example>".parse()?)
///     .to("user@example.com".parse()?)
///     .cc("other@example.com".parse()?)
///     .subject("Welcome")
///     .body("Good to have you here.".to_owned())?;
/// let receipt = transport.send(message).await?;
/// for rejection in &receipt.rejected {
///     println!("not to {}: {}", rejection.address, rejection.reply);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Transport {
    submitter: Arc<Submitter>,
    redactor: Redactor,
    delivery: Delivery,
}

impl Transport {
    pub(crate) fn new(submitter: Arc<Submitter>, redactor: Redactor) -> Self {
        Self { submitter, redactor, delivery: Delivery::default() }
    }

    /// Sets how each message is delivered, such as until when.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # fn example(mailer: &smtp_connector::Mailer) {
    /// use std::time::Duration;
    /// use smtp_connector::Delivery;
    ///
    /// let delivery = Delivery::default().within(Duration::from_secs(60));
    /// let transport = mailer.transport().delivery(delivery);
    /// # }
    /// ```
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Submits a mail that another program has written, as it is, but for its line ends, a missing
    /// Message-ID, and signatures.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(mailer: &smtp_connector::Mailer) -> smtp_connector::Result<()> {
    /// use smtp_connector::Envelope;
    ///
    /// let envelope = Envelope::new("no-reply@acme.example", ["user@example.com"])?;
    /// let mail = b"From: no-reply@acme.example\r\nSubject: Welcome\r\n\r\nGood to have you.\r\n";
    /// let receipt = mailer.transport().submit(envelope, mail).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Mailer::send_within`](crate::Mailer::send_within). Where the server refuses some of the
    /// recipients and takes the message for others, that is a success.
    pub async fn submit(&self, envelope: Envelope, mail: &[u8]) -> Result<Receipt> {
        let deadline = self.delivery.deadline();
        let prepared = self.submitter.sign(Prepared::from_raw(envelope, mail)?)?;
        let Self { submitter, redactor, delivery } = self;
        submitter.deliver(&Arc::new(prepared), redactor, delivery, deadline).await
    }
}

#[async_trait]
impl AsyncTransport for Transport {
    type Ok = Receipt;
    type Error = Error;

    /// As [`Transport::submit`].
    async fn send_raw(
        &self,
        envelope: &lettre::address::Envelope,
        email: &[u8],
    ) -> Result<Receipt> {
        let envelope = Envelope {
            reverse_path: envelope.from().map(ToString::to_string).unwrap_or_default(),
            forward_paths: envelope.to().iter().map(ToString::to_string).collect(),
        };
        self.submit(envelope, email).await
    }

    /// As [`Mailer::close`](crate::Mailer::close), whose connections these are.
    async fn shutdown(&self) {
        self.submitter.close().await;
    }
}
