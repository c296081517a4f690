//! Which addresses the host may connect to. The policy is asked about each *resolved* address, and
//! that address is the one dialled, so that a name cannot point elsewhere in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::host::Host;

/// Which hosts and ports may be connected to, for servers, proxies and token endpoints alike.
///
/// # Example
///
/// ```
/// use smtp_connector::EgressPolicy;
///
/// assert_eq!(EgressPolicy::default(), EgressPolicy::public());
/// let submission = EgressPolicy::public().with_ports([465, 587]);
/// let relay: EgressPolicy = "relay.internal,10.0.0.7".parse()?;
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressPolicy {
    hosts: Hosts,
    ports: Option<Vec<u16>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    Any,
    Only(Vec<Host>),
    Public,
}

impl Default for EgressPolicy {
    fn default() -> Self {
        Self::public()
    }
}

impl EgressPolicy {
    /// Allows any address.
    pub fn any() -> Self {
        Self { hosts: Hosts::Any, ports: None }
    }

    /// Allows any address but loopback, private, link-local, multicast, unspecified and other
    /// special ones.
    pub fn public() -> Self {
        Self { hosts: Hosts::Public, ports: None }
    }

    /// Allows exactly these names and addresses, wherever the names resolve. A text that names no
    /// host allows nothing; to be told of it, parse a list.
    pub fn only<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Self {
        let hosts = hosts.into_iter().filter_map(|host| host.parse().ok());
        Self { hosts: Hosts::Only(hosts.collect()), ports: None }
    }

    /// Allows these ports only.
    #[must_use]
    pub fn with_ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.ports = Some(ports.into_iter().collect());
        self
    }

    /// Whether `host`, which resolved to `address`, may be connected to: for connections of one's
    /// own, which are then to be made to that address.
    ///
    /// # Example
    ///
    /// ```
    /// use smtp_connector::EgressPolicy;
    ///
    /// let policy = EgressPolicy::public();
    /// let host = "hooks.example".parse()?;
    /// assert!(policy.check(&host, "93.184.216.34".parse()?, 443).is_ok());
    /// assert!(policy.check(&host, "169.254.169.254".parse()?, 443).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The error says why not.
    pub fn check(&self, host: &Host, address: IpAddr, port: u16) -> Result<(), String> {
        self.check_port(port)?;
        match &self.hosts {
            Hosts::Any => Ok(()),
            Hosts::Only(hosts) if hosts.contains(host) || hosts.contains(&address.into()) => Ok(()),
            Hosts::Only(_) => Err(unlisted(host)),
            Hosts::Public => match special(address) {
                None => Ok(()),
                Some(range) => {
                    Err(format!("`{address}` is {range}, which the egress policy refuses"))
                }
            },
        }
    }

    /// Whether `host`, which another machine is to resolve, may be connected to: judged by its
    /// name.
    pub(crate) fn check_unresolved(&self, host: &Host, port: u16) -> Result<(), String> {
        if let Some(address) = host.address() {
            return self.check(host, address, port);
        }
        self.check_port(port)?;
        match &self.hosts {
            Hosts::Only(hosts) if !hosts.contains(host) => Err(unlisted(host)),
            Hosts::Public if host.is_loopback() => {
                Err(format!("`{host}` names no public host, which the egress policy refuses"))
            }
            Hosts::Any | Hosts::Only(_) | Hosts::Public => Ok(()),
        }
    }

    fn check_port(&self, port: u16) -> Result<(), String> {
        if self.ports.as_ref().is_some_and(|ports| !ports.contains(&port)) {
            return Err(format!(
                "port {port} is not among the ports that the egress policy allows"
            ));
        }
        Ok(())
    }
}

fn unlisted(host: &Host) -> String {
    format!("`{host}` is not among the hosts that the egress policy allows")
}

impl FromStr for EgressPolicy {
    type Err = String;

    /// Reads `any`, `public`, or a list of hosts separated by commas.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "any" => Ok(Self::any()),
            "public" => Ok(Self::public()),
            list if list.split(',').any(|host| host.trim().is_empty()) => {
                Err("expected `any`, `public`, or hosts separated by commas".to_owned())
            }
            list => {
                let read = |host: &str| {
                    host.parse().map_err(|error| format!("`{host}` names no host: {error}"))
                };
                let hosts = list.split(',').map(str::trim).map(read).collect::<Result<_, _>>()?;
                Ok(Self { hosts: Hosts::Only(hosts), ports: None })
            }
        }
    }
}

/// The range that makes an address unfit for the public Internet (RFC 6890), if any.
fn special(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(v4) => special_v4(v4),
        IpAddr::V6(v6) => special_v6(v6),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Some("unspecified"),
        (127, ..) => Some("a loopback address"),
        (10, ..) | (192, 168, _) | (172, 16..=31, _) => Some("a private address"),
        (100, 64..=127, _) => Some("a shared address (RFC 6598)"),
        (169, 254, _) => Some("a link-local address"),
        (192, 0, 0) | (192, 0, 2) | (198, 51, 100) | (203, 0, 113) | (198, 18..=19, _) => {
            Some("a special-purpose address (RFC 6890)")
        }
        (224..=239, ..) => Some("a multicast address"),
        (240.., ..) => Some("a reserved or broadcast address"),
        _ => None,
    }
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    // Addresses that carry an IPv4 address lead where that leads.
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        special_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("a loopback address"),
        [0, 0, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        [0x2001, 0xdb8, ..] | [0x100, 0, 0, 0, ..] | [0x2001, 0..=0x1ff, ..] => {
            Some("a special-purpose address (RFC 6890)")
        }
        [0xfc00..=0xfdff, ..] => Some("a private address"),
        [0xfe80..=0xfebf, ..] => Some("a link-local address"),
        [0xfec0..=0xfeff, ..] => Some("a site-local address"),
        [0xff00..=0xffff, ..] => Some("a multicast address"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        text.parse().expect("a host")
    }

    #[test]
    fn public_refuses_special_addresses_in_every_notation() {
        let refused = [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::7f00:1",
        ];
        for address in refused {
            let address: IpAddr = address.parse().expect("an address");
            assert!(
                EgressPolicy::public().check(&host("mx.example"), address, 25).is_err(),
                "{address}"
            );
        }
        for address in
            ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "172.32.0.1", "100.128.0.1"]
        {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(
                EgressPolicy::public().check(&host("mx.example"), address, 25),
                Ok(()),
                "{address}"
            );
        }
    }

    #[test]
    fn what_a_proxy_resolves_is_judged_as_written() {
        let listed: EgressPolicy = "relay.internal,10.0.0.7".parse().expect("a list");
        let cases = [
            (EgressPolicy::public(), "mx.example", true),
            (EgressPolicy::public(), "93.184.216.34", true),
            (EgressPolicy::public(), "127.0.0.1", false),
            (EgressPolicy::public(), "::1", false),
            (EgressPolicy::public(), "LOCALHOST.", false),
            (EgressPolicy::public(), "mx.localhost", false),
            (EgressPolicy::public(), "127.1", false),
            (EgressPolicy::public(), "2130706433", false),
            (EgressPolicy::public(), "0x7f.0x1", false),
            (EgressPolicy::public(), "127.0.0.1.", false),
            (EgressPolicy::public(), "ｌocal\u{ad}host", false),
            (EgressPolicy::public(), "１２７。0。0。１", false),
            (EgressPolicy::public(), "bücher.example", true),
            (EgressPolicy::public().with_ports([465]), "mx.example", false),
            (EgressPolicy::any(), "localhost", true),
            (listed.clone(), "Relay.Internal", true),
            (listed.clone(), "10.0.0.7", true),
            (listed.clone(), "ｒelay.internal", true),
            (listed, "mx.example", false),
        ];
        for (policy, text, allowed) in cases {
            let checked = policy.check_unresolved(&host(text), 25);
            assert_eq!(checked.is_ok(), allowed, "{policy:?} {text}");
        }
    }

    #[test]
    fn a_list_allows_exactly_its_names_and_addresses() {
        let policy: EgressPolicy = "Relay.Internal, [::1],10.0.0.7".parse().expect("a list");
        let check = |name: &str, address: &str| {
            policy.check(&host(name), address.parse().expect("an address"), 25)
        };
        assert!(check("relay.internal.", "10.9.9.9").is_ok());
        assert!(check("other.internal", "10.0.0.7").is_ok());
        assert!(check("localhost", "::1").is_ok());
        assert!(check("localhost", "127.0.0.1").is_err());
        assert!(check("evil.relay.internal", "10.9.9.9").is_err());
        for list in ["a,,b", "*.internal", "relay.internal:25", "10.0.0.0/8"] {
            assert!(list.parse::<EgressPolicy>().is_err(), "{list}");
        }
    }
}
