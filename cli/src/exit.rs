//! Exit codes, as mail programs use them (`sysexits.h`).

use smtp_connector::{Blame, Error, ErrorKind, Stage};

/// The command was used wrongly.
pub(super) const USAGE: u8 = 64;
/// A payload, template, address or message cannot be used.
pub(super) const DATA: u8 = 65;
/// A named file cannot be read.
pub(super) const NO_INPUT: u8 = 66;
/// All recipients were refused for good.
pub(super) const NO_USER: u8 = 67;
/// The host name was not found.
pub(super) const NO_HOST: u8 = 68;
/// No connection, no TLS, or a refusal for good.
pub(super) const UNAVAILABLE: u8 = 69;
/// A bug: ours or the component's.
pub(super) const SOFTWARE: u8 = 70;
/// It may work later.
pub(super) const TEMPORARY: u8 = 75;
/// The dialogue broke.
pub(super) const PROTOCOL: u8 = 76;
/// The egress policy or the credentials forbid it.
pub(super) const NO_PERMISSION: u8 = 77;
/// The configuration has errors.
pub(super) const CONFIGURATION: u8 = 78;

/// The exit code of a failure.
pub(super) fn code(error: &Error) -> u8 {
    let stage = error.stage();
    match error.kind() {
        ErrorKind::Address | ErrorKind::Message | ErrorKind::Payload | ErrorKind::Template => DATA,
        ErrorKind::Input => NO_INPUT,
        // A token endpoint that is down may be up later, whatever keeps this host from it.
        ErrorKind::Connect | ErrorKind::Dns if stage == Some(Stage::Auth) => TEMPORARY,
        ErrorKind::Dns => NO_HOST,
        ErrorKind::Connect | ErrorKind::Proxy | ErrorKind::Tls => UNAVAILABLE,
        ErrorKind::Refused => match stage {
            // What a server has against others it may well say here only.
            Some(Stage::Rcpt) => match error.blame() {
                Some(Blame::Recipient) | None => NO_USER,
                Some(_) => UNAVAILABLE,
            },
            Some(Stage::Greeting | Stage::Mail | Stage::Data | Stage::Content) => UNAVAILABLE,
            Some(
                Stage::Dns
                | Stage::Connect
                | Stage::Proxy
                | Stage::Tls
                | Stage::Ehlo
                | Stage::Starttls
                | Stage::Auth
                | Stage::Quit,
            )
            | None => PROTOCOL,
        },
        ErrorKind::Timeout => match stage {
            Some(Stage::Dns) => NO_HOST,
            Some(Stage::Connect | Stage::Proxy) => UNAVAILABLE,
            _ => TEMPORARY,
        },
        ErrorKind::Closed | ErrorKind::Expired | ErrorKind::Lost | ErrorKind::Temporary => {
            TEMPORARY
        }
        ErrorKind::Protocol => PROTOCOL,
        ErrorKind::Credentials | ErrorKind::Egress => NO_PERMISSION,
        ErrorKind::Configuration => CONFIGURATION,
        ErrorKind::Component | ErrorKind::Internal => SOFTWARE,
        // A kind that only a later library knows.
        _ => SOFTWARE,
    }
}
