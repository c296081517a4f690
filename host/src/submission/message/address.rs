//! Addresses: a strict reading of `local-part@domain` (RFC 5321 §4.1.2, RFC 6531 §3.3).
//!
//! What comes out is fit for an envelope command and for a header field alike, as it is. Display
//! names are no part of it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::error::{Error, ErrorKind, Result};

/// The longest local part, in octets (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// The longest address, in octets: a path has 256 of them, two of which are its angle brackets (RFC
/// 5321 §4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

/// The longest label of a domain, in octets (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// An address that holds nothing but an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    local_part: String,
    domain: String,
    ascii_domain: String,
}

impl Address {
    /// Reads an address; an error names it by `place` and does not quote it.
    pub(crate) fn parse(place: &str, text: &str) -> Result<Self> {
        Self::read(text).map_err(|reason| {
            let message = format!("`{place}` holds no usable address: {reason}");
            Error::new(ErrorKind::Address, message)
                .with_hint(format!("Write one address such as `user@example.com` in `{place}`."))
        })
    }

    /// Whether the local part stands between quotes.
    pub(super) fn is_quoted(&self) -> bool {
        self.local_part.starts_with('"')
    }

    /// The domain as it stands in the DNS, for names that must be US-ASCII.
    pub(super) fn ascii_domain(&self) -> &str {
        &self.ascii_domain
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        if text.chars().any(char::is_control) {
            return Err("it has a control character");
        }
        if text.contains(['<', '>']) {
            return Err("it has an angle bracket");
        }
        let (local_part, domain) = text.rsplit_once('@').ok_or("it has no `@`")?;
        if local_part.contains('@') && !is_quoted_string(local_part) {
            return Err("it has more than one `@`");
        }
        let local_part = read_local_part(local_part)?;
        let ascii_domain = read_domain(domain)?;
        // A server that takes a local part in UTF-8 takes the domain so too, and people can read it
        // (RFC 6531).
        let domain = match local_part.is_ascii() {
            true => ascii_domain.clone(),
            false => idna::domain_to_unicode(&ascii_domain).0,
        };
        if local_part.len() + 1 + domain.len().max(ascii_domain.len()) > MAX_ADDRESS {
            return Err("it is longer than 254 octets");
        }
        Ok(Self { local_part, domain, ascii_domain })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

/// Whether a character may stand in an atom (RFC 5322 §3.2.3, RFC 6532 §3.2).
pub(super) fn is_atext(c: char) -> bool {
    match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c),
        false => !c.is_whitespace(),
    }
}

fn read_local_part(text: &str) -> Result<String, &'static str> {
    let local_part = if is_quoted_string(text) || is_dot_atom(text) {
        text.to_owned()
    } else if !text.is_empty() && text.chars().all(|c| is_atext(c) || c == '.') {
        // Some providers gave out addresses with dots at the end or in a row; only quoting makes
        // them valid.
        format!("\"{text}\"")
    } else if text.is_empty() {
        return Err("the part before the `@` is empty");
    } else {
        return Err("the part before the `@` has a character that must not stand there");
    };
    match local_part.len() > MAX_LOCAL_PART {
        true => Err("the part before the `@` is longer than 64 octets"),
        false => Ok(local_part),
    }
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_quoted_string(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return false;
    };
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let fits = match c {
            '"' => false,
            '\\' => {
                chars.next().is_some_and(|escaped| escaped == ' ' || escaped.is_ascii_graphic())
            }
            c => c == ' ' || c.is_ascii_graphic() || !(c.is_ascii() || c.is_whitespace()),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// The domain in lower case and US-ASCII: names as A-labels, address literals in their canonical
/// form.
fn read_domain(text: &str) -> Result<String, &'static str> {
    if let Some(literal) = text.strip_prefix('[') {
        return read_literal(literal).ok_or("the domain is no address literal");
    }
    let domain = match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => idna::domain_to_ascii(text)
            .map_err(|_| "the domain is no internationalized domain name")?,
    };
    match domain.split('.').all(is_label) {
        true => Ok(domain),
        false => Err("the domain is no domain name"),
    }
}

/// Underscores are no host names' characters, but internal domains have them and servers take them.
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn read_literal(text: &str) -> Option<String> {
    const IPV6: &str = "IPv6:";
    let inner = text.strip_suffix(']')?;
    match inner.get(..IPV6.len()).filter(|tag| tag.eq_ignore_ascii_case(IPV6)) {
        Some(_) => Some(format!("[{IPV6}{}]", inner[IPV6.len()..].parse::<Ipv6Addr>().ok()?)),
        None => Some(format!("[{}]", inner.parse::<Ipv4Addr>().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usable_addresses_are_written_as_servers_want_them() {
        let long = format!("{}@{}.test", "l".repeat(64), "d".repeat(63));
        for (text, written) in [
            ("user@mail.test", "user@mail.test"),
            ("User.Name+tag@Mail.TEST", "User.Name+tag@mail.test"),
            ("o'brien!#$%&*/=?^_`{|}~-@mail.test", "o'brien!#$%&*/=?^_`{|}~-@mail.test"),
            ("user@localhost", "user@localhost"),
            ("user@my_host.test", "user@my_host.test"),
            ("user@bücher.example", "user@xn--bcher-kva.example"),
            ("user@BÜCHER。example", "user@xn--bcher-kva.example"),
            ("user@xn--bcher-kva.example", "user@xn--bcher-kva.example"),
            ("jörg@bücher.example", "jörg@bücher.example"),
            ("jörg@xn--bcher-kva.example", "jörg@bücher.example"),
            ("用户@例え.test", "用户@例え.test"),
            ("us..er@mail.test", "\"us..er\"@mail.test"),
            (".user@mail.test", "\".user\"@mail.test"),
            ("user.@mail.test", "\"user.\"@mail.test"),
            ("\"two words\"@mail.test", "\"two words\"@mail.test"),
            ("\"a\\\"b\"@mail.test", "\"a\\\"b\"@mail.test"),
            ("\"a@b\"@mail.test", "\"a@b\"@mail.test"),
            ("user@[192.0.2.1]", "user@[192.0.2.1]"),
            ("user@[ipv6:2001:DB8::1]", "user@[IPv6:2001:db8::1]"),
            (long.as_str(), long.as_str()),
        ] {
            let address =
                Address::parse("to", text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(address.to_string(), written);
        }
    }

    #[test]
    fn the_ascii_domain_is_that_of_the_dns() {
        let address = Address::parse("from", "jörg@Bücher.example").expect("usable");
        assert_eq!(address.ascii_domain(), "xn--bcher-kva.example");
    }

    #[test]
    fn anything_else_is_refused_by_reason() {
        let long_local = format!("{}@mail.test", "l".repeat(65));
        let long_quoted = format!(".{}@mail.test", "l".repeat(62));
        let long_label = format!("u@{}.test", "d".repeat(64));
        let long = format!("u@{}", vec!["d".repeat(62); 5].join("."));
        let brackets = "it has an angle bracket";
        let character = "the part before the `@` has a character that must not stand there";
        let domain = "the domain is no domain name";
        for (text, reason) in [
            ("", "it has no `@`"),
            ("root", "it has no `@`"),
            ("@mail.test", "the part before the `@` is empty"),
            ("user@", domain),
            ("a@b@mail.test", "it has more than one `@`"),
            ("user@mail.test,other@mail.test", "it has more than one `@`"),
            ("\"a\"@b@mail.test", "it has more than one `@`"),
            ("<user@mail.test>", brackets),
            ("user@mail.test> SIZE=1", brackets),
            ("user@mail.test\r\nRCPT TO:", "it has a control character"),
            ("us\ter@mail.test", "it has a control character"),
            ("user\u{85}@mail.test", "it has a control character"),
            ("user@mail.test\0", "it has a control character"),
            ("two words@mail.test", character),
            (" user@mail.test", character),
            ("a,b@mail.test", character),
            ("a(b)@mail.test", character),
            ("a\u{a0}b@mail.test", character),
            ("a\u{2028}b@mail.test", character),
            ("\"open@mail.test", character),
            ("\"@mail.test", character),
            ("\"a\"b\"@mail.test", character),
            ("\"a\\\"@mail.test", character),
            ("user@mail.test ", domain),
            ("user@mail..test", domain),
            ("user@mail.test.", domain),
            ("user@-mail.test", domain),
            ("user@mail;test", domain),
            ("user@m\u{ff20}il.test", domain),
            ("user@\u{ad}.test\u{200d}", "the domain is no internationalized domain name"),
            ("user@[300.0.0.1]", "the domain is no address literal"),
            ("user@[192.0.2.1", "the domain is no address literal"),
            ("user@[IPv6:192.0.2.1]", "the domain is no address literal"),
            ("user@[é:1]", "the domain is no address literal"),
            (&long_local, "the part before the `@` is longer than 64 octets"),
            (&long_quoted, "the part before the `@` is longer than 64 octets"),
            (&long_label, domain),
            (&long, "it is longer than 254 octets"),
        ] {
            let error = Address::parse("replyTo", text).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Address);
            assert_eq!(
                error.to_string(),
                format!("`replyTo` holds no usable address: {reason}"),
                "{text:?}"
            );
        }
    }
}
