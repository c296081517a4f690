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
/// let options = Options {
///     security: Security::ImplicitTls,
///     credentials: Some(Credentials::new("postmaster", "correct horse")),
///     ..Options::default()
/// };
/// assert!(!format!("{options:?}").contains("horse"));
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    /// The port on 127.0.0.1. Zero, the default, takes a free one.
    pub port: u16,
    /// When the connection becomes encrypted. STARTTLS, required for authentication, by default.
    pub security: Security,
    /// What a client must log in with before MAIL. No authentication is offered where absent.
    pub credentials: Option<Credentials>,
    /// The largest message in octets, 10 MiB by default: what most submission servers take.
    pub max_message_size: usize,
    /// The most recipients of one message, 100 by default: what RFC 5321 §4.5.3.1.8 demands of
    /// every server.
    pub max_recipients: usize,
    /// How many messages are kept, 10,000 by default. Then the server has no storage left (452).
    pub max_messages: usize,
    /// How long a client may stay silent, or leave a reply unread. Five minutes by default (RFC
    /// 5321 §4.5.3.2.7).
    pub idle_timeout: Duration,
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
