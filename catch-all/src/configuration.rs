//! The configuration with which smtp-connector reaches a catch-all server.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::options::{Options, Security};

/// The types of message that every configuration has a template for.
const TYPES: [&str; 4] = ["Register", "SignIn", "ForgotPassword", "Generic"];

/// What a tenant would write to reach a server with these options.
pub(super) fn configuration(options: &Options, address: SocketAddr, certificate: &str) -> Value {
    let template = |usage_type| {
        json!({
            "usageType": usage_type,
            "contentType": "text/plain",
            "subject": "Your code",
            "content": "Your code is {{code}}.",
        })
    };
    let mut configuration = json!({
        "host": address.ip().to_string(),
        "port": address.port(),
        "fromEmail": "Example <no-reply@example.com>",
        "templates": TYPES.map(template),
    });
    match options.security {
        Security::Plaintext => configuration["ignoreTLS"] = json!(true),
        Security::Starttls | Security::StarttlsBeforeAuth => {
            configuration["requireTLS"] = json!(true);
            configuration["tls"] = json!({ "ca": certificate });
        }
        Security::ImplicitTls => {
            configuration["secure"] = json!(true);
            configuration["tls"] = json!({ "ca": certificate });
        }
    }
    if let Some(credentials) = &options.credentials {
        let (user, password) = credentials.expose();
        configuration["auth"] = json!({ "user": user, "pass": password });
    }
    configuration
}
