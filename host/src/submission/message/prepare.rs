//! From a composed message to the bytes of a mail and its envelope (RFC 5322, RFC 2045).
//!
//! The component that composed the message is not trusted: whatever could add a field, a recipient
//! or a part is refused here, whether or not the component looked at it. What belongs to SMTP
//! itself, such as dot-stuffing, the session does.

#[cfg(test)]
mod reader;
#[cfg(test)]
mod tests;

use lettre::message::header::{Date, Headers};

use super::message_id::message_id;
use super::{body, field};
use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Mailbox, Message};
use crate::random;
use crate::receipt::Envelope;

/// The largest mail, in octets. It is the limit of the large mail services: what is larger comes
/// back anyway, and a template that renders more than this is at fault.
const MAX_MESSAGE: usize = 25 << 20;

/// The longest name of a header field. A name may fill a line of 78 columns with its colon and a
/// blank, which leaves the first word of the value within the 998 octets of RFC 5322 §2.1.1.
const MAX_FIELD_NAME: usize = 76;

/// Fields that the host writes itself, or that say who sent the mail and by which way.
const RESERVED_FIELDS: [&str; 12] = [
    "bcc",
    "cc",
    "date",
    "dkim-signature",
    "from",
    "message-id",
    "received",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
];

/// Families of fields that are reserved as a whole.
const RESERVED_PREFIXES: [&str; 3] = ["content-", "mime-", "resent-"];

/// A message as bytes, with its envelope. Every attempt sends the same one, with one Message-ID.
pub(crate) struct Prepared {
    pub(crate) envelope: Envelope,
    pub(crate) message_id: String,
    pub(crate) bytes: Vec<u8>,
}

/// Shows the size of the message and not the message: it may carry a one-time code.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("envelope", &self.envelope)
            .field("message_id", &self.message_id)
            .field("bytes", &format_args!("{} bytes", self.bytes.len()))
            .finish()
    }
}

/// Makes the mail: header fields, one blank line and the body, ending in CRLF and not yet
/// dot-stuffed. Its Message-ID is the caller's own, or a new one.
pub(crate) fn prepare(message: &Message, own_id: Option<&str>) -> Result<Prepared> {
    let from = Address::parse("from", &message.from.address)?;
    let to = Address::parse("to", &message.to.address)?;
    let message_id = message_id(own_id, from.ascii_domain())?;
    let mut bytes = header(message, &from, &to, &message_id)?.into_bytes();
    bytes.extend(body::entity(message.text.as_deref(), message.html.as_deref())?);
    within_bound(bytes.len())?;
    let envelope = Envelope { reverse_path: from.to_string(), forward_paths: vec![to.to_string()] };
    Ok(Prepared { envelope, message_id, bytes })
}

/// All fields except those of the content, in the order in which mail programs write them.
fn header(message: &Message, from: &Address, to: &Address, message_id: &str) -> Result<String> {
    let mut header = date();
    header += &field::mailboxes("From", &[(phrase("from", &message.from)?, from)]);
    header += &reply_to(&message.reply_to)?;
    header += &field::mailboxes("To", &[(phrase("to", &message.to)?, to)]);
    refuse_line_breaks("subject", &message.subject)?;
    header += &field::unstructured("Subject", &message.subject);
    header += &field::unstructured("Message-ID", message_id);
    if !message.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Auto-Submitted")) {
        // RFC 3834 §5: without this, holiday notices would come back to the sender.
        header += &field::unstructured("Auto-Submitted", "auto-generated");
    }
    for (name, value) in &message.headers {
        header += &custom(name, value)?;
    }
    header += &field::unstructured("MIME-Version", "1.0");
    Ok(header)
}

fn date() -> String {
    let mut headers = Headers::new();
    headers.set(Date::now());
    headers.to_string()
}

fn reply_to(mailboxes: &[Mailbox]) -> Result<String> {
    if mailboxes.is_empty() {
        return Ok(String::new());
    }
    let addresses = mailboxes.iter().map(|mailbox| Address::parse("replyTo", &mailbox.address));
    let addresses = addresses.collect::<Result<Vec<_>>>()?;
    let names = mailboxes.iter().map(|mailbox| phrase("replyTo", mailbox));
    let names = names.collect::<Result<Vec<_>>>()?;
    Ok(field::mailboxes("Reply-To", &names.into_iter().zip(&addresses).collect::<Vec<_>>()))
}

/// The display name, where there is one that says anything.
fn phrase<'a>(place: &str, mailbox: &'a Mailbox) -> Result<Option<&'a str>> {
    let name = mailbox.name.as_deref().unwrap_or_default().trim();
    if name.chars().any(char::is_control) {
        return Err(refusal(format!("the display name in `{place}` holds a control character")));
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

fn custom(name: &str, value: &str) -> Result<String> {
    // RFC 5322 §3.6.8 calls these characters ftext.
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        return Err(refusal(
            "the name of a header field is not printable US-ASCII without colon and blank",
        ));
    }
    if name.len() > MAX_FIELD_NAME {
        return Err(refusal(format!(
            "the name of a header field is longer than {MAX_FIELD_NAME} octets"
        )));
    }
    if is_reserved(name) {
        return Err(refusal(format!("the header field `{name}` cannot be set by a component")));
    }
    refuse_line_breaks(name, value)?;
    Ok(field::unstructured(name, value))
}

fn is_reserved(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    RESERVED_FIELDS.contains(&name.as_str())
        || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn refuse_line_breaks(place: &str, value: &str) -> Result<()> {
    match value.contains(['\r', '\n', '\0']) {
        true => Err(refusal(format!("the value of `{place}` holds a line break or NUL"))),
        false => Ok(()),
    }
}

pub(crate) fn within_bound(octets: usize) -> Result<()> {
    match octets > MAX_MESSAGE {
        true => Err(refusal(format!("the message is larger than {MAX_MESSAGE} octets"))),
        false => Ok(()),
    }
}

/// A name that nobody can guess, so that no content can be made to hold it.
pub(crate) fn token() -> Result<String> {
    Ok(format!("{:032x}", u128::from_be_bytes(random::octets()?)))
}

pub(crate) fn refusal(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Message, message)
}
