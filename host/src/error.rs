//! The one error type of the library.
//!
//! [`Error::kind`] says who can do something about it, [`Error::stage`] how far the session came,
//! [`Error::reply`] what the server said and [`Error::hint`] what to change. `Display` shows this
//! level only, in lower case; it never holds a secret or a one-time code.

mod blame;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::blame::Blame;

use crate::diagnostic::Diagnostic;
use crate::redactor::Redactor;
use crate::reply::Reply;
use crate::transcript::Transcript;

/// A result with the library's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
///
/// # Example
///
/// ```
/// # fn decide(error: &smtp_connector::Error) {
/// if error.is_ambiguous() {
///     // The server may have the message: sending it again may send it twice.
/// } else if error.is_transient() {
///     // Worth another try, unless the code has expired by then.
/// }
/// # }
/// ```
pub struct Error(Box<Failure>);

struct Failure {
    kind: ErrorKind,
    stage: Option<Stage>,
    message: String,
    reply: Option<Reply>,
    hint: Option<String>,
    transient: bool,
    ambiguous: bool,
    attempts: u32,
    diagnostics: Vec<Diagnostic>,
    transcript: Option<Transcript>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Who can do something about a failure, and roughly what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// An address cannot be used; correct the request or the configuration's mailboxes.
    Address,
    /// The mailer was closed before the message was sent.
    Closed,
    /// The component misbehaved: it trapped, exceeded a limit or broke the contract. Replace it.
    Component,
    /// The configuration has errors; see [`Error::diagnostics`].
    Configuration,
    /// No address of the server could be connected to.
    Connect,
    /// The credentials were refused for good, are missing, or were withheld from an unencrypted
    /// connection.
    Credentials,
    /// The host's name could not be resolved.
    Dns,
    /// The egress policy forbids the address.
    Egress,
    /// The deadline passed before the message was accepted; it was given up.
    Expired,
    /// The file that was to be read cannot be read.
    Input,
    /// The library is at fault.
    Internal,
    /// The connection was lost.
    Lost,
    /// The composed message cannot be submitted as it is.
    Message,
    /// The payload is not a JSON object.
    Payload,
    /// The peer does not keep to the protocol.
    Protocol,
    /// The proxy could not be used.
    Proxy,
    /// The server refused for good (5yz).
    Refused,
    /// A template could not be found or rendered.
    Template,
    /// The server refused for now (4yz).
    Temporary,
    /// The peer did not answer in time.
    Timeout,
    /// The TLS handshake failed or the certificate was not accepted.
    Tls,
}

impl ErrorKind {
    /// Whether a failure of this kind may pass by itself.
    fn may_pass(self) -> bool {
        matches!(
            self,
            Self::Closed
                | Self::Connect
                | Self::Expired
                | Self::Lost
                | Self::Temporary
                | Self::Timeout
        )
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// How far a session had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Resolving the name.
    Dns,
    /// Connecting.
    Connect,
    /// The dialogue with the proxy.
    Proxy,
    /// The TLS handshake and the certificate, in both modes.
    Tls,
    /// The greeting.
    Greeting,
    /// EHLO, HELO or LHLO.
    Ehlo,
    /// The STARTTLS command up to its reply.
    Starttls,
    /// Authentication, the token endpoint included.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// The DATA command up to its reply.
    Data,
    /// The message and the reply to its end.
    Content,
    /// NOOP, RSET and QUIT.
    Quit,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

impl Error {
    /// Makes an error of one's own, in the shape of the library's: for programs that report both
    /// alike, and for their tests.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Payload, "`id` is empty").with_hint("leave it out");
    /// assert_eq!(error.to_string(), "`id` is empty");
    /// assert_eq!(error.hint(), Some("leave it out"));
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            kind,
            stage: None,
            message: message.into(),
            reply: None,
            hint: None,
            transient: kind.may_pass(),
            ambiguous: false,
            attempts: 0,
            diagnostics: Vec::new(),
            transcript: None,
            source: None,
        }))
    }

    /// The failure that a reply stands for: 4yz passes, 5yz does not, anything else breaks the
    /// protocol.
    pub(crate) fn from_reply(stage: Stage, reply: Reply) -> Self {
        let kind = match (reply.code / 100, stage) {
            (4, _) => ErrorKind::Temporary,
            (5, Stage::Auth) => ErrorKind::Credentials,
            (5, Stage::Rcpt) if Blame::of(stage, &reply) == Blame::Credentials => {
                ErrorKind::Credentials
            }
            (5, _) => ErrorKind::Refused,
            _ => ErrorKind::Protocol,
        };
        let message = match kind {
            ErrorKind::Protocol => format!("the server answered out of turn: {reply}"),
            _ => format!("the server answered {reply}"),
        };
        let mut error = Self::new(kind, message).at(stage);
        error.0.reply = Some(reply);
        error
    }

    /// The failure of a configuration with these findings ([`ErrorKind::Configuration`]).
    pub fn configuration(diagnostics: Vec<Diagnostic>) -> Self {
        let count = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
        let noun = if count == 1 { "error" } else { "errors" };
        let mut error =
            Self::new(ErrorKind::Configuration, format!("the configuration has {count} {noun}"));
        error.0.diagnostics = diagnostics;
        error
    }

    /// Says at which stage of the session it failed.
    #[must_use]
    pub fn at(mut self, stage: Stage) -> Self {
        self.0.stage = Some(stage);
        self
    }

    /// Says what to change.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_reply(mut self, reply: Reply) -> Self {
        self.0.reply = Some(reply);
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    pub(crate) fn with_transcript(mut self, transcript: Transcript) -> Self {
        self.0.transcript = Some(transcript);
        self
    }

    /// Says how often the message was tried.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_transience(mut self, transient: bool) -> Self {
        self.0.transient = transient;
        self
    }

    /// Masks what the error says, for texts that a component or a peer had a hand in.
    pub(crate) fn masked(mut self, redactor: &Redactor) -> Self {
        self.0.message = redactor.mask(&self.0.message);
        self.0.hint = self.0.hint.map(|hint| redactor.mask(&hint));
        for diagnostic in &mut self.0.diagnostics {
            diagnostic.message = redactor.mask(&diagnostic.message);
        }
        self
    }

    /// Gives the failure another kind; whether it may pass stays as it is.
    pub(crate) fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Says first what the failure is about.
    pub(crate) fn prefixed(mut self, what: &str) -> Self {
        self.0.message = format!("{what}: {}", self.0.message);
        self
    }

    /// Another error that says the same, without the cause: for all who waited for one and the same
    /// thing.
    pub(crate) fn echo(&self) -> Self {
        let mut echo =
            Self::new(self.0.kind, self.0.message.clone()).with_transience(self.0.transient);
        (echo.0.stage, echo.0.hint) = (self.0.stage, self.0.hint.clone());
        echo
    }

    /// Marks a failure after which the server may nevertheless have taken the message.
    #[must_use]
    pub fn into_ambiguous(mut self) -> Self {
        self.0.ambiguous = true;
        self.0.transient = false;
        self
    }

    /// Who can do something about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// How far the session had come; none where there was no session yet.
    pub fn stage(&self) -> Option<Stage> {
        self.0.stage
    }

    /// What the server said, masked.
    pub fn reply(&self) -> Option<&Reply> {
        self.0.reply.as_ref()
    }

    /// Whom the server's refusal concerns; none where it has not refused.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::{Blame, Error};
    ///
    /// /// Whether an address should be taken off a list.
    /// fn is_dead(error: &Error) -> bool {
    ///     !error.is_transient() && error.blame() == Some(Blame::Recipient)
    /// }
    /// ```
    pub fn blame(&self) -> Option<Blame> {
        let reply = self.reply().filter(|reply| reply.is_transient() || reply.is_permanent())?;
        self.stage().map(|stage| Blame::of(stage, reply))
    }

    /// What to change, in a sentence for the person who keeps the configuration.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether the same call may succeed later. Never true of an ambiguous failure.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }

    /// Whether the server may have accepted the message: the connection ended after the final dot
    /// and before the reply.
    pub fn is_ambiguous(&self) -> bool {
        self.0.ambiguous
    }

    /// How many times the message was tried.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The findings on the configuration, where that is what failed.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.diagnostics
    }

    /// What was said on the connection, masked.
    pub fn transcript(&self) -> Option<&Transcript> {
        self.0.transcript.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("stage", &self.0.stage)
            .field("message", &self.0.message)
            .field("reply", &self.0.reply)
            .field("hint", &self.0.hint)
            .field("transient", &self.0.transient)
            .field("ambiguous", &self.0.ambiguous)
            .field("attempts", &self.0.attempts)
            .field("diagnostics", &self.0.diagnostics)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}

impl Serialize for Error {
    /// The shape that programs read: absent parts are left out.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shape<'a> {
            kind: ErrorKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            stage: Option<Stage>,
            #[serde(skip_serializing_if = "Option::is_none")]
            code: Option<u16>,
            #[serde(skip_serializing_if = "Option::is_none")]
            enhanced: Option<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            reply: Option<String>,
            transient: bool,
            ambiguous: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            hint: Option<&'a str>,
            attempts: u32,
            message: &'a str,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            diagnostics: &'a [Diagnostic],
        }
        let reply = self.reply();
        Shape {
            kind: self.0.kind,
            stage: self.0.stage,
            code: reply.map(|reply| reply.code),
            enhanced: reply.and_then(|reply| reply.enhanced).map(|enhanced| enhanced.to_string()),
            reply: reply.map(Reply::text),
            transient: self.0.transient,
            ambiguous: self.0.ambiguous,
            hint: self.hint(),
            attempts: self.0.attempts,
            message: &self.0.message,
            diagnostics: &self.0.diagnostics,
        }
        .serialize(serializer)
    }
}
