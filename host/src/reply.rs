//! Replies of a server (RFC 5321 §4.2): the code, the enhanced status code, and the text.

use serde::{Serialize, Serializer};

/// A complete reply, its text already masked and free of control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The three-digit reply code.
    pub code: u16,
    /// The enhanced status code (RFC 3463) that the text begins with, where there is one.
    pub enhanced: Option<EnhancedStatusCode>,
    /// The text, line by line, without codes.
    pub lines: Vec<String>,
}

impl Reply {
    /// Splits the enhanced status code from the text. A code whose class contradicts the reply code
    /// is text.
    pub(crate) fn new(code: u16, mut lines: Vec<String>) -> Self {
        let fitting = |line: &str| {
            let (enhanced, rest) = EnhancedStatusCode::split(line)?;
            (u16::from(enhanced.class) == code / 100).then(|| (enhanced, rest.to_owned()))
        };
        let mut first = None;
        for line in &mut lines {
            if let Some((enhanced, rest)) = fitting(line) {
                first.get_or_insert(enhanced);
                *line = rest;
            }
        }
        Self { code, enhanced: first, lines }
    }

    /// Whether the code says that the command succeeded (2yz).
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// Whether the code says that the failure may pass (4yz).
    pub fn is_transient(&self) -> bool {
        self.code / 100 == 4
    }

    /// Whether the code says that the failure is final (5yz).
    pub fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The text lines joined by line feeds.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        match self.lines.join(" ") {
            text if text.is_empty() => Ok(()),
            text => write!(f, " {text}"),
        }
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shape {
            code: u16,
            #[serde(skip_serializing_if = "Option::is_none")]
            enhanced: Option<String>,
            text: String,
        }
        let enhanced = self.enhanced.map(|enhanced| enhanced.to_string());
        Shape { code: self.code, enhanced, text: self.text() }.serialize(serializer)
    }
}

/// An enhanced status code (RFC 3463), such as `5.7.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnhancedStatusCode {
    /// 2 success, 4 transient, 5 permanent.
    pub class: u8,
    /// What the status is about: addressing, mailbox, mail system, network, protocol, content,
    /// policy.
    pub subject: u16,
    /// The status in particular.
    pub detail: u16,
}

impl EnhancedStatusCode {
    /// Reads the code at the beginning of a reply's text; gives what follows it, too.
    pub fn split(text: &str) -> Option<(Self, &str)> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut parts = word.split('.');
        let mut next = |limit| parts.next().filter(|part| part.len() <= limit)?.parse::<u16>().ok();
        let (class, subject, detail) = (next(1)?, next(3)?, next(3)?);
        if parts.next().is_some() || !matches!(class, 2 | 4 | 5) {
            return None;
        }
        Some((Self { class: class as u8, subject, detail }, rest.trim_start()))
    }
}

impl std::fmt::Display for EnhancedStatusCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_enhanced_status_code_of_every_line_is_split_where_its_class_fits() {
        let lines =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let cases = [
            (
                550,
                lines(&["5.7.1 no relay", "5.7.1 see help"]),
                Some("5.7.1"),
                "no relay\nsee help",
            ),
            (550, lines(&["2.0.0 odd"]), None, "2.0.0 odd"),
            (250, lines(&["2.1.5"]), Some("2.1.5"), ""),
            (250, lines(&[""]), None, ""),
        ];
        for (code, given, enhanced, text) in cases {
            let reply = Reply::new(code, given);
            assert_eq!(reply.enhanced.map(|enhanced| enhanced.to_string()).as_deref(), enhanced);
            assert_eq!(reply.text(), text);
        }
    }

    #[test]
    fn an_enhanced_status_code_is_split_from_the_text() {
        let cases = [
            ("5.7.1 Relaying denied", Some(("5.7.1", "Relaying denied"))),
            ("2.0.0", Some(("2.0.0", ""))),
            ("4.22.333 x", Some(("4.22.333", "x"))),
            ("3.1.1 no such class", None),
            ("5.7 two parts", None),
            ("5.7.1.2 four parts", None),
            ("5.7.1000 too long", None),
            ("ok", None),
        ];
        for (text, expected) in cases {
            let split =
                EnhancedStatusCode::split(text).map(|(code, rest)| (code.to_string(), rest));
            assert_eq!(split, expected.map(|(code, rest)| (code.to_owned(), rest)), "{text}");
        }
    }
}
