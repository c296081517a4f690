//! The URL of a token endpoint, which is safe to send a client's secret to.

use std::fmt;

use serde::{Serialize, Serializer};
use url::Url;

use super::Endpoint;
use crate::host::Host;

/// The URL of a token endpoint (RFC 6749 §3.2): https, or http to this machine alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenEndpoint {
    written: String,
    url: Url,
    endpoint: Endpoint,
}

/// Why a text is no URL of a token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTokenEndpoint {
    /// It is a URL of http to another machine.
    InClear,
    /// It is no URL of http or https with a host.
    Unreadable,
}

impl fmt::Display for NoTokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InClear => "would send the client's secret in clear: expected an https URL",
            Self::Unreadable => "is no https URL of a token endpoint",
        })
    }
}

impl TokenEndpoint {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// Says whether the text is no such URL, or one by which secrets would go in clear.
    pub fn parse(text: &str) -> Result<Self, NoTokenEndpoint> {
        let url = Url::parse(text).map_err(|_| NoTokenEndpoint::Unreadable)?;
        let host = match url.host().ok_or(NoTokenEndpoint::Unreadable)? {
            url::Host::Domain(name) => name.parse().map_err(|_| NoTokenEndpoint::Unreadable)?,
            url::Host::Ipv4(address) => Host::from(std::net::IpAddr::from(address)),
            url::Host::Ipv6(address) => Host::from(std::net::IpAddr::from(address)),
        };
        match url.scheme() {
            "https" => {}
            "http" if host.is_loopback() => {}
            "http" => return Err(NoTokenEndpoint::InClear),
            _ => return Err(NoTokenEndpoint::Unreadable),
        }
        let port = url.port_or_known_default().ok_or(NoTokenEndpoint::Unreadable)?;
        Ok(Self { written: text.to_owned(), url, endpoint: Endpoint { host, port } })
    }

    /// The URL as the configuration writes it, which is what a signed assertion names.
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// Whether requests go in clear.
    pub fn is_clear(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// The URL, parsed.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// The server.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl Serialize for TokenEndpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_by_https_or_stay_on_this_machine() {
        for (text, host, port) in [
            ("https://token.example/token", "token.example", 443),
            ("https://Bücher.example:8443", "xn--bcher-kva.example", 8443),
            ("https://[2001:db8::1]/token", "2001:db8::1", 443),
            ("http://localhost:8080/token", "localhost", 8080),
            ("http://token.localhost/token", "token.localhost", 80),
            ("http://127.1/token", "127.0.0.1", 80),
            ("http://[::ffff:127.0.0.1]/", "127.0.0.1", 80),
        ] {
            let endpoint = TokenEndpoint::parse(text).expect(text);
            let Endpoint { host: found, port: at } = endpoint.endpoint();
            assert_eq!((found.as_str(), *at, endpoint.as_written()), (host, port, text));
        }
        for (text, fault) in [
            ("http://token.example/token", NoTokenEndpoint::InClear),
            ("http://localhost.example/token", NoTokenEndpoint::InClear),
            ("http://127.0.0.1@token.example/", NoTokenEndpoint::InClear),
            ("http://10.0.0.1/token", NoTokenEndpoint::InClear),
            ("ftp://localhost/token", NoTokenEndpoint::Unreadable),
            ("//localhost/token", NoTokenEndpoint::Unreadable),
            ("https://", NoTokenEndpoint::Unreadable),
            ("https://xn--a.example/", NoTokenEndpoint::Unreadable),
            ("token.example", NoTokenEndpoint::Unreadable),
        ] {
            assert_eq!(TokenEndpoint::parse(text), Err(fault), "{text}");
        }
    }
}
