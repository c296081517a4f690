//! The smallest honest connector: mails the payload as it is to the configuration's `host`,
//! encrypted where the server offers it and `ignoreTLS` is not true.

use contract::connector::{Composer, Guest, GuestComposer, Outcome, Report};
use contract::{description::Descriptor, messages::*, transport::*};
use exports::smtp_connector::contract;

wit_bindgen::generate!({ path: "../../wit", world: "mail-connector" });

/// An open program, which is the text of the configuration.
struct Echo(serde_json::Value);

impl Guest for Echo {
    type Composer = Self;

    #[rustfmt::skip]
    fn describe() -> Descriptor {
        Descriptor {
            id: "echo".into(), target: "echo".into(),
            configuration_schema: r#"{"type": "object"}"#.into(),
            names: vec![], descriptions: vec![], logo: None, logo_dark: None,
            form_items: vec![], examples: vec![], secret_pointers: vec![],
        }
    }

    fn check(configuration: String) -> Report {
        let plan = plan(&serde_json::from_str(&configuration).unwrap_or_default());
        let outcome = Outcome { plan, program: configuration.into_bytes() };
        Report { diagnostics: vec![], outcome: Some(outcome) }
    }
}

impl GuestComposer for Echo {
    fn open(program: Vec<u8>) -> Result<Composer, String> {
        let configuration = serde_json::from_slice(&program).map_err(|error| error.to_string())?;
        Ok(Composer::new(Self(configuration)))
    }

    #[rustfmt::skip]
    fn compose(&self, request: Request) -> Result<Message, ComposeError> {
        let address = self.0["fromEmail"].as_str().unwrap_or_default().into();
        let sender = Mailbox { name: None, address };
        let (subject, text, html) = (request.usage_type, Some(request.payload), None);
        Ok(Message { sender, subject, text, html, reply_to: vec![], headers: vec![] })
    }
}

#[rustfmt::skip]
fn plan(configuration: &serde_json::Value) -> TransportPlan {
    let host = configuration["host"].as_str().unwrap_or_default().into();
    let port = configuration["port"].as_u64().and_then(|port| port.try_into().ok()).unwrap_or(587);
    let in_clear = configuration["ignoreTLS"] == true;
    let tls = if in_clear { TlsMode::None } else { TlsMode::OpportunisticStarttls };
    let five = 5_000;
    let timeouts =
        Timeouts { dns_ms: five, connection_ms: five, greeting_ms: five, socket_ms: five };
    let (roots, cipher_suites, server_name) = Default::default();
    let (identity, minimum_version, maximum_version) = Default::default();
    TransportPlan {
        endpoint: Endpoint { host, port }, protocol: Protocol::Smtp, tls,
        plaintext_after_refusal: false,
        tls_options: TlsOptions {
            server_name, verify_certificate: true, roots, identity,
            minimum_version, maximum_version, cipher_suites,
        },
        authentication: Authentication::None, force_authentication: false, ehlo_name: None,
        local_address: None,
        proxy: None, timeouts, pool: None, pipelining: true, dkim: None, logging: Logging::None,
    }
}

export!(Echo);
