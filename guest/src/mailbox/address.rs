//! Addresses (RFC 5321 §4.1.2, RFC 6531): split at the last `@`, a local part that is quoted where
//! it must be, and a plausible domain. Domains keep their spelling; the host makes A-labels of
//! them.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Problem;

/// The longest local part in octets (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// The longest domain in octets (RFC 5321 §4.5.3.1.2).
const MAX_DOMAIN: usize = 255;

/// The longest label in octets (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// Checks an address and quotes its local part where it needs that.
pub fn normalize(text: &str) -> Result<String, Problem> {
    if text.contains(char::is_control) {
        return Err("an address holds a control character or a line break".to_owned());
    }
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Err("an address without `@`, write `name@example.com`".to_owned());
    };
    if text.contains(['<', '>']) {
        return Err("an address holds an angle bracket".to_owned());
    }
    // More likely a slip than a name: whoever means it quotes it.
    if local.contains('@') && !is_quoted(local) {
        return Err("an address holds more than one `@`".to_owned());
    }
    check_domain(domain)?;
    let local = local_part(local);
    if local.len() > MAX_LOCAL_PART {
        return Err(format!("the part before `@` is longer than {MAX_LOCAL_PART} octets"));
    }
    Ok(format!("{local}@{domain}"))
}

fn local_part(local: &str) -> String {
    if is_dot_atom(local) || is_quoted(local) {
        return local.to_owned();
    }
    format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\""))
}

fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(c)
        || !c.is_ascii() && !c.is_whitespace()
}

fn is_quoted(local: &str) -> bool {
    let Some(inner) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return false;
    };
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        if c == '"' || c == '\\' && rest.next().is_none() {
            return false;
        }
    }
    true
}

fn check_domain(domain: &str) -> Result<(), Problem> {
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let plausible = match literal.strip_prefix("IPv6:") {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => literal.parse::<Ipv4Addr>().is_ok(),
        };
        return if plausible {
            Ok(())
        } else {
            Err("the address literal is no IP address".to_owned())
        };
    }
    if domain.is_empty() {
        return Err("nothing follows the `@`".to_owned());
    }
    let plausible = domain.len() <= MAX_DOMAIN && domain.split('.').all(is_label);
    if plausible { Ok(()) } else { Err("what follows the `@` is no domain".to_owned()) }
}

fn is_label(label: &str) -> bool {
    let allowed = |c: char| {
        c.is_ascii_alphanumeric()
            || "-_".contains(c)
            || !c.is_ascii() && c.is_alphanumeric()
            || is_mark(c)
    };
    !label.is_empty()
        && label.len() <= MAX_LABEL * 4
        && (!label.is_ascii() || label.len() <= MAX_LABEL)
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(allowed)
}

/// Marks and joiners that scripts such as Devanagari need inside labels.
// The standard library does not tell marks from symbols; IDNA, in the host, has the last word.
fn is_mark(c: char) -> bool {
    c > '\u{2ff}'
        && c != char::REPLACEMENT_CHARACTER
        && !c.is_alphanumeric()
        && !c.is_whitespace()
        && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_parts_are_quoted_where_they_must_be() {
        for (text, address) in [
            ("joe@example.com", "joe@example.com"),
            ("joe.doe+tag@example.com", "joe.doe+tag@example.com"),
            ("jõgeva@müller.example", "jõgeva@müller.example"),
            ("\"user@evil.com\"@good.com", "\"user@evil.com\"@good.com"),
            ("us..er@example.com", "\"us..er\"@example.com"),
            (".user@example.com", "\".user\"@example.com"),
            ("user.@example.com", "\"user.\"@example.com"),
            ("\"half@example.com", "\"\\\"half\"@example.com"),
            ("@example.com", "\"\"@example.com"),
            ("root@localhost", "root@localhost"),
            ("a@my_host.example", "a@my_host.example"),
            ("a@[192.0.2.1]", "a@[192.0.2.1]"),
            ("a@[IPv6:2001:db8::1]", "a@[IPv6:2001:db8::1]"),
        ] {
            assert_eq!(normalize(text).as_deref(), Ok(address), "{text}");
            assert_eq!(normalize(address).as_deref(), Ok(address), "{address} is not stable");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "root",
            "user@evil.com@good.com",
            "a@@b",
            "a@",
            "a@b c",
            "a@b..c",
            "a@.b",
            "a@-b",
            "a@b,c",
            "a\r\n@b",
            "a\0@b",
            "<a@b",
            "a@b>",
            "a@[300.1.1.1]",
            "a@[IPv6:x]",
            "a@b/c",
            "a@b\u{a0}c",
            &long,
        ] {
            assert!(normalize(text).is_err(), "{text:?}");
        }
    }
}
