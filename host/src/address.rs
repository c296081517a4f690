//! Addresses: a strict reading of `local-part@domain` (RFC 5321 §4.1.2, RFC 6531 §3.3), and of one
//! with a display name.
//!
//! What comes out is fit for an envelope command and for a header field alike, as it is.

mod recipient;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

pub(crate) use self::recipient::recipient;
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
        Self::read(text).map_err(|reason| unusable(place, reason))
    }

    /// Whether the local part stands between quotes.
    pub(crate) fn is_quoted(&self) -> bool {
        self.local_part.starts_with('"')
    }

    /// The domain as it stands in the DNS, for names that must be US-ASCII.
    pub(crate) fn ascii_domain(&self) -> &str {
        &self.ascii_domain
    }

    /// Whether a text, which may leave quotes out, is this address.
    pub(crate) fn is(&self, text: &str) -> bool {
        text.rsplit_once('@').is_some_and(|(local_part, domain)| {
            unquoted(local_part) == unquoted(&self.local_part) && self.is_in(domain)
        })
    }

    /// Whether the address is in this domain, and not in one below it.
    pub(crate) fn is_in(&self, domain: &str) -> bool {
        read_domain(domain).is_ok_and(|domain| domain == self.ascii_domain)
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        if text.chars().any(char::is_control) {
            return Err("it has a control character");
        }
        if text.contains(['<', '>']) {
            return Err("it has an angle bracket");
        }
        if text.contains(is_unseen) {
            return Err("it has a character that nobody sees");
        }
        let (local_part, domain) = text.rsplit_once('@').ok_or("it has no `@`")?;
        let is_second = local_part.contains('@') && !is_quoted_string(local_part);
        // The last two are the other forms of the sign, which some programs take for it.
        if is_second || local_part.contains(['\u{fe6b}', '\u{ff20}']) {
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
pub(crate) fn is_atext(c: char) -> bool {
    match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c),
        false => !c.is_whitespace(),
    }
}

/// The error of an address that cannot be used.
fn unusable(place: &str, reason: &str) -> Error {
    Error::new(ErrorKind::Address, format!("`{place}` holds no usable address: {reason}"))
        .with_hint(format!("Write one address such as `user@example.com` in `{place}`."))
}

/// Whether a character shows nothing: two addresses that differ in it look alike. The joiners are
/// none of these, since some scripts need them.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// A local part without its quotes.
fn unquoted(local_part: &str) -> String {
    if !is_quoted_string(local_part) {
        return local_part.to_owned();
    }
    let mut chars = local_part[1..local_part.len() - 1].chars();
    std::iter::from_fn(|| chars.next().and_then(|c| if c == '\\' { chars.next() } else { Some(c) }))
        .collect()
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
