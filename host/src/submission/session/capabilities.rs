//! What a server says that it can do: the service extensions of an EHLO reply (RFC 5321 §4.1.1.1).

/// The extensions that this host makes use of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// STARTTLS (RFC 3207).
    pub(crate) starttls: bool,
    /// PIPELINING (RFC 2920).
    pub(crate) pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub(crate) eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub(crate) smtputf8: bool,
    /// SIZE (RFC 1870).
    pub(crate) size: bool,
    /// The largest message that the server takes, if it says so.
    pub(crate) size_limit: Option<u64>,
    /// The SASL mechanisms (RFC 4954) in upper case; none where AUTH is not offered.
    pub(crate) mechanisms: Option<Vec<String>>,
}

impl Capabilities {
    /// Reads the lines of an EHLO reply; the first is a salutation.
    pub(crate) fn parse(lines: &[String]) -> Self {
        Self::listed(lines.get(1..).unwrap_or_default())
    }

    /// Reads lines without a salutation.
    pub(crate) fn listed(lines: &[String]) -> Self {
        let mut capabilities = Self::default();
        for line in lines {
            capabilities.learn(&line.to_ascii_uppercase());
        }
        capabilities
    }

    fn learn(&mut self, line: &str) {
        // Old servers write `AUTH=LOGIN`.
        let mut words = line
            .split(|c: char| c.is_ascii_whitespace() || c == '=')
            .filter(|word| !word.is_empty());
        match words.next() {
            Some("STARTTLS") => self.starttls = true,
            Some("PIPELINING") => self.pipelining = true,
            Some("8BITMIME") => self.eight_bit_mime = true,
            Some("SMTPUTF8") => self.smtputf8 = true,
            Some("SIZE") => {
                self.size = true;
                let limit = words.next().and_then(|limit| limit.parse().ok());
                self.size_limit = limit.filter(|limit| *limit > 0);
            }
            Some("AUTH") => {
                let mechanisms = self.mechanisms.get_or_insert_default();
                for word in words.map(str::to_owned) {
                    if !mechanisms.contains(&word) {
                        mechanisms.push(word);
                    }
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_read_in_any_case_and_old_spelling() {
        let lines = [
            "mx STARTTLS",
            "8bitmime",
            "Size 1000",
            "auth=login",
            "AUTH PLAIN Login xoauth2",
            "smtputf8 x",
            "Pipelining",
        ];
        let capabilities = Capabilities::parse(&lines.map(str::to_owned));
        let expected = Capabilities {
            starttls: false,
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            size: true,
            size_limit: Some(1000),
            mechanisms: Some(["LOGIN", "PLAIN", "XOAUTH2"].map(str::to_owned).to_vec()),
        };
        assert_eq!(capabilities, expected);
    }

    #[test]
    fn an_absent_or_empty_limit_is_no_limit() {
        for size in ["SIZE", "SIZE 0", "SIZE many", "SIZEABLE 5"] {
            let lines = ["mx".to_owned(), size.to_owned()];
            assert_eq!(Capabilities::parse(&lines).size_limit, None, "{size}");
        }
    }
}
