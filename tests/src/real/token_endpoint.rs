//! Python's Authlib: an OAuth 2.0 token endpoint over HTTPS for three grants.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::service::Service;
use super::{Site, USER, free_port, python, run};

/// A running token endpoint.
#[derive(Debug)]
pub struct TokenEndpoint {
    service: Service,
    port: u16,
    private_key: String,
}

impl TokenEndpoint {
    /// The client that it knows, for refresh tokens and client credentials.
    pub const CLIENT_ID: &str = "mailer-7";
    /// The client's secret, which would break a careless form.
    pub const CLIENT_SECRET: &str = "s&cr=t +%ß";
    /// The client's refresh token.
    pub const REFRESH_TOKEN: &str = "1//refresh+me=";
    /// The service account that may sign assertions for [`USER`].
    pub const SERVICE_CLIENT: &str = "service@project.test";
    /// The one scope.
    pub const SCOPE: &str = "https://mail.test/send";

    /// The file of a site with one line of JSON for each token that was issued.
    pub(super) const ISSUED: &str = "token-endpoint.out";

    /// Starts it, with a new key for the service account.
    pub fn start(site: &Site) -> Self {
        let port = free_port();
        let (private_key, public_key) = (site.join("service.key"), site.join("service.pub"));
        run(Command::new("openssl")
            .args(["genpkey", "-algorithm", "RSA", "-out"])
            .arg(&private_key));
        run(Command::new("openssl")
            .args(["pkey", "-pubout", "-in"])
            .arg(&private_key)
            .arg("-out")
            .arg(&public_key));
        let settings = json!({
            "port": port,
            "certificate": site.join("server.pem"),
            "key": site.join("server.key"),
            "user": USER,
            "clientId": Self::CLIENT_ID,
            "clientSecret": Self::CLIENT_SECRET,
            "refreshToken": Self::REFRESH_TOKEN,
            "serviceClient": Self::SERVICE_CLIENT,
            "serviceKey": public_key,
            "audience": url(port),
            "scope": Self::SCOPE,
        });
        let mut command = python("token_endpoint.py");
        command.arg(settings.to_string());
        let service = Service::start(site, "token-endpoint", &mut command, &[port]);
        let private_key = fs::read_to_string(private_key).expect("openssl wrote it");
        Self { service, port, private_key }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// The private key of the service account in PEM, PKCS #8.
    pub fn private_key(&self) -> &str {
        &self.private_key
    }

    /// The tokens that were issued so far: `{"grant", "scope", "token"}` each.
    pub fn issued(&self) -> Vec<Value> {
        self.service.lines()
    }
}

fn url(port: u16) -> String {
    format!("https://localhost:{port}/token")
}
