//! Parses the lines of a reply (RFC 5321 §4.2), leniently where servers are known to be careless
//! and strictly where leniency would lose mail. Bounds the number of lines; the wire bounds their
//! length.

use std::borrow::Cow;

use crate::reply::Reply;

/// The most lines in one reply. The longest EHLO replies in the field have about thirty.
const MAX_LINES: usize = 128;

/// A complete reply, as the server wrote it and as it may be shown.
pub(crate) struct Answer {
    /// The text lines as they came. They may hold secrets: only code that interprets them reads
    /// these.
    pub(crate) words: Vec<String>,
    /// The reply, masked.
    pub(crate) reply: Reply,
}

/// The lines of a reply that is not complete yet.
#[derive(Default)]
pub(crate) struct ReplyParser {
    code: Option<u16>,
    lines: Vec<String>,
    blank: usize,
}

impl ReplyParser {
    /// Takes a line without its line break; gives code and texts once the reply is complete.
    pub(crate) fn push(&mut self, line: &[u8]) -> Result<Option<(u16, Vec<String>)>, String> {
        if line.iter().all(u8::is_ascii_whitespace) {
            self.blank += 1;
            return if self.blank > MAX_LINES { Err(too_many()) } else { Ok(None) };
        }
        let text = decode(line);
        let (code, last, words) = split(&text).ok_or_else(|| format!("`{text}` is not a reply"))?;
        let expected = *self.code.get_or_insert(code);
        if expected != code {
            return Err(format!("one reply has the codes {expected} and {code}"));
        }
        if self.lines.len() == MAX_LINES {
            return Err(too_many());
        }
        self.lines.push(words.to_owned());
        Ok(last.then(|| (code, std::mem::take(&mut self.lines))))
    }
}

/// Code, whether the reply ends with this line, and text.
fn split(line: &str) -> Option<(u16, bool, &str)> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    let text = rest.get(1..).unwrap_or_default();
    match rest.chars().next() {
        _ if !(200..600).contains(&code) => None,
        None | Some(' ' | '\t') => Some((code, true, text.trim())),
        Some('-') => Some((code, false, text.trim())),
        Some(_) => None,
    }
}

fn too_many() -> String {
    format!("the reply has more than {MAX_LINES} lines")
}

/// UTF-8, and each byte that is none as a character, so that nothing of the server's words is lost.
fn decode(line: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(line) {
        return text.into();
    }
    let mut text = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().copied().map(char::from));
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use proptest::strategy::Strategy as _;

    use super::*;

    fn gather(text: &[u8]) -> Result<Option<(u16, Vec<String>)>, String> {
        let mut parser = ReplyParser::default();
        let mut complete = None;
        for line in text.split(|byte| *byte == b'\n') {
            complete = parser.push(line.strip_suffix(b"\r").unwrap_or(line))?.or(complete);
        }
        Ok(complete)
    }

    #[test]
    fn careless_replies_are_understood() {
        let cases: [(&[u8], u16, &[&str]); 8] = [
            (b"250 ok", 250, &["ok"]),
            (b"250", 250, &[""]),
            (b"\r\n\r\n220 hello", 220, &["hello"]),
            (b"250-\n250- \n250 end", 250, &["", "", "end"]),
            (b"250-a\r\n250", 250, &["a", ""]),
            (b"550 Empf\xe4nger", 550, &["Empfänger"]),
            ("550 Empfänger".as_bytes(), 550, &["Empfänger"]),
            (b"550 Empf\xc3\xa4nger \xe4", 550, &["Empfänger ä"]),
        ];
        for (text, code, lines) in cases {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            assert_eq!(gather(text), Ok(Some((code, lines))));
        }
    }

    #[test]
    fn what_is_not_a_reply_is_refused() {
        let cases: [(&[u8], &str); 6] = [
            (b"hello", "`hello` is not a reply"),
            (b"25 ok", "`25 ok` is not a reply"),
            (b"2500 ok", "`2500 ok` is not a reply"),
            (b"+25 ok", "`+25 ok` is not a reply"),
            (b"150 ok", "`150 ok` is not a reply"),
            (b"250-a\n550 b", "one reply has the codes 250 and 550"),
        ];
        for (text, message) in cases {
            assert_eq!(gather(text), Err(message.to_owned()));
        }
    }

    #[test]
    fn lines_are_bounded() {
        let endless = b"250-x\n".repeat(MAX_LINES + 1);
        assert_eq!(gather(&endless), Err("the reply has more than 128 lines".to_owned()));
        let blank = b"\n".repeat(MAX_LINES + 1);
        assert_eq!(gather(&blank), Err("the reply has more than 128 lines".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn a_reply_is_read_as_it_was_written(
            code in 200..600_u16,
            lines in proptest::collection::vec("([^\\s\\p{Cc}]([^\r\n]{0,40}[^\\s\\p{Cc}])?)?", 1..20),
            line_end in proptest::sample::select(vec!["\n", "\r\n"]),
        ) {
            let last = lines.len() - 1;
            let mut text = String::new();
            for (index, line) in lines.iter().enumerate() {
                let separator = if index == last { ' ' } else { '-' };
                text += &format!("{code}{separator}{line}{line_end}");
            }
            let text = text.strip_suffix(line_end).unwrap_or_default();
            proptest::prop_assert_eq!(gather(text.as_bytes()), Ok(Some((code, lines))));
        }

        #[test]
        fn whatever_comes_is_a_reply_within_its_bounds_or_none(
            lines in proptest::collection::vec(
                proptest::prop_oneof![
                    "(250|421|999|2 )[- x]?.{0,10}".prop_map(String::into_bytes),
                    proptest::collection::vec(0..=255_u8, 0..20),
                ],
                0..300,
            ),
        ) {
            let mut parser = ReplyParser::default();
            for line in &lines {
                match parser.push(line) {
                    Ok(None) => {}
                    Ok(Some((code, words))) => {
                        proptest::prop_assert!((200..600).contains(&code));
                        proptest::prop_assert!((1..=MAX_LINES).contains(&words.len()));
                        parser = ReplyParser::default();
                    }
                    Err(problem) => {
                        proptest::prop_assert!(!problem.is_empty());
                        break;
                    }
                }
            }
        }
    }
}
