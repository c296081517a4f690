//! An SMTP server on loopback that keeps what it receives: for `smtp-connector demo` and for the
//! tests of embedders.
//!
//! It is strict where a lenient server would hide a client's mistake (RFC 5321, 3207, 4954, 2920)
//! and it relays nothing. It is no mail server: it binds the loopback interface only and keeps
//! everything in memory.

mod authentication;
mod certificate;
mod command;
mod configuration;
mod connection;
mod options;
mod parsed;
mod session;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

pub use options::{Credentials, Options, Security};
pub use parsed::{ParsedMail, ParsedPart};

use certificate::Certificate;

/// How many sessions may be open at once; the next client waits. Far above any pool, far below the
/// usual 1024 file descriptors of a process.
const MAX_SESSIONS: usize = 256;

/// How long to wait after the system could not accept a connection, mostly for want of file
/// descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running catch-all server. It stops, and ends all its sessions, when it is dropped.
///
/// # Example
///
/// ```
/// use smtp_connector_catch_all::{CatchAll, Options};
/// use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
/// use tokio::net::TcpStream;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = CatchAll::start(Options::default()).await?;
///
/// let mut client = BufStream::new(TcpStream::connect(server.address()).await?);
/// let message = "Subject: =?utf-8?q?Your_code?=\r\n\r\n123456\r\n.";
/// let envelope = ["HELO app", "MAIL FROM:<app@example.com>", "RCPT TO:<jo@example.com>", "DATA"];
/// for line in envelope.into_iter().chain([message]) {
///     client.read_line(&mut String::new()).await?;
///     client.write_all(format!("{line}\r\n").as_bytes()).await?;
///     client.flush().await?;
/// }
///
/// let caught = server.next().await;
/// assert_eq!(caught.envelope.forward_paths, ["jo@example.com"]);
/// assert_eq!(caught.parse().field("subject"), Some("Your code"));
/// # Ok(())
/// # }
/// ```
pub struct CatchAll {
    address: SocketAddr,
    certificate_pem: String,
    server: Arc<Server>,
    acceptor: JoinHandle<()>,
}

impl CatchAll {
    /// Starts a server on the loopback interface, within the current tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails where the port is taken or the certificate cannot be made.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let Certificate { pem, config } = certificate::generate()?;
        let tls = TlsAcceptor::from(Arc::new(config));
        let server = Arc::new(Server { options, tls, store: Store::default() });
        let acceptor = tokio::spawn(accept(listener, Arc::clone(&server)));
        Ok(Self { address, certificate_pem: pem, server, acceptor })
    }

    /// Where the server listens: always on 127.0.0.1.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server's self-signed certificate for `localhost` and 127.0.0.1, in PEM: what a client
    /// must trust.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// A configuration with which smtp-connector reaches this server, for demos and tests: it has
    /// the password, trusts the certificate, and has a template in plain text for each type that
    /// needs one, which says `{{code}}`.
    ///
    /// # Example
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use smtp_connector_catch_all::{CatchAll, Options};
    ///
    /// let server = CatchAll::start(Options::default()).await?;
    /// let mut configuration = server.configuration();
    /// configuration["name"] = "app.example".into();
    /// assert_eq!(configuration["port"], server.address().port());
    /// # Ok(())
    /// # }
    /// ```
    pub fn configuration(&self) -> Value {
        configuration::configuration(&self.server.options, self.address, &self.certificate_pem)
    }

    /// Everything caught so far, in the order of arrival.
    pub fn caught(&self) -> Vec<Caught> {
        self.server.store.lock().messages.clone()
    }

    /// Waits for the next message: each one is returned once, in the order of arrival.
    ///
    /// It waits for ever where none arrives; the caller bounds it. It is cancel-safe.
    pub async fn next(&self) -> Caught {
        loop {
            let arrival = self.server.store.arrival.notified();
            if let Some(caught) = self.server.store.lock().next() {
                return caught;
            }
            arrival.await;
        }
    }
}

impl Drop for CatchAll {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

impl fmt::Debug for CatchAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchAll").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Sender and recipients as the client gave them in MAIL and RCPT (RFC 5321 §2.3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// The sender's bare address; empty for the null reverse-path.
    pub reverse_path: String,
    /// The recipients' bare addresses.
    pub forward_paths: Vec<String>,
}

/// A message that the server took.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caught {
    /// Sender and recipients as the client gave them in MAIL and RCPT.
    pub envelope: Envelope,
    /// The version of TLS, such as `TLSv1.3`; none where the session was in clear.
    pub tls: Option<String>,
    /// The user who had logged in, if any.
    pub authenticated_as: Option<String>,
    /// The message as it was before transparency (RFC 5321 §4.5.2): without doubled dots and
    /// without the final dot.
    pub bytes: Vec<u8>,
}

impl Caught {
    /// Reads the header fields and the text parts.
    pub fn parse(&self) -> ParsedMail {
        ParsedMail::read(&self.bytes)
    }
}

/// Shows the size of the message and not the message: it holds one-time codes.
impl fmt::Debug for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caught")
            .field("envelope", &self.envelope)
            .field("tls", &self.tls)
            .field("authenticated_as", &self.authenticated_as)
            .field("bytes", &format_args!("{} bytes", self.bytes.len()))
            .finish()
    }
}

/// What all sessions share.
struct Server {
    options: Options,
    tls: TlsAcceptor,
    store: Store,
}

#[derive(Default)]
struct Store {
    caught: Mutex<Messages>,
    arrival: Notify,
}

#[derive(Default)]
struct Messages {
    messages: Vec<Caught>,
    returned: usize,
}

impl Messages {
    fn next(&mut self) -> Option<Caught> {
        let next = self.messages.get(self.returned).cloned()?;
        self.returned += 1;
        Some(next)
    }
}

impl Store {
    /// Keeps a message, unless `limit` messages are kept already.
    fn keep(&self, caught: Caught, limit: usize) -> bool {
        let mut kept = self.lock();
        if kept.messages.len() >= limit {
            return false;
        }
        kept.messages.push(caught);
        self.arrival.notify_waiters();
        true
    }

    fn lock(&self) -> MutexGuard<'_, Messages> {
        self.caught.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves clients until it is dropped, and their sessions with it.
async fn accept(listener: TcpListener, server: Arc<Server>) {
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        if sessions.len() >= MAX_SESSIONS {
            sessions.join_next().await;
        }
        match listener.accept().await {
            Ok((socket, _)) => {
                sessions.spawn(session::serve(socket, Arc::clone(&server)));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}
