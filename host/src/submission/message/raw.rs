//! Messages that a program built itself: sent as they are, once they can be.

use super::field;
use super::prepare::{Prepared, refusal, token, within_bound};
use crate::error::Result;
use crate::receipt::Envelope;

impl Prepared {
    /// A message in the form of RFC 5322. Each of its lines comes to end with CRLF, and it gets a
    /// Message-ID if it has none.
    pub(crate) fn from_raw(envelope: Envelope, message: &[u8]) -> Result<Self> {
        within_bound(message.len())?;
        let text = std::str::from_utf8(message).map_err(|_| refusal("the message is not UTF-8"))?;
        if text.contains('\0') {
            // Some servers drop it, and may so come to see an end of the message (RFC 5321 §2.4).
            return Err(refusal("the message holds NUL"));
        }
        let mut text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
        let message_id = match message_id(&text) {
            Some(message_id) => message_id.to_owned(),
            None => {
                let message_id = format!("<{}@{}>", token()?, domain(&envelope.reverse_path));
                text.insert_str(0, &field::unstructured("Message-ID", &message_id));
                message_id
            }
        };
        Ok(Self { envelope, message_id, bytes: text.into_bytes() })
    }

    /// A message that was prepared before and kept: it stays as it is, its signatures included.
    pub(crate) fn stored(envelope: Envelope, message_id: String, content: &str) -> Result<Self> {
        within_bound(content.len())?;
        if self::message_id(content) != Some(message_id.as_str()) {
            return Err(refusal("the stored message does not have its Message-ID"));
        }
        Ok(Self { envelope, message_id, bytes: content.as_bytes().to_vec() })
    }
}

/// The Message-ID of a message, where it has one.
fn message_id(message: &str) -> Option<&str> {
    const NAME: &str = "message-id:";
    let header = message.split("\r\n\r\n").next()?;
    let starts =
        std::iter::once(0).chain(header.match_indices("\r\n").map(|(at, end)| at + end.len()));
    let fields = starts.filter_map(|start| header[start..].split_at_checked(NAME.len()));
    let mut values =
        fields.filter(|(name, _)| name.eq_ignore_ascii_case(NAME)).map(|(_, value)| value);
    let value = values.next()?.trim_start();
    let end = value.find('>')?;
    value[..=end].starts_with('<').then(|| &value[..=end])
}

/// The domain of an address as it stands in the DNS; a name of this machine where there is none.
fn domain(address: &str) -> String {
    let domain = address.rsplit_once('@').map(|(_, domain)| domain);
    domain.and_then(|domain| idna::domain_to_ascii(domain).ok()).unwrap_or("localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(message: &str) -> Prepared {
        let envelope = Envelope { reverse_path: "a@b.test".into(), forward_paths: Vec::new() };
        Prepared::from_raw(envelope, message.as_bytes()).expect("a message")
    }

    #[test]
    fn a_message_stays_as_it_is_but_for_its_line_ends() {
        let cases = [
            ("Message-Id: <1@b.test>\r\n\r\nx\r\n", "<1@b.test>"),
            ("Subject: x\nmessage-id:\n <2@b.test>\n\nx\n", "<2@b.test>"),
        ];
        for (message, message_id) in cases {
            let prepared = prepared(message);
            assert_eq!(prepared.message_id, message_id);
            let expected = message.replace("\r\n", "\n").replace('\n', "\r\n");
            assert_eq!(String::from_utf8_lossy(&prepared.bytes), expected);
        }
    }

    #[test]
    fn a_message_without_message_id_gets_one() {
        for message in ["Subject: x\r\n\r\nMessage-ID: <1@b.test>\r\n", "Message-ID: none\r\n\r\n"]
        {
            let prepared = prepared(message);
            let expected = format!("Message-ID: {}\r\n{message}", prepared.message_id);
            assert!(prepared.message_id.ends_with("@b.test>"), "{}", prepared.message_id);
            assert_eq!(String::from_utf8_lossy(&prepared.bytes), expected);
        }
    }
}
