//! What may stand where a host is named: a domain name (RFC 1123 §2.1, in any script) or an IP
//! address.
//!
//! Nothing is resolved or converted here; the host does that.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// RFC 1035 §2.3.4, in octets.
const LONGEST_NAME: usize = 253;
/// RFC 1035 §2.3.4, in octets.
const LONGEST_LABEL: usize = 63;

/// Why a text names no host.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum HostFault {
    /// It holds a scheme.
    Url,
    /// It holds spaces or control characters.
    Blank,
    /// It holds an `@`.
    UserInfo,
    /// It holds a slash.
    Path,
    /// It holds a port.
    Port,
    /// It is spelt like an IP address, but is none.
    Address,
    /// It is no domain name either.
    Name,
}

impl HostFault {
    /// What to change.
    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Url => "write the name alone; a URL belongs into `url`",
            Self::Blank => "remove the spaces and line breaks",
            Self::UserInfo => "write the name alone; user and password belong into `auth`",
            Self::Path => "write the name alone, without a path",
            Self::Port => "put the port into `port`",
            Self::Address => "write four numbers from 0 to 255, or an IPv6 address",
            Self::Name => "write a domain name such as `smtp.example.com`, or an IP address",
        }
    }
}

impl fmt::Display for HostFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Url => "is a URL, not a host name",
            Self::Blank => "is no host name: it holds spaces or control characters",
            Self::UserInfo => "is no host name: it holds an `@`",
            Self::Path => "is no host name: it holds a slash",
            Self::Port => "is no host name: it holds a port",
            Self::Address => "is no IP address, though it is spelt like one",
            Self::Name => "is no host name",
        })
    }
}

/// Reads a host, without the brackets that an IPv6 address may come in.
pub(super) fn parse(text: &str) -> Result<&str, HostFault> {
    if text.contains("://") {
        return Err(HostFault::Url);
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(HostFault::Blank);
    }
    if text.contains('@') {
        return Err(HostFault::UserInfo);
    }
    if text.contains(['/', '\\']) {
        return Err(HostFault::Path);
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Ok(bare);
    }
    if text.contains(':') {
        return Err(if text.matches(':').count() == 1 || text.contains("]:") {
            HostFault::Port
        } else {
            HostFault::Address
        });
    }
    name(text)
}

fn name(text: &str) -> Result<&str, HostFault> {
    let rooted = text.strip_suffix('.').unwrap_or(text);
    if text.len() > LONGEST_NAME || !rooted.split('.').all(is_label) {
        return Err(HostFault::Name);
    }
    let last = rooted.rsplit('.').next().unwrap_or(rooted);
    if is_number(last) && text.parse::<Ipv4Addr>().is_err() {
        return Err(HostFault::Address);
    }
    Ok(text)
}

/// Whether a text may stand between the dots of a name. Underscores are no part of host names, yet
/// container networks use them.
pub(super) fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || !c.is_ascii())
}

/// Resolvers take `127.1` and `0x7f000001` for addresses; whoever means one shall write it in full.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domain_names_and_addresses_are_hosts() {
        for (text, host) in [
            ("smtp.example.com", "smtp.example.com"),
            ("localhost", "localhost"),
            ("mail_dev", "mail_dev"),
            ("smtp.example.com.", "smtp.example.com."),
            ("smtp.bücher.example", "smtp.bücher.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[::1]", "::1"),
            ("163.com", "163.com"),
        ] {
            assert_eq!(parse(text), Ok(host));
        }
    }

    #[test]
    fn other_texts_are_not() {
        for (text, fault) in [
            ("smtp://smtp.example.com", HostFault::Url),
            ("smtp example", HostFault::Blank),
            (" smtp.example.com", HostFault::Blank),
            ("smtp.example.com\r\nRCPT", HostFault::Blank),
            ("smtp\u{0}", HostFault::Blank),
            ("user@smtp.example.com", HostFault::UserInfo),
            ("smtp.example.com/", HostFault::Path),
            ("smtp.example.com:587", HostFault::Port),
            ("[::1]:25", HostFault::Port),
            ("fe80::1%eth0", HostFault::Address),
            ("256.1.1.1", HostFault::Address),
            ("127.1", HostFault::Address),
            ("2130706433", HostFault::Address),
            ("0x7f000001", HostFault::Address),
            ("", HostFault::Name),
            ("a..b", HostFault::Name),
            ("-a.example", HostFault::Name),
            ("<host>", HostFault::Name),
            ("a,b", HostFault::Name),
        ] {
            assert_eq!(parse(text), Err(fault), "{text}");
        }
        assert_eq!(parse(&"a".repeat(64)), Err(HostFault::Name));
        assert_eq!(parse(&"a.".repeat(127)), Err(HostFault::Name));
    }
}
