//! The keys `name` and `localAddress`: who this side of the connection is.

use std::net::{IpAddr, Ipv6Addr};

use crate::config::{Object, host_name};
use crate::findings::Findings;

/// RFC 5321 §4.5.3.1.2, in octets.
const LONGEST_NAME: usize = 255;

/// Reads `name`, which EHLO says. A bare IP address becomes an address literal (RFC 5321 §4.1.3).
pub(super) fn ehlo_name(root: &mut Object<'_>, findings: &mut Findings) -> Option<String> {
    let name = root.line("name", findings)?;
    match name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => return Some(format!("[{address}]")),
        Ok(IpAddr::V6(address)) => return Some(format!("[IPv6:{address}]")),
        Err(_) => {}
    }
    // The host says a name beyond ASCII as it stands in the DNS.
    let is_name = match name.is_ascii() {
        true => name.len() <= LONGEST_NAME && is_ehlo_name(name),
        false => host_name::parse(name).is_ok(),
    };
    if is_name {
        return Some(name.to_owned());
    }
    findings
        .error(root.pointer_to("name"), "invalid-value", "is no name for EHLO")
        .help("write the full domain name of this machine, or its IP address in brackets");
    None
}

fn is_ehlo_name(name: &str) -> bool {
    let literal = name.strip_prefix("[IPv6:").and_then(|rest| rest.strip_suffix(']'));
    literal.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
        || name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Reads `localAddress`, from which connections go out.
pub(super) fn local_address(root: &mut Object<'_>, findings: &mut Findings) -> Option<String> {
    let text = root.text("localAddress", findings)?;
    let address = text.parse::<IpAddr>();
    if address.is_err() {
        findings
            .error(root.pointer_to("localAddress"), "invalid-address", "is no IP address")
            .help(
                "write an address of this machine, such as `192.0.2.10`, without brackets or port",
            );
    }
    address.ok().map(|address| address.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{codes, plan, with};
    use serde_json::json;

    #[test]
    fn names_are_said_as_they_stand_and_addresses_in_brackets() {
        for (name, said) in [
            ("mail.example.com", "mail.example.com"),
            ("container_1", "container_1"),
            ("192.0.2.1", "[192.0.2.1]"),
            ("[192.0.2.1]", "[192.0.2.1]"),
            ("2001:db8::1", "[IPv6:2001:db8::1]"),
            ("[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
            ("bücher.example", "bücher.example"),
        ] {
            assert_eq!(plan(with(json!({ "name": name }))).ehlo_name.as_deref(), Some(said));
        }
        assert_eq!(plan(with(json!({"name": ""}))).ehlo_name, None);
    }

    #[test]
    fn names_that_break_the_greeting_are_errors() {
        for (name, code) in [
            ("a\r\nMAIL FROM:<x>", "control-character"),
            ("bücher example", "invalid-value"),
            ("bücher.example:25", "invalid-value"),
            ("my host", "invalid-value"),
            ("<host>", "invalid-value"),
        ] {
            assert_eq!(codes(&with(json!({ "name": name }))), [("/name", code)], "{name:?}");
        }
        assert_eq!(codes(&with(json!({"name": 5}))), [("/name", "wrong-type")]);
        assert_eq!(codes(&with(json!({"name": "a".repeat(256)}))), [("/name", "invalid-value")]);
    }

    #[test]
    fn connections_go_out_from_an_address() {
        for address in ["192.0.2.10", "2001:db8::1"] {
            let document = with(json!({ "localAddress": address }));
            assert_eq!(plan(document).local_address.as_deref(), Some(address));
        }
        for address in ["eth0", "192.0.2.10:25", "[::1]"] {
            assert_eq!(
                codes(&with(json!({ "localAddress": address }))),
                [("/localAddress", "invalid-address")]
            );
        }
        assert_eq!(codes(&with(json!({"localAddress": false}))), [("/localAddress", "wrong-type")]);
    }
}
