//! PEM (RFC 7468) as people paste it: in lines, on one line, or with `\n` written out, as key files
//! in JSON and environment variables have it. Base64 knows neither blanks nor backslashes, so
//! nothing is ambiguous.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

/// What stands between a BEGIN and its END.
pub(crate) struct Section<'a> {
    /// What it says that it is, such as `CERTIFICATE`.
    pub(crate) label: &'a str,
    body: &'a str,
}

/// The content of a section.
pub(crate) struct Content<'a> {
    /// The value of `DEK-Info` (RFC 1421): with which cipher the bytes are encrypted.
    pub(crate) cipher: Option<&'a str>,
    /// The bytes.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// A section has no end, or is not base64.
#[derive(Debug, PartialEq)]
pub(crate) struct Damaged;

/// The sections of a text; what stands around them is left out.
pub(crate) fn sections(text: &str) -> impl Iterator<Item = Result<Section<'_>, Damaged>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, begun) = rest.split_once("-----BEGIN ")?;
        let section = section(begun);
        rest = section.as_ref().map_or("", |(_, after)| *after);
        Some(section.map(|(section, _)| section).ok_or(Damaged))
    })
}

/// The section that begins with its label, and what comes after it.
fn section(begun: &str) -> Option<(Section<'_>, &str)> {
    let (label, rest) = begun.split_once("-----")?;
    let (body, rest) = rest.split_once("-----END ")?;
    Some((Section { label, body }, rest.strip_prefix(label)?.strip_prefix("-----")?))
}

impl<'a> Section<'a> {
    /// Takes the headers off and decodes the rest.
    pub(crate) fn content(&self) -> Result<Content<'a>, Damaged> {
        let mut words = self.words().peekable();
        let mut cipher = None;
        while let Some(header) = words.next_if(|word| word.ends_with(':')) {
            let value = words.next();
            if header == "DEK-Info:" {
                cipher = value;
            }
        }
        // Room for everything from the start: a buffer that grows would leave its content behind in
        // memory.
        let mut base64 = Zeroizing::new(String::with_capacity(self.body.len()));
        words.for_each(|word| base64.push_str(word));
        let mut bytes =
            Zeroizing::new(Vec::with_capacity(base64::decoded_len_estimate(base64.len())));
        STANDARD.decode_vec(base64.as_str(), &mut bytes).map_err(|_| Damaged)?;
        Ok(Content { cipher, bytes })
    }

    fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.body
            .split("\\n")
            .flat_map(|line| line.split("\\r"))
            .flat_map(str::split_ascii_whitespace)
    }
}

/// The certificates in a text.
pub(crate) fn certificates(text: &str) -> Result<Vec<CertificateDer<'static>>, Damaged> {
    let mut certificates = Vec::new();
    for section in sections(text) {
        let section = section?;
        if matches!(section.label, "CERTIFICATE" | "X509 CERTIFICATE") {
            certificates.push(CertificateDer::from(section.content()?.bytes.to_vec()));
        }
    }
    Ok(certificates)
}

/// Writes a section.
pub(crate) fn write(label: &str, bytes: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(bytes));
    Zeroizing::new(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Label, cipher and content of each section.
    type Read<'a> = Vec<(&'a str, Option<&'a str>, Vec<u8>)>;

    fn read(text: &str) -> Result<Read<'_>, Damaged> {
        sections(text)
            .map(|section| {
                let section = section?;
                let content = section.content()?;
                Ok((section.label, content.cipher, content.bytes.to_vec()))
            })
            .collect()
    }

    #[test]
    fn line_breaks_may_be_missing_or_written_out() {
        for text in [
            "-----BEGIN A-----\nYWJj\nZGVm\n-----END A-----\n",
            "-----BEGIN A-----\r\nYWJj\r\nZGVm\r\n-----END A-----",
            r"-----BEGIN A-----\nYWJj\nZGVm\n-----END A-----\n",
            r"-----BEGIN A-----\r\nYWJj\r\nZGVm\r\n-----END A-----",
            "\"-----BEGIN A----- YWJj ZGVm -----END A-----\"",
            "Bag Attributes\n    friendlyName: a\n-----BEGIN A-----\n  YWJjZGVm\n-----END A-----",
        ] {
            assert_eq!(read(text), Ok(vec![("A", None, b"abcdef".to_vec())]), "{text}");
        }
    }

    #[test]
    fn headers_are_no_content() {
        for gap in ["\n", r"\n", " "] {
            let headers = [
                "Proc-Type: 4,ENCRYPTED",
                "DEK-Info: AES-128-CBC,00FF",
                "",
                "YWJj",
                "-----END B-----",
            ];
            let text = format!(
                "-----BEGIN A-----{gap}-----END A-----\n-----BEGIN B-----{gap}{}",
                headers.join(gap)
            );
            let expected =
                vec![("A", None, vec![]), ("B", Some("AES-128-CBC,00FF"), b"abc".to_vec())];
            assert_eq!(read(&text), Ok(expected));
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(read(&write("A KEY", b"abc")), Ok(vec![("A KEY", None, b"abc".to_vec())]));
        assert_eq!(read("no PEM at all"), Ok(vec![]));
    }

    #[test]
    fn damage_is_told() {
        for text in [
            "-----BEGIN ",
            "-----BEGIN A",
            "-----BEGIN A-----",
            "-----BEGIN A-----\nYWJj\n-----END B-----\n",
            "-----BEGIN A-----\nYWJj\n-----END A",
            "-----BEGIN A-----\nYWJ\n-----END A-----\n",
            "-----BEGIN A-----\nY*Jj\n-----END A-----\n",
            "-----BEGIN A-----\nDEK-Info:",
        ] {
            assert_eq!(read(text), Err(Damaged), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_is_read_however_it_is_laid_out(
            label in "[A-Z][A-Z ]{0,20}",
            bytes in proptest::collection::vec(0..=255_u8, 0..200),
            width in 1..80_usize,
            around in "[ a-z:\n]{0,20}",
        ) {
            let base64 = STANDARD.encode(&bytes);
            let lines = base64.as_bytes().chunks(width).map(String::from_utf8_lossy);
            let lines: Vec<_> = lines.collect();
            for line_break in ["\n", "\r\n", "\\n", "\\r\\n", " ", "\n\n\t"] {
                let body = lines.join(line_break);
                let begin = format!("{around}-----BEGIN {label}-----{line_break}");
                let end = format!("{line_break}-----END {label}-----{around}");
                let text = format!("{begin}{body}{end}");
                proptest::prop_assert_eq!(
                    read(&text),
                    Ok(vec![(label.as_str(), None, bytes.clone())]),
                    "{}",
                    text
                );
            }
        }

        #[test]
        fn no_text_makes_the_reader_fall(
            text in "(-----(BEGIN|END) (A|B)?-----|DEK-Info: x|[A-Za-z0-9+/=\\\\n \n-]|.){0,40}",
        ) {
            let read = read(&text).unwrap_or_default();
            proptest::prop_assert!(read.len() <= text.matches("-----BEGIN ").count());
        }
    }
}
