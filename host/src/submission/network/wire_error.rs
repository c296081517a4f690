//! What can go wrong on the wire, before it is known what it means; and what it means at each
//! stage.

use std::io;
use std::time::Duration;

use super::tls::refused_certificate;
use crate::error::{Error, ErrorKind, Stage};
use crate::reply::Reply;
use crate::submission::record::Record;

/// What to change where TLS is met in place of a greeting.
pub(crate) const IMPLICIT_TLS_PORT: &str = "This port speaks implicit TLS, set `secure` to true.";

/// How much of the beginning and of the end of a problem is shown.
const SHOWN: usize = 80;

/// Why a line could not be said or a reply not be had.
pub(crate) enum WireError {
    /// The connection ended, with the system's error if there is one.
    Lost(Option<io::Error>),
    /// The time for a reply, or for a stall while sending, is over.
    Overdue(Duration),
    /// What arrived is no reply, or arrived out of turn.
    Protocol(String),
    /// The server refused instead of listening on.
    Refused(Reply),
    /// The server speaks TLS where a reply in clear was due.
    TlsRecord,
}

impl WireError {
    /// The error that the failure is at a stage.
    pub(crate) fn at(self, stage: Stage, record: &Record) -> Error {
        let what = exchange(stage);
        match self {
            Self::Lost(None) => Error::new(
                ErrorKind::Lost,
                format!("the server closed the connection during {what}"),
            ),
            Self::Lost(Some(error)) => {
                if let Some(refused) = refused_certificate(&error) {
                    return refused;
                }
                let problem = describe(&error);
                Error::new(
                    ErrorKind::Lost,
                    format!("the connection was lost during {what}: {problem}"),
                )
                .with_source(error)
            }
            Self::Overdue(patience) => Error::new(
                ErrorKind::Timeout,
                format!("the server was silent for {patience:?} during {what}"),
            ),
            Self::Protocol(problem) => {
                let problem = shorten(record.redaction.mask(&problem));
                Error::new(ErrorKind::Protocol, format!("during {what}: {problem}"))
            }
            Self::Refused(reply) => Error::from_reply(stage, reply),
            Self::TlsRecord => {
                Error::new(ErrorKind::Protocol, format!("the server speaks TLS during {what}"))
                    .with_hint(IMPLICIT_TLS_PORT)
            }
        }
        .at(stage)
    }
}

/// Of a text that is too long to be read, its beginning and its end. It is masked already: half a
/// secret would not be known as one.
fn shorten(text: String) -> String {
    let length = text.chars().count();
    if length <= 2 * SHOWN {
        return text;
    }
    let (head, tail): (String, String) =
        (text.chars().take(SHOWN).collect(), text.chars().skip(length - SHOWN).collect());
    format!("{head} … {tail}")
}

/// The operating system's error in words that are the same everywhere.
pub(crate) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable => "the local address is not available".to_owned(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
            "the peer reset it".to_owned()
        }
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::HostUnreachable => "host unreachable".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network unreachable".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied by this machine".to_owned(),
        io::ErrorKind::TimedOut => "the peer does not answer".to_owned(),
        io::ErrorKind::UnexpectedEof => "the peer closed it without notice".to_owned(),
        _ => error.to_string(),
    }
}

/// A stage as the exchange that is going on.
fn exchange(stage: Stage) -> &'static str {
    match stage {
        Stage::Dns => "name resolution",
        Stage::Connect => "connecting",
        Stage::Proxy => "the dialogue with the proxy",
        Stage::Tls => "the TLS handshake",
        Stage::Greeting => "the greeting",
        Stage::Ehlo => "EHLO",
        Stage::Starttls => "STARTTLS",
        Stage::Auth => "AUTH",
        Stage::Mail => "MAIL",
        Stage::Rcpt => "RCPT",
        Stage::Data => "DATA",
        Stage::Content => "the message's content",
        Stage::Quit => "the end of the session",
    }
}
