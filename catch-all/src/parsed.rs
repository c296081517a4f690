//! A caught message as a reader sees it: decoded header fields and decoded text parts.
//!
//! For showing and asserting. Whoever cares for the exact bytes has them in `Caught::bytes`.

use mail_parser::{HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

/// The header fields and text parts of a message.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ParsedMail {
    /// Names as written and decoded values (RFC 2047), in order. Structured MIME fields are as
    /// written, unfolded.
    pub fields: Vec<(String, String)>,
    /// The text parts, in order; all alternatives are among them.
    pub parts: Vec<ParsedPart>,
}

/// A text part of a message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParsedPart {
    /// The media type without parameters, such as `text/html`.
    pub media_type: String,
    /// The text, decoded, with LF as line end.
    pub text: String,
}

impl ParsedMail {
    /// Reads a message (RFC 5322). Of bytes that are none, nothing.
    pub fn read(bytes: &[u8]) -> Self {
        let parser = MessageParser::new().with_mime_headers().default_header_text();
        let Some(message) = parser.parse(bytes) else { return Self::default() };
        Self {
            fields: fields(&message),
            parts: message.parts.iter().filter_map(ParsedPart::read).collect(),
        }
    }

    /// The value of the first field of this name, whatever its case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut same = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        same.next().map(|(_, value)| value.as_str())
    }

    /// The text of the first part of this media type.
    pub fn part(&self, media_type: &str) -> Option<&str> {
        let mut same =
            self.parts.iter().filter(|part| part.media_type.eq_ignore_ascii_case(media_type));
        same.next().map(|part| part.text.as_str())
    }
}

impl ParsedPart {
    fn read(part: &MessagePart<'_>) -> Option<Self> {
        let (PartType::Text(text) | PartType::Html(text)) = &part.body else { return None };
        let media_type = part.content_type().map_or_else(
            || "text/plain".to_owned(),
            |known| {
                format!("{}/{}", known.ctype(), known.subtype().unwrap_or("plain"))
                    .to_ascii_lowercase()
            },
        );
        Some(Self { media_type, text: text.replace("\r\n", "\n") })
    }
}

/// Shows names and sizes and not the texts: they hold one-time codes.
impl std::fmt::Debug for ParsedMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParsedMail")
            .field("fields", &self.fields.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("parts", &self.parts)
            .finish()
    }
}

impl std::fmt::Debug for ParsedPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParsedPart")
            .field("media_type", &self.media_type)
            .field("text", &format_args!("{} bytes", self.text.len()))
            .finish()
    }
}

fn fields(message: &Message<'_>) -> Vec<(String, String)> {
    let raw = message.headers_raw().map(|(_, raw)| raw);
    let decoded = message.headers().iter().zip(raw);
    decoded.map(|(field, raw)| (field.name().to_owned(), value(&field.value, raw))).collect()
}

fn value(decoded: &HeaderValue<'_>, raw: &str) -> String {
    match decoded {
        HeaderValue::Text(text) => text.trim().to_owned(),
        _ => raw.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_fields_and_alternatives() {
        let parsed = ParsedMail::read(
            b"From: =?utf-8?q?J=C3=B6rg?= <joerg@example.com>\r\n\
              Subject: =?utf-8?b?w6TDtg==?=\r\n =?utf-8?b?w7w=?= and\r\n more\r\n\
              X-Empty:\r\n\
              MIME-Version: 1.0\r\n\
              Content-Type: multipart/alternative;\r\n boundary=\"b\"\r\n\
              \r\n\
              --b\r\n\
              Content-Type: text/plain; charset=utf-8\r\n\
              Content-Transfer-Encoding: quoted-printable\r\n\
              \r\n\
              caf=C3=A9 =\r\nau lait\r\n\
              --b\r\n\
              Content-Type: text/html; charset=utf-8\r\n\
              Content-Transfer-Encoding: base64\r\n\
              \r\n\
              PGI+Y2Fmw6k8L2I+\r\n\
              --b--\r\n",
        );
        assert_eq!(parsed.field("from"), Some("Jörg <joerg@example.com>"));
        assert_eq!(parsed.field("SUBJECT"), Some("äöü and more"));
        assert_eq!(parsed.field("x-empty"), Some(""));
        assert_eq!(parsed.field("content-type"), Some("multipart/alternative; boundary=\"b\""));
        assert_eq!(parsed.part("text/plain"), Some("café au lait"));
        assert_eq!(parsed.part("text/html"), Some("<b>café</b>"));
        assert_eq!(parsed.parts.len(), 2);
    }

    #[test]
    fn takes_a_message_without_mime_as_plain_text() {
        let parsed = ParsedMail::read(b"Subject: code\r\n\r\nfirst\r\nsecond\r\n");
        assert_eq!(parsed.parts.len(), 1);
        assert_eq!(parsed.part("text/plain"), Some("first\nsecond\n"));
    }

    #[test]
    fn shows_no_text_in_debug() {
        let parsed = ParsedMail::read(b"Subject: 991188\r\n\r\n773355\r\n");
        let shown = format!("{parsed:?}");
        assert!(!shown.contains("991188") && !shown.contains("773355"), "{shown}");
    }
}
