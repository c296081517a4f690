//! The program: all that composing needs of a configuration, as bytes. A check writes it, and the
//! composer of each message reads it back: first what all messages have in common, then the one
//! mail that is wanted, with its templates scanned already.

use serde::{Deserialize, Serialize};

use crate::bindings::exports::smtp_connector::contract::messages::{HeaderField, Mailbox};
use crate::compose::{Catalogue, Mail};
use crate::config::message::MessageSettings;
use crate::config::templates::Template;
use crate::template::SyntaxError;

/// How a program begins: its form may change with every version of this component.
const BEGINNING: &[u8] =
    concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"), "\n").as_bytes();

/// A program that is open.
#[derive(Debug)]
pub struct Program {
    /// What every message has in common.
    pub settings: MessageSettings,
    /// Which mail is for which messages.
    pub catalogue: Catalogue,
    bytes: Vec<u8>,
    /// Where the first mail begins in the bytes.
    start: usize,
    /// Where each mail ends in the bytes.
    ends: Vec<usize>,
}

/// What a program says before its mails.
#[derive(Serialize, Deserialize)]
struct Head {
    from: Named,
    reply_to: Vec<Named>,
    headers: Vec<(String, String)>,
    catalogue: Catalogue,
    /// The octets of each mail.
    lengths: Vec<usize>,
}

/// A mailbox as name and address.
type Named = (Option<String>, String);

/// Writes the program of a configuration.
///
/// # Errors
///
/// Fails with the first template that cannot be scanned; a configuration that was linted has none.
pub fn write(settings: &MessageSettings, templates: &[Template]) -> Result<Vec<u8>, SyntaxError> {
    let (catalogue, mails) = Catalogue::new(templates)?;
    let mails: Vec<Vec<u8>> = mails.iter().map(encode).collect();
    let head = Head {
        from: named(&settings.from),
        reply_to: settings.reply_to.iter().map(named).collect(),
        headers: settings.headers.iter().map(|h| (h.name.clone(), h.value.clone())).collect(),
        catalogue,
        lengths: mails.iter().map(Vec::len).collect(),
    };
    let mut program = BEGINNING.to_vec();
    program.extend(encode(&head));
    mails.iter().for_each(|mail| program.extend(mail));
    Ok(program)
}

impl Program {
    /// Opens a program.
    ///
    /// # Errors
    ///
    /// Says what is wrong with bytes that are no program of this version of the component.
    pub fn open(bytes: Vec<u8>) -> Result<Self, String> {
        let rest = bytes.strip_prefix(BEGINNING).ok_or_else(|| {
            let expected = String::from_utf8_lossy(BEGINNING);
            format!("it was not made by {}", expected.trim_end())
        })?;
        let (head, mails) = postcard::take_from_bytes::<Head>(rest)
            .map_err(|error| format!("its head cannot be read: {error}"))?;
        let start = bytes.len() - mails.len();
        let mut end = start;
        let ends = head.lengths.iter().map(|length| {
            end = end.saturating_add(*length);
            end
        });
        let ends: Vec<_> = ends.collect();
        if ends.last().copied().unwrap_or(start) != bytes.len() {
            return Err("it is cut off, or something stands behind it".to_owned());
        }
        let headers = head.headers.into_iter().map(|(name, value)| HeaderField { name, value });
        let settings = MessageSettings {
            from: mailbox(head.from),
            reply_to: head.reply_to.into_iter().map(mailbox).collect(),
            headers: headers.collect(),
        };
        Ok(Self { settings, catalogue: head.catalogue, bytes, start, ends })
    }

    /// How many mails there are.
    pub fn mails(&self) -> usize {
        self.ends.len()
    }

    /// Reads one mail; none where the program has no such mail or does not say what it is.
    pub fn mail(&self, index: usize) -> Option<Mail> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(self.start, |before| self.ends[before]);
        postcard::from_bytes(self.bytes.get(start..end)?).ok()
    }
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    // Writing into memory that grows fails only for values without a length, and none is one.
    postcard::to_allocvec(value).unwrap_or_default()
}

fn named(mailbox: &Mailbox) -> Named {
    (mailbox.name.clone(), mailbox.address.clone())
}

fn mailbox((name, address): Named) -> Mailbox {
    Mailbox { name, address }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::smtp_connector::contract::messages::ContentType;

    fn program() -> Vec<u8> {
        let settings = MessageSettings {
            from: Mailbox { name: Some("App".to_owned()), address: "app@example.com".to_owned() },
            reply_to: Vec::new(),
            headers: vec![HeaderField { name: "X-Tag".to_owned(), value: "a".to_owned() }],
        };
        let template = |usage_type: &str| Template {
            pointer: String::new(),
            usage_type: usage_type.to_owned(),
            locale: None,
            content_type: ContentType::Plain,
            subject: format!("{usage_type} {{{{code}}}}"),
            content: "{{ code }} {{#if link}}{{link}}{{/if}}".to_owned(),
        };
        write(&settings, &["SignIn", "Generic"].map(template)).expect("sound templates")
    }

    #[test]
    fn a_program_is_read_back_as_it_was_written() {
        let open = Program::open(program()).expect("it is one");
        assert_eq!(open.settings.from.name.as_deref(), Some("App"));
        assert_eq!(open.settings.headers[0].value, "a");
        assert_eq!(open.mails(), 2);
        assert!(open.mail(1).is_some() && open.mail(2).is_none());
    }

    #[test]
    fn what_is_no_program_is_refused() {
        let whole = program();
        let changed = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xff;
            bytes
        };
        for (bytes, expected) in [
            (Vec::new(), "it was not made by smtp-connector-guest"),
            (b"{}".to_vec(), "it was not made by smtp-connector-guest"),
            (changed(3), "it was not made by smtp-connector-guest"),
            (changed(BEGINNING.len()), "its head cannot be read"),
            (whole[..whole.len() - 1].to_vec(), "it is cut off"),
            ([whole.as_slice(), b"x"].concat(), "it is cut off"),
        ] {
            let problem = Program::open(bytes).expect_err(expected);
            assert!(problem.starts_with(expected), "{problem}");
        }
        for length in 0..whole.len() {
            assert!(Program::open(whole[..length].to_vec()).is_err(), "{length}");
        }
    }
}
