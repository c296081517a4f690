//! What became of a message, and what a verification found.

use std::time::Duration;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::address::Address;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::reply::{EnhancedStatusCode, Reply};
use crate::transcript::Transcript;

/// The server's acceptance of a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Receipt {
    /// The recipients that the server took responsibility for: bare addresses.
    pub accepted: Vec<String>,
    /// The recipients that it refused.
    pub rejected: Vec<Rejection>,
    /// The Message-ID, with its angle brackets.
    pub message_id: String,
    /// Sender and recipients as the server was told.
    pub envelope: Envelope,
    /// The reply to the end of the message. An LMTP server gives one for each recipient: the first
    /// that accepts.
    pub reply: Reply,
    /// What TLS was negotiated; none where the session was not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<NegotiatedTls>,
    /// How many times the message was tried, this time included.
    pub attempts: u32,
    /// How long each stage took.
    pub timings: Timings,
    /// What was said in the attempt that succeeded, masked.
    #[serde(skip)]
    pub transcript: Transcript,
}

/// A recipient that the server refused.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Rejection {
    /// The bare address.
    pub address: String,
    /// The server's words.
    pub reply: Reply,
}

impl Serialize for Rejection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("address", &self.address)?;
        map.serialize_entry("code", &self.reply.code)?;
        if let Some(enhanced) = self.reply.enhanced.as_ref().map(EnhancedStatusCode::to_string) {
            map.serialize_entry("enhanced", &enhanced)?;
        }
        map.serialize_entry("text", &self.reply.text())?;
        map.end()
    }
}

/// Sender and recipients as the server is told (RFC 5321 §2.3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Envelope {
    /// The reverse-path: the sender's bare address.
    #[serde(rename = "from")]
    pub reverse_path: String,
    /// The forward-paths: the recipients' bare addresses.
    #[serde(rename = "to")]
    pub forward_paths: Vec<String>,
}

impl Envelope {
    /// The envelope of a mail that is written already. The sender may be empty (RFC 5321 §4.5.5).
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::{Envelope, ErrorKind};
    ///
    /// let envelope = Envelope::new("no-reply@acme.example", ["user@example.com"])?;
    /// assert_eq!(envelope.forward_paths, ["user@example.com"]);
    /// let error = Envelope::new("", ["user"]).expect_err("that is no address");
    /// assert_eq!(error.kind(), ErrorKind::Address);
    /// # Ok::<(), smtp_connector::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::Address`](crate::ErrorKind::Address) where one is no address, and
    /// nothing else, or where there is no recipient.
    pub fn new<'a>(sender: &str, recipients: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let read =
            |place: &str, text: &str| Address::parse(place, text).map(|read| read.to_string());
        let reverse_path = if sender.is_empty() { String::new() } else { read("from", sender)? };
        let recipients = recipients.into_iter().map(|recipient| read("to", recipient));
        let forward_paths = recipients.collect::<Result<Vec<_>>>()?;
        if forward_paths.is_empty() {
            return Err(Error::new(ErrorKind::Address, "the envelope has no recipient"));
        }
        Ok(Self { reverse_path, forward_paths })
    }
}

/// How long each stage took, in the order in which they ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timings(Vec<(Stage, Duration)>);

impl Timings {
    /// Adds the time of a stage; a stage that is passed twice counts both times.
    pub(crate) fn add(&mut self, stage: Stage, took: Duration) {
        match self.0.iter_mut().find(|(known, _)| *known == stage) {
            Some((_, total)) => *total += took,
            None => self.0.push((stage, took)),
        }
    }

    /// The stages and their times.
    pub fn iter(&self) -> impl Iterator<Item = (Stage, Duration)> {
        self.0.iter().copied()
    }
}

impl Serialize for Timings {
    /// Writes milliseconds with three decimals by stage.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(stage, took)| (stage, milliseconds(took))))
    }
}

/// What a verification found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verification {
    /// The stages that were passed, and last the one that failed, if any did.
    pub stages: Vec<VerifiedStage>,
    /// What TLS was negotiated.
    pub tls: Option<NegotiatedTls>,
    /// The service extensions that the server offered last, as it wrote them.
    pub capabilities: Vec<String>,
    /// What was said, masked.
    pub transcript: Transcript,
    /// Why the verification failed, if it did.
    pub error: Option<Error>,
}

impl Serialize for Verification {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ok", &self.error.is_none())?;
        map.serialize_entry("stages", &self.stages)?;
        map.serialize_entry("tls", &self.tls)?;
        map.serialize_entry("capabilities", &self.capabilities)?;
        if let Some(error) = &self.error {
            map.serialize_entry("error", error)?;
        }
        map.end()
    }
}

/// One stage of a verification.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct VerifiedStage {
    /// Which one.
    pub stage: Stage,
    /// How long it took.
    #[serde(rename = "ms", serialize_with = "duration_ms")]
    pub took: Duration,
    /// What happened, in a few words.
    pub detail: String,
}

/// What TLS was negotiated.
///
/// `Display` tells it in one line for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NegotiatedTls {
    /// The version, such as `TLSv1.3`.
    pub version: String,
    /// The cipher suite, by its IANA name.
    pub cipher: String,
    /// Whether the certificate was verified.
    pub verified: bool,
}

impl std::fmt::Display for NegotiatedTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verified = if self.verified { "verified" } else { "NOT verified" };
        write!(f, "{}, {}, certificate {verified}", self.version, self.cipher)
    }
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn duration_ms<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(milliseconds(*duration))
}
