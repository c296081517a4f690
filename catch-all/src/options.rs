//! How a catch-all server behaves: port, security, credentials, limits.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

/// How a catch-all server behaves.
///
/// # Example
///
/// ```
/// use smtp_connector_catch_all::{Credentials, Options, Security};
///
/// let options = Options::default()
///     .security(Security::ImplicitTls)
///     .credentials(Credentials::new("postmaster", "correct horse"));
/// assert!(!format!("{options:?}").contains("horse"));
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) credentials: Option<Credentials>,
    pub(super) max_message_size: usize,
    pub(super) max_recipients: usize,
    pub(super) max_messages: usize,
    pub(super) idle_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            security: Security::default(),
            credentials: None,
            max_message_size: 10 * 1024 * 1024,
            max_recipients: 100,
            max_messages: 10_000,
            idle_timeout: Duration::from_secs(300),
        }
    }
}

impl Options {
    /// Sets the port on 127.0.0.1. Zero, the default, takes a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets when the connection becomes encrypted. STARTTLS, required for authentication, by
    /// default.
    #[must_use]
    pub fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// Sets what a client must log in with before MAIL. Without it no authentication is offered.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Sets the largest message in octets, 10 MiB by default: what most submission servers take.
    #[must_use]
    pub fn max_message_size(mut self, octets: usize) -> Self {
        self.max_message_size = octets;
        self
    }

    /// Sets the most recipients of one message, 100 by default: what RFC 5321 §4.5.3.1.8 demands of
    /// every server.
    #[must_use]
    pub fn max_recipients(mut self, recipients: usize) -> Self {
        self.max_recipients = recipients;
        self
    }

    /// Sets how many messages are kept, 10,000 by default. Then the server has no storage left
    /// (452).
    #[must_use]
    pub fn max_messages(mut self, messages: usize) -> Self {
        self.max_messages = messages;
        self
    }

    /// Sets how long a client may stay silent, or leave a reply unread. Five minutes by default
    /// (RFC 5321 §4.5.3.2.7).
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }
}

/// When the connection becomes encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Security {
    /// Never: STARTTLS is not offered.
    Plaintext,
    /// STARTTLS is offered, and authentication in clear as well.
    Starttls,
    /// STARTTLS is offered, and authentication only after it.
    #[default]
    StarttlsBeforeAuth,
    /// TLS from the first byte (RFC 8314 §3).
    ImplicitTls,
}

impl Security {
    pub(super) fn offers_starttls(self) -> bool {
        matches!(self, Self::Starttls | Self::StarttlsBeforeAuth)
    }
}

/// The one user of a catch-all server.
#[derive(Clone)]
pub struct Credentials {
    user: String,
    password: Zeroizing<String>,
}

impl Credentials {
    /// The credentials that a client must give.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: Zeroizing::new(password.into()) }
    }

    /// User and password.
    pub(super) fn expose(&self) -> (&str, &str) {
        (&self.user, &self.password)
    }

    /// Whether these are the credentials. It takes as long for every wrong password of the right
    /// length.
    pub(super) fn admit(&self, user: &[u8], password: &[u8]) -> bool {
        same(self.user.as_bytes(), user) & same(self.password.as_bytes(), password)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

fn same(expected: &[u8], given: &[u8]) -> bool {
    expected.len() == given.len()
        && expected.iter().zip(given).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}
