//! A host, read once at the border: what the egress policy judges, the resolver looks up, a proxy
//! is told and a certificate is searched for is then one and the same.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The longest name without its root dot, in octets (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;

/// The longest label, in octets (RFC 1035 §2.3.4).
const LONGEST_LABEL: usize = 63;

/// The longest text that is looked at, in octets: no character takes more than four of them, and
/// converting what is much longer than any name would take long.
const LONGEST_TEXT: usize = 4 * (LONGEST_NAME + 1);

/// A domain name or an IP address in its one spelling: a name in lower case with A-labels (RFC
/// 5890), an address in its canonical form and without brackets.
///
/// Two hosts are equal where they name the same; the root dot, which keeps the resolver from its
/// search list, makes no difference.
///
/// # Example
///
/// ```
/// use smtp_connector::Host;
///
/// let host: Host = "Bücher.example".parse()?;
/// assert_eq!(host.to_string(), "xn--bcher-kva.example");
/// assert_eq!("[::ffff:127.0.0.1]".parse::<Host>()?, "127.1".parse()?);
/// # Ok::<(), smtp_connector::NotAHost>(())
/// ```
#[derive(Debug, Clone)]
pub struct Host {
    /// As the resolver takes it: a root dot is kept.
    text: String,
    address: Option<IpAddr>,
}

/// The error for a text that names no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAHost;

impl fmt::Display for NotAHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a domain name such as `mail.example.com`, or an IP address")
    }
}

impl std::error::Error for NotAHost {}

impl Host {
    /// The text for the resolver, for proxies and for people: a name with the root dot that it was
    /// written with, or an address.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name without its root dot, or the address.
    pub fn name(&self) -> &str {
        self.text.strip_suffix('.').unwrap_or(&self.text)
    }

    /// The address, where the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Whether it is this machine by its name (RFC 6761 §6.3) or address.
    pub fn is_loopback(&self) -> bool {
        match self.address {
            Some(address) => address.is_loopback(),
            None => self.name().rsplit('.').next() == Some("localhost"),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        let address = address.to_canonical();
        Self { text: address.to_string(), address: Some(address) }
    }
}

impl FromStr for Host {
    type Err = NotAHost;

    /// Reads an address, with or without brackets, or a name in any script. Notations of addresses
    /// that only some resolvers know (`127.1`, `0x7f000001`, digits of other scripts) are
    /// addresses.
    fn from_str(text: &str) -> Result<Self, NotAHost> {
        if text.len() > LONGEST_TEXT {
            return Err(NotAHost);
        }
        let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        if let Ok(address) = inner.unwrap_or(text).parse::<IpAddr>() {
            return Ok(address.into());
        }
        let text = idna::domain_to_ascii(text).map_err(|_| NotAHost)?;
        let name = text.strip_suffix('.').unwrap_or(&text);
        if name.len() > LONGEST_NAME || !name.split('.').all(is_label) {
            return Err(NotAHost);
        }
        match url::Host::parse(name) {
            Ok(url::Host::Domain(_)) => Ok(Self { text, address: None }),
            Ok(url::Host::Ipv4(address)) => Ok(IpAddr::V4(address).into()),
            Ok(url::Host::Ipv6(_)) | Err(_) => Err(NotAHost),
        }
    }
}

/// Whether a text may stand between the dots of a name. Underscores are no part of host names, yet
/// container networks use them.
fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Host {}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Host {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_host_is_read_as_one() {
        for (text, name) in [
            ("mx.example", "mx.example"),
            ("MX.Example", "mx.example"),
            ("mx.example.", "mx.example"),
            ("localhost", "localhost"),
            ("mail_dev", "mail_dev"),
            ("a--b.example", "a--b.example"),
            ("163.com", "163.com"),
            ("1and1.example", "1and1.example"),
            ("0xabc.example", "0xabc.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("bu\u{308}cher.example", "xn--bcher-kva.example"),
            ("bücher。example", "xn--bcher-kva.example"),
            ("bücher.example。", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            ("faß.example", "xn--fa-hia.example"),
            ("почта.рф", "xn--80a1acny.xn--p1ai"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("ｍｘ.example", "mx.example"),
            ("ｌocal\u{ad}host", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("[127.0.0.1]", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0x7f.0x1", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("0177.0.0.1", "127.0.0.1"),
            ("１２７。0。0。１", "127.0.0.1"),
            ("１２７.１", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("::1", "::1"),
            ("[::1]", "::1"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("2001:DB8::0001", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:c000:201]", "192.0.2.1"),
            ("::192.0.2.1", "::c000:201"),
        ] {
            let host: Host = text.parse().expect(text);
            assert_eq!(host.name(), name, "{text}");
            assert_eq!(host.address(), name.parse().ok(), "{text}");
            assert_eq!(host.as_str().parse(), Ok(host), "{text}");
        }
    }

    #[test]
    fn what_names_no_host_is_refused() {
        let (label, name) = ("a".repeat(64), "a.".repeat(127) + "a");
        let long = "ä".repeat(1 << 20);
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "a.b..",
            "-a.example",
            "a-.example",
            "a b",
            " a",
            "a\n",
            "a\0b",
            "a,b",
            "a/b",
            "a:25",
            "user@a",
            "*.example",
            "%61.example",
            "<a>",
            "[::1",
            "::1]",
            "[]",
            "[::1]:25",
            "fe80::1%eth0",
            "256.1.1.1",
            "1.2.3.4.5",
            "08.0.0.1",
            "mx.0x",
            "xn--a.example",
            "\u{fffd}.example",
            "a\u{2f}b\u{2100}.example",
            &label,
            &name,
            &long,
        ] {
            assert_eq!(text.parse::<Host>(), Err(NotAHost), "{text:?}");
        }
    }

    #[test]
    fn the_root_dot_is_kept_for_the_resolver_and_makes_no_other_host() {
        let (rooted, bare): (Host, Host) =
            ("MX.example.".parse().expect("a name"), "mx.example".parse().expect("a name"));
        assert_eq!((rooted.as_str(), rooted.name()), ("mx.example.", "mx.example"));
        assert_eq!(rooted, bare);
        let hosts: std::collections::HashSet<_> = [rooted, bare].into();
        assert_eq!(hosts.len(), 1);
    }

    #[test]
    fn this_machine_is_known_by_name_and_address() {
        for (text, loopback) in [
            ("localhost", true),
            ("LocalHost.", true),
            ("mail.localhost", true),
            ("127.0.0.1", true),
            ("127.8.9.1", true),
            ("127.1", true),
            ("[::1]", true),
            ("::ffff:127.0.0.1", true),
            ("localhost.example", false),
            ("notlocalhost", false),
            ("10.0.0.1", false),
            ("mx.example", false),
        ] {
            assert_eq!(text.parse::<Host>().expect(text).is_loopback(), loopback, "{text}");
        }
    }
}
