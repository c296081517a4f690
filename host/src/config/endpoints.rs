//! Where a configuration points: the server, the proxy, the token endpoint and the way out of this
//! machine.

use std::net::IpAddr;

use serde_json::Value;

use super::departure::departs;
use super::scalars::Scalars;
use super::service::Service;
use super::url::Url;
use crate::diagnostic::Diagnostic;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::plan::{
    Authentication, Endpoint, NoTokenEndpoint, ProxyProtocol, TokenEndpoint, TransportPlan,
};

/// The token endpoint where the configuration names none.
const DEFAULT_TOKEN_ENDPOINT: &str = "https://accounts.google.com/o/oauth2/token";

/// What the default endpoint is asked with: without any of these there is nothing to ask it.
const DEFAULT_GRANTS: [&str; 3] = ["/auth/refreshToken", "/auth/serviceClient", "/auth/privateKey"];

/// Where a service without a host runs: beside the application.
const THIS_MACHINE: &str = "localhost";

/// IANA's port for SOCKS.
const SOCKS_PORT: u16 = 1080;

/// The endpoints that a configuration names.
#[derive(Debug, PartialEq)]
pub(super) struct Endpoints {
    server: Option<Endpoint>,
    proxy: Option<Proxy>,
    token_endpoint: Option<TokenEndpoint>,
    local_address: Option<IpAddr>,
}

/// A proxy, without its password.
#[derive(Debug, PartialEq)]
struct Proxy {
    protocol: ProxyProtocol,
    endpoint: Endpoint,
    user: Option<String>,
}

impl Endpoints {
    /// Reads the endpoints; reports those that cannot be reached.
    pub(super) fn read(
        scalars: &Scalars,
        service: Option<Service>,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let local_address = scalars.text("/localAddress");
        Self {
            server: server(scalars, service, findings),
            proxy: proxy(scalars, findings),
            token_endpoint: token_endpoint(scalars, findings),
            local_address: local_address.and_then(|address| address.parse().ok()),
        }
    }

    /// Refuses a plan that leads anywhere but where the configuration points.
    pub(super) fn check(&self, plan: &TransportPlan) -> Result<()> {
        if self.server.as_ref() != Some(&plan.endpoint) {
            return Err(astray("server", plan.endpoint.host.as_str()));
        }
        if let Some(planned) = &plan.proxy {
            // A login for a proxy inside TLS must not go to one in clear.
            let leads_there = self.proxy.as_ref().is_some_and(|proxy| {
                proxy.protocol == planned.protocol && proxy.endpoint == planned.endpoint
            });
            if !leads_there {
                return Err(astray("proxy", planned.endpoint.host.as_str()));
            }
        }
        if let Authentication::OAuth2(login) = &plan.authentication
            && let Some(request) = &login.renewal
            && self.token_endpoint.as_ref() != Some(&request.endpoint)
        {
            return Err(astray("token endpoint", "another URL"));
        }
        Ok(())
    }

    /// Refuses a plan that goes another way there.
    pub(super) fn check_way(&self, plan: &TransportPlan) -> Result<()> {
        match (&self.proxy, &plan.proxy) {
            (Some(_), None) => return Err(departs("proxy", "goes without it")),
            (Some(proxy), Some(planned)) if proxy.user != planned.user => {
                return Err(departs("proxy.user", "logs in as another user"));
            }
            _ => {}
        }
        match self.local_address == plan.local_address {
            true => Ok(()),
            false => Err(departs("local-address", "goes out from another address")),
        }
    }
}

fn astray(what: &str, target: &str) -> Error {
    let message = format!(
        "the component's plan leads to a {what} that the configuration does not name: {target}"
    );
    Error::new(ErrorKind::Component, message)
}

fn server(
    scalars: &Scalars,
    service: Option<Service>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Endpoint> {
    let service = service?;
    let beside_service = scalars.text("/service").map(|_| THIS_MACHINE);
    let host = service.host.or_else(|| scalars.text("/host")).or(beside_service)?;
    let host = host_of(host, "/host", scalars, findings)?;
    let port = port(scalars, service);
    let default = if is_implicit(scalars, service) { 465 } else { 587 };
    Some(Endpoint { host, port: port.unwrap_or(default) })
}

/// Whether TLS begins with the first byte.
pub(super) fn is_implicit(scalars: &Scalars, service: Service) -> bool {
    let secure = service.secure.or_else(|| scalars.boolean("/secure"));
    secure.unwrap_or_else(|| port(scalars, service) == Some(465))
}

fn port(scalars: &Scalars, service: Service) -> Option<u16> {
    service.port.or_else(|| scalars.value("/port").and_then(port_number))
}

fn port_number(value: &Value) -> Option<u16> {
    let is_whole = |port: &f64| port.fract() == 0.0 && *port <= f64::from(u16::MAX);
    match value {
        Value::Number(number) => number.as_f64().filter(is_whole).map(|port| port as u16),
        Value::String(string) => string.trim().parse().ok(),
        _ => None,
    }
    .filter(|port| *port != 0)
}

/// A host that the configuration names.
pub(super) fn host_of(
    text: &str,
    pointer: &str,
    scalars: &Scalars,
    findings: &mut Vec<Diagnostic>,
) -> Option<Host> {
    let host = text.parse();
    if host.is_err() {
        let place = scalars.place(pointer);
        findings.push(
            Diagnostic::error(place, "invalid-host", "is no host name")
                .with_help("write a domain name as it stands in the DNS, or an IP address"),
        );
    }
    host.ok()
}

fn proxy(scalars: &Scalars, findings: &mut Vec<Diagnostic>) -> Option<Proxy> {
    let text = scalars.text("/proxy")?;
    let proxy = read_proxy(text);
    if proxy.is_none() {
        let place = scalars.place("/proxy");
        findings.push(
            Diagnostic::error(place, "invalid-url", "is no URL of a proxy")
                .with_help("write `http://HOST:PORT`, with a host as it stands in the DNS"),
        );
    }
    proxy
}

fn read_proxy(text: &str) -> Option<Proxy> {
    let url = Url::parse(text)?;
    let (protocol, port) = match url.scheme.as_str() {
        "http" => (ProxyProtocol::Http, 80),
        "https" => (ProxyProtocol::Https, 443),
        "socks" | "socks5" => (ProxyProtocol::Socks5, SOCKS_PORT),
        "socks4" => (ProxyProtocol::Socks4, SOCKS_PORT),
        "socks4a" => (ProxyProtocol::Socks4a, SOCKS_PORT),
        _ => return None,
    };
    let endpoint = Endpoint { host: url.host.parse().ok()?, port: url.port.unwrap_or(port) };
    Some(Proxy { protocol, endpoint, user: url.user })
}

fn token_endpoint(scalars: &Scalars, findings: &mut Vec<Diagnostic>) -> Option<TokenEndpoint> {
    const PLACE: &str = "/auth/accessUrl";
    let Some(text) = scalars.text(PLACE) else {
        let asks = DEFAULT_GRANTS.iter().any(|pointer| scalars.says(pointer));
        return TokenEndpoint::parse(DEFAULT_TOKEN_ENDPOINT).ok().filter(|_| asks);
    };
    let read = TokenEndpoint::parse(text);
    if let Err(fault) = read {
        let code = match fault {
            NoTokenEndpoint::InClear => "insecure-url",
            NoTokenEndpoint::Unreadable => "invalid-url",
        };
        let help = "write the https URL of the token endpoint, or http to this machine alone";
        findings.push(Diagnostic::error(PLACE, code, fault.to_string()).with_help(help));
    }
    read.ok()
}

#[cfg(test)]
mod tests {
    use crate::config::{Declared, SecretPaths};

    fn read(text: &str) -> Declared {
        SecretPaths::new([]).mask(text).expect("the text is JSON").declared
    }

    #[test]
    fn the_server_is_read_as_nodemailer_reads_it() {
        let cases = [
            (r#"{"host":"mx.test","port":"2525"}"#, Some(("mx.test", 2525))),
            (r#"{"host":"mx.test","port":25}"#, Some(("mx.test", 25))),
            (r#"{"host":"mx.test","secure":true}"#, Some(("mx.test", 465))),
            (r#"{"host":"mx.test","port":null}"#, Some(("mx.test", 587))),
            (r#"{"host":"x","host":"mx.test"}"#, Some(("mx.test", 587))),
            (r#"{"host":"x","service":"Gmail","port":25}"#, Some(("smtp.gmail.com", 465))),
            (r#"{"service":"someone@googlemail.com"}"#, Some(("smtp.gmail.com", 465))),
            (r#"{"url":"smtps://u:p@mx.test","host":"x"}"#, Some(("mx.test", 465))),
            (r#"{"url":"smtp:mx.test:25"}"#, Some(("mx.test", 25))),
            (r#"{"url":"smtp:mx.test?port=2525"}"#, Some(("mx.test", 2525))),
            (r#"{"url":"smtp:mx.test:25?service=gmail"}"#, Some(("smtp.gmail.com", 465))),
            (r#"{"url":"smtp:mx.test:25?service=gmail#x"}"#, Some(("smtp.gmail.com", 465))),
            (r#"{"url":"smtp:?host=mx.test"}"#, Some(("mx.test", 587))),
            (r#"{"url":"smtp://mx.test?service="}"#, Some(("mx.test", 587))),
            (r#"{"url":"smtp://mx.test?tls.servername=a@b"}"#, Some(("mx.test", 587))),
            (r#"{"url":"smtp://mx.test:25?from=a@b"}"#, Some(("mx.test", 25))),
            (r#"{"url":"smtp://u:p?w@mx.test"}"#, Some(("mx.test", 587))),
            (r#"{"url":"smtps://x:2525?service=hot.ee","port":25}"#, Some(("mail.hot.ee", 2525))),
            (r#"{"url":"smtp:?service=hot.ee","port":25}"#, Some(("mail.hot.ee", 587))),
            (r#"{"url":"smtp://maildev?service=Maildev","host":"x"}"#, Some(("maildev", 1025))),
            (r#"{"service":"Maildev","host":""}"#, Some(("localhost", 1025))),
            (r#"{"service":"hot.ee","secure":true}"#, Some(("mail.hot.ee", 465))),
            (r#"{"host":"BÜCHER.example."}"#, Some(("xn--bcher-kva.example", 587))),
            (r#"{"host":"[::1]","port":465}"#, Some(("::1", 465))),
            (r#"{"service":"nobody","host":"mx.test"}"#, None),
            (r#"{"port":25}"#, None),
        ];
        for (text, expected) in cases {
            let declared = read(text);
            let server = declared.endpoints.server.as_ref();
            let server = server.map(|server| (server.host.name(), server.port));
            assert_eq!(server, expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_reached_is_told_where_it_stands() {
        for (text, path, code) in [
            (r#"{"host":"xn--a.example"}"#, "/host", "invalid-host"),
            (r#"{"url":"smtp://xn--a.example"}"#, "/url", "invalid-host"),
            (r#"{"host":"h","proxy":"http://xn--a.example"}"#, "/proxy", "invalid-url"),
            (
                r#"{"host":"h","auth":{"accessUrl":"http://a.example"}}"#,
                "/auth/accessUrl",
                "insecure-url",
            ),
            (r#"{"host":"h","auth":{"accessUrl":"https://"}}"#, "/auth/accessUrl", "invalid-url"),
        ] {
            let found = read(text).findings(&[]);
            let found: Vec<_> = found
                .iter()
                .map(|finding| (finding.path.as_str(), finding.code.as_str()))
                .collect();
            assert_eq!(found, [(path, code)], "{text}");
        }
    }
}
