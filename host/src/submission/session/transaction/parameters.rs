//! What MAIL says beside the sender (RFC 5321 §4.1.1.11), and what a server cannot take at all.

use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter};

use crate::error::{Error, ErrorKind, Result, Stage};
use crate::receipt::Envelope;
use crate::submission::session::Session;

/// The parameters of MAIL that envelope and content need. What the server cannot do is refused
/// before it hears of the message.
pub(super) fn parameters(
    session: &Session,
    envelope: &Envelope,
    content: Option<&[u8]>,
) -> Result<Vec<MailParameter>> {
    let offered = &session.capabilities;
    let unfit = |kind, message: String| Err(Error::new(kind, message).at(Stage::Mail));
    for address in std::iter::once(&envelope.reverse_path).chain(&envelope.forward_paths) {
        if address.contains(|c: char| c.is_control() || matches!(c, '<' | '>')) {
            return unfit(
                ErrorKind::Address,
                "an address of the envelope holds a character it cannot".to_owned(),
            );
        }
    }
    let mut parameters = Vec::new();
    if let Some(content) = content.filter(|_| offered.size) {
        // RFC 1870: the server can refuse what it has no room for before it comes.
        parameters.push(MailParameter::Size(content.len()));
    }
    let content = content.unwrap_or_default();
    if let Some(limit) = offered.size_limit.filter(|limit| content.len() as u64 > *limit) {
        let size = content.len();
        return unfit(
            ErrorKind::Message,
            format!("the message has {size} bytes, and the server takes {limit} at most"),
        )
        .map_err(|error| error.with_hint("Make the template smaller."));
    }
    let addresses_are_ascii = envelope.reverse_path.is_ascii()
        && envelope.forward_paths.iter().all(|address| address.is_ascii());
    let is_ascii = content.is_ascii();
    if !addresses_are_ascii || !(is_ascii || header(content).is_ascii()) {
        if !offered.smtputf8 {
            let message = "an address is not ASCII, and the server does not offer SMTPUTF8";
            return unfit(ErrorKind::Address, message.to_owned()).map_err(|error| {
                error.with_hint(
                    "Use an address whose part before the `@` is ASCII, or a server that offers \
                     SMTPUTF8.",
                )
            });
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !is_ascii {
        if !offered.eight_bit_mime {
            let message =
                "the message has bytes beyond ASCII, and the server does not offer 8BITMIME";
            return unfit(ErrorKind::Message, message.to_owned());
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

/// The header section of a message.
fn header(content: &[u8]) -> &[u8] {
    let end = content.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    &content[..end.unwrap_or(content.len())]
}
