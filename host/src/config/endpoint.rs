//! Where a configuration points, read by the host itself: a plan that points elsewhere is refused,
//! and so is one that hands a secret to somebody whom it is not for. These keys are part of the
//! contract: `host`, `port`, `secure`, `service`, `url`, `proxy` and `auth`.

use serde_json::Value;

use super::locate;
use super::url::Url;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{
    AccessToken, Authentication, Endpoint, Grant, ParameterValue, ProxyProtocol, SecretRef,
};
use crate::plan::{TokenRequest, TransportPlan};

/// The well-known services, one on each line; the component reads the same file.
const SERVICES: &str = include_str!("../../wit/services.tsv");

/// The token endpoint where the configuration names none.
const DEFAULT_TOKEN_ENDPOINT: &str = "https://accounts.google.com/o/oauth2/token";

/// What the default endpoint is asked with: without any of these there is nothing to ask it.
const DEFAULT_GRANTS: [&str; 3] = ["/auth/refreshToken", "/auth/serviceClient", "/auth/privateKey"];

/// The place of the proxy's password.
const PROXY: &str = "/proxy";

/// The place of the password of the mail server.
const PASSWORD: &str = "/auth/pass";

/// The places of secrets that are the token endpoint's, and of what is below them.
const ENDPOINTS_OWN: [&str; 5] = [
    "/auth/clientSecret",
    "/auth/customHeaders",
    "/auth/customParams",
    "/auth/privateKey",
    "/auth/refreshToken",
];

/// A server as the configuration writes it.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
}

/// The endpoints that a configuration names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    server: Option<Place>,
    proxy: Option<String>,
    token_endpoint: Option<String>,
}

impl Declared {
    /// Reads the endpoints from the text of a configuration.
    pub(crate) fn read(text: &str) -> Self {
        let string = |pointer: &str| match parsed(text, pointer) {
            Some(Value::String(string)) if !string.is_empty() => Some(string),
            _ => None,
        };
        let asks = || DEFAULT_GRANTS.iter().any(|pointer| is_given(parsed(text, pointer).as_ref()));
        let token_endpoint =
            string("/auth/accessUrl").or_else(|| asks().then(|| DEFAULT_TOKEN_ENDPOINT.to_owned()));
        if let Some(url) = string("/url") {
            // Its query takes the place of the keys beside it.
            let proxy = Url::read(&url).and_then(|url| url.query_value("proxy"));
            return Self { server: from_url(&url), proxy, token_endpoint };
        }
        let host = string("/host");
        let server = match string("/service") {
            Some(service) => {
                from_service(&service, with_port(host.unwrap_or_else(this_machine), text))
            }
            None => host.map(|host| with_port(host, text)),
        };
        Self { server, proxy: string(PROXY), token_endpoint }
    }

    /// Refuses a plan that leads anywhere but where the configuration points.
    pub(crate) fn check(&self, plan: &TransportPlan) -> Result<()> {
        if !self.server.as_ref().is_some_and(|server| same(server, &plan.endpoint)) {
            return Err(astray("server", plan.endpoint.host.as_str()));
        }
        if let Some(proxy) = &plan.proxy {
            let declared = self.proxy.as_deref().and_then(Url::read);
            let leads_there = declared.is_some_and(|url| {
                let port = url.port.unwrap_or_else(|| default_proxy_port(url.scheme));
                // A login for a proxy inside TLS must not go to one in clear.
                let same_protocol = proxy_protocol(url.scheme) == Some(proxy.protocol);
                same_protocol && same(&Place { host: url.host.to_owned(), port }, &proxy.endpoint)
            });
            if !leads_there {
                return Err(astray("proxy", proxy.endpoint.host.as_str()));
            }
        }
        if let Authentication::OAuth2(login) = &plan.authentication
            && let Some(request) = &login.renewal
            && self.token_endpoint.as_deref() != Some(request.endpoint.as_written())
        {
            return Err(astray("token endpoint", "another URL"));
        }
        check_secrets(plan)
    }
}

/// Refuses a plan that gives somebody a secret that is another's.
fn check_secrets(plan: &TransportPlan) -> Result<()> {
    let for_proxy = |place: &SecretRef| place.0 == PROXY;
    let for_server =
        |place: &SecretRef| place.0 != PROXY && !ENDPOINTS_OWN.iter().any(|own| is_at(place, own));
    let for_endpoint = |place: &SecretRef| is_at(place, "/auth") && !is_at(place, PASSWORD);
    let check = |place: &SecretRef, allowed: bool, whom: &str| match allowed {
        true => Ok(()),
        false => {
            let place = &place.0;
            let message =
                format!("the component's plan gives the secret at `{place}` to the {whom}");
            Err(Error::new(ErrorKind::Component, message))
        }
    };
    if let Some(place) = plan.proxy.as_ref().and_then(|proxy| proxy.password.as_ref()) {
        check(place, for_proxy(place), "proxy")?;
    }
    match &plan.authentication {
        Authentication::None => {}
        Authentication::Password(login) => {
            check(&login.password, for_server(&login.password), "mail server")?;
        }
        Authentication::OAuth2(login) => {
            if let Some(AccessToken { token, .. }) = &login.access_token {
                check(token, for_server(token), "mail server")?;
            }
            for place in login.renewal.iter().flat_map(secrets_of) {
                check(place, for_endpoint(place), "token endpoint")?;
            }
        }
    }
    Ok(())
}

/// The secrets that a request for a token carries.
fn secrets_of(request: &TokenRequest) -> Vec<&SecretRef> {
    let mut places = match &request.grant {
        Grant::ClientCredentials { client_secret, .. } => vec![client_secret],
        Grant::RefreshToken { client_secret, refresh_token, .. } => {
            client_secret.iter().chain([refresh_token]).collect()
        }
        // The key signs, and is not sent.
        Grant::Jwt { .. } => Vec::new(),
    };
    let fields = request.parameters.iter().chain(&request.headers);
    places.extend(fields.filter_map(|(_, value)| match value {
        ParameterValue::Secret(place) => Some(place),
        ParameterValue::Text(_) => None,
    }));
    places
}

/// Whether a secret stands at a pointer or below it.
fn is_at(place: &SecretRef, pointer: &str) -> bool {
    place.0.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_given(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null)) && value.and_then(Value::as_str) != Some("")
}

fn proxy_protocol(scheme: &str) -> Option<ProxyProtocol> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Some(ProxyProtocol::Http),
        "https" => Some(ProxyProtocol::Https),
        "socks" | "socks5" => Some(ProxyProtocol::Socks5),
        "socks4" => Some(ProxyProtocol::Socks4),
        "socks4a" => Some(ProxyProtocol::Socks4a),
        _ => None,
    }
}

fn astray(what: &str, target: &str) -> Error {
    let message = format!(
        "the component's plan leads to a {what} that the configuration does not name: {target}"
    );
    Error::new(ErrorKind::Component, message)
}

fn same(declared: &Place, planned: &Endpoint) -> bool {
    declared.port == planned.port && declared.host.parse() == Ok(planned.host.clone())
}

fn parsed(text: &str, pointer: &str) -> Option<Value> {
    serde_json::from_str(locate::value(text, pointer)?).ok()
}

fn is_true(value: Option<&Value>) -> bool {
    matches!(value, Some(Value::Bool(true)))
}

fn port_number(value: &Value) -> Option<u16> {
    match value {
        Value::Number(number) => {
            number.as_f64().filter(|port| port.fract() == 0.0).map(|port| port as u16)
        }
        Value::String(string) => string.trim().parse().ok(),
        _ => None,
    }
    .filter(|port| *port != 0)
}

fn default_port(secure: bool) -> u16 {
    if secure { 465 } else { 587 }
}

fn default_proxy_port(scheme: &str) -> u16 {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => 80,
        "https" => 443,
        _ => 1080,
    }
}

fn with_port(host: String, text: &str) -> Place {
    let port = parsed(text, "/port").as_ref().and_then(port_number);
    let secure = is_true(parsed(text, "/secure").as_ref());
    Place { host, port: port.unwrap_or_else(|| default_port(secure)) }
}

/// What a URL leaves open its query may say; a service in it goes before both.
fn from_url(url: &str) -> Option<Place> {
    let url = Url::read(url)?;
    let query = |key: &str| url.query_value(key).filter(|value| !value.is_empty());
    let host = Some(url.host.to_owned()).filter(|host| !host.is_empty()).or_else(|| query("host"));
    let port = url.port.or_else(|| query("port")?.parse().ok());
    let port = port.unwrap_or_else(|| default_port(url.scheme.eq_ignore_ascii_case("smtps")));
    match query("service") {
        Some(service) => {
            from_service(&service, Place { host: host.unwrap_or_else(this_machine), port })
        }
        None => Some(Place { host: host?, port }),
    }
}

/// Looks a service up by name, alias, domain, or an address at the domain. What it leaves open is
/// as declared beside it.
fn from_service(service: &str, declared: Place) -> Option<Place> {
    let wanted = normal_service(service);
    let mut rows =
        SERVICES.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t'));
    let row: Vec<_> = rows.find_map(|columns| {
        let row: Vec<_> = columns.collect();
        let mut names = [0, 4, 5]
            .iter()
            .filter_map(|&column| row.get(column))
            .flat_map(|names| names.split(','));
        let found = names.any(|name| normal_service(name) == wanted);
        found.then_some(row)
    })?;
    let column = |index: usize| row.get(index).copied().filter(|column| *column != "-");
    let host = column(1).map_or(declared.host, str::to_owned);
    let port = column(2).map_or(Some(declared.port), |port| port.parse().ok())?;
    Some(Place { host, port })
}

/// Where a service without a host runs: beside the application.
fn this_machine() -> String {
    "localhost".to_owned()
}

fn normal_service(name: &str) -> String {
    let name = name.rsplit('@').next().unwrap_or_default();
    name.chars()
        .filter(|c| c.is_ascii_alphanumeric() || ".-".contains(*c))
        .collect::<String>()
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoint_is_read_as_nodemailer_reads_it() {
        let cases = [
            (r#"{"host":"mx.test","port":"2525"}"#, Some(("mx.test", 2525))),
            (r#"{"host":"mx.test","port":25}"#, Some(("mx.test", 25))),
            (r#"{"host":"mx.test","secure":true}"#, Some(("mx.test", 465))),
            (r#"{"host":"mx.test","port":null}"#, Some(("mx.test", 587))),
            (r#"{"host":"x","service":"Gmail","port":25}"#, Some(("smtp.gmail.com", 465))),
            (r#"{"service":"someone@googlemail.com"}"#, Some(("smtp.gmail.com", 465))),
            (r#"{"url":"smtps://u:p@mx.test","host":"x"}"#, Some(("mx.test", 465))),
            (r#"{"url":"smtp:mx.test:25"}"#, Some(("mx.test", 25))),
            (r#"{"url":"smtp:mx.test?port=2525"}"#, Some(("mx.test", 2525))),
            (r#"{"url":"smtp:mx.test:25?service=gmail"}"#, Some(("smtp.gmail.com", 465))),
            (r#"{"url":"smtp:mx.test:25?service=gmail#x"}"#, Some(("smtp.gmail.com", 465))),
            (r#"{"url":"smtp:?host=mx.test"}"#, Some(("mx.test", 587))),
            (r#"{"url":"smtp://mx.test?service="}"#, Some(("mx.test", 587))),
            (r#"{"url":"smtps://x:2525?service=hot.ee","port":25}"#, Some(("mail.hot.ee", 2525))),
            (r#"{"url":"smtp:?service=hot.ee","port":25}"#, Some(("mail.hot.ee", 587))),
            (r#"{"url":"smtp://maildev?service=Maildev","host":"x"}"#, Some(("maildev", 1025))),
            (r#"{"service":"Maildev","host":""}"#, Some(("localhost", 1025))),
            (r#"{"service":"hot.ee","secure":true}"#, Some(("mail.hot.ee", 465))),
            (r#"{"port":25}"#, None),
        ];
        for (text, expected) in cases {
            let server = Declared::read(text).server.map(|server| (server.host, server.port));
            assert_eq!(server, expected.map(|(host, port)| (host.to_owned(), port)), "{text}");
        }
    }
}
