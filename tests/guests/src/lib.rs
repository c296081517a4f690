//! What the misbehaving components share: the bindings, and an honest default for everything.
//!
//! A component overrides only its misbehaviour. Where that would keep the host from getting
//! further, it waits for a marker: `misbehave-in-check` or `misbehave-in-open` in the
//! configuration, `misbehave-in-compose` in the payload. The program of a configuration is its
//! text.

use std::marker::PhantomData;

use serde_json::Value;

wit_bindgen::generate!({
    path: "../../wit",
    world: "mail-connector",
    pub_export_macro: true,
    default_bindings_module: "smtp_connector_test_guests",
});

pub use exports::smtp_connector::contract::{
    connector, description, diagnostics, messages, transport,
};

use connector::{Composer, Outcome, Report};
use description::{Descriptor, Example};
use diagnostics::{Diagnostic, Severity};
use messages::{ComposeError, Mailbox, Message, Request};
use transport::{
    Authentication, ClientCredentialsGrant, Endpoint, Logging, Oauth2Grant, Oauth2Login,
};
use transport::{
    PasswordLogin, Protocol, Proxy, ProxyProtocol, Secret, Timeouts, TlsMode, TlsOptions,
};
use transport::{TokenRequest, TransportPlan};

/// A component, honest unless overridden.
pub trait Behaviour: 'static {
    /// What a marker triggers.
    fn misbehave() {}

    fn describe() -> Descriptor {
        descriptor()
    }

    fn check(configuration: &str) -> Report {
        Self::misbehave_where("misbehave-in-check", configuration);
        report(configuration, plan(configuration))
    }

    fn open(program: &[u8]) -> Result<(), String> {
        Self::misbehave_where("misbehave-in-open", &String::from_utf8_lossy(program));
        Ok(())
    }

    fn compose(configuration: &str, request: Request) -> Result<Message, ComposeError> {
        Self::misbehave_where("misbehave-in-compose", &request.payload);
        Ok(message(configuration, &request))
    }

    fn misbehave_where(marker: &str, text: &str) {
        if text.contains(marker) {
            Self::misbehave();
        }
    }
}

/// Exports a behaviour as a component.
#[macro_export]
macro_rules! component {
    ($behaviour:ident) => {
        type Exported = $crate::Component<$behaviour>;
        $crate::export!(Exported with_types_in smtp_connector_test_guests);
    };
}

/// A behaviour under the contract.
pub struct Component<B>(PhantomData<B>);

/// A configuration that a behaviour has opened.
pub struct Opened<B> {
    configuration: String,
    behaviour: PhantomData<B>,
}

impl<B: Behaviour> connector::Guest for Component<B> {
    type Composer = Opened<B>;

    fn describe() -> Descriptor {
        B::describe()
    }

    fn check(configuration: String) -> Report {
        B::check(&configuration)
    }
}

impl<B: Behaviour> connector::GuestComposer for Opened<B> {
    fn open(program: Vec<u8>) -> Result<Composer, String> {
        B::open(&program)?;
        let configuration = String::from_utf8_lossy(&program).into_owned();
        Ok(Composer::new(Self { configuration, behaviour: PhantomData }))
    }

    fn compose(&self, request: Request) -> Result<Message, ComposeError> {
        B::compose(&self.configuration, request)
    }
}

/// The text at a JSON Pointer of a configuration, empty where there is none.
pub fn text_at(configuration: &str, pointer: &str) -> String {
    let document: Value = serde_json::from_str(configuration).unwrap_or_default();
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An honest descriptor.
pub fn descriptor() -> Descriptor {
    Descriptor {
        id: "test-guest".to_owned(),
        target: "test".to_owned(),
        names: Vec::new(),
        descriptions: Vec::new(),
        logo: None,
        logo_dark: None,
        configuration_schema: "{}".to_owned(),
        form_items: Vec::new(),
        examples: vec![Example {
            id: "own".to_owned(),
            title: "The least that there is".to_owned(),
            configuration: r#"{"host":"mail.example.com","fromEmail":"no-reply@example.com"}"#
                .to_owned(),
        }],
        secret_pointers: vec!["/auth/pass".to_owned()],
    }
}

/// A report without findings.
pub fn report(configuration: &str, plan: TransportPlan) -> Report {
    report_with(Vec::new(), configuration, plan)
}

/// A report of findings that stop nothing.
pub fn report_with(
    diagnostics: Vec<Diagnostic>,
    configuration: &str,
    plan: TransportPlan,
) -> Report {
    let program = configuration.as_bytes().to_vec();
    Report { diagnostics, outcome: Some(Outcome { plan, program }) }
}

/// A warning about the whole configuration.
pub fn warning(code: &str, message: String) -> Diagnostic {
    let (severity, code, path) = (Severity::Warning, code.to_owned(), String::new());
    Diagnostic { severity, code, path, message, help: None, quotable: false }
}

/// An honest plan: `host`, `port`, `ignoreTLS`, and `auth` where the configuration has it.
pub fn plan(configuration: &str) -> TransportPlan {
    let document: Value = serde_json::from_str(configuration).unwrap_or_default();
    let port = document["port"].as_u64().and_then(|port| u16::try_from(port).ok());
    let authentication = match document["auth"]["user"].as_str() {
        Some(user) => Authentication::Password(PasswordLogin {
            user: user.to_owned(),
            password: Secret { pointer: "/auth/pass".to_owned() },
            mechanism: None,
        }),
        None => Authentication::None,
    };
    let tls = match document["ignoreTLS"].as_bool() {
        Some(true) => TlsMode::None,
        _ => TlsMode::OpportunisticStarttls,
    };
    TransportPlan {
        endpoint: Endpoint { host: text_at(configuration, "/host"), port: port.unwrap_or(587) },
        protocol: Protocol::Smtp,
        tls,
        plaintext_after_refusal: false,
        tls_options: tls_options(),
        authentication,
        force_authentication: false,
        ehlo_name: None,
        local_address: None,
        proxy: None,
        timeouts: Timeouts {
            dns_ms: 5_000,
            connection_ms: 5_000,
            greeting_ms: 5_000,
            socket_ms: 5_000,
        },
        pool: None,
        pipelining: true,
        dkim: None,
        logging: Logging::None,
    }
}

/// TLS as the host does it by itself.
pub fn tls_options() -> TlsOptions {
    TlsOptions {
        server_name: None,
        verify_certificate: true,
        roots: Vec::new(),
        identity: None,
        minimum_version: None,
        maximum_version: None,
        cipher_suites: Vec::new(),
    }
}

/// A SOCKS proxy without a login.
pub fn proxy(host: &str, port: u16) -> Proxy {
    let endpoint = Endpoint { host: host.to_owned(), port };
    Proxy { protocol: ProxyProtocol::Socks5, endpoint, user: None, password: None }
}

/// A request for a token by client credentials, of which the secret stands at a pointer.
pub fn token_request(url: &str, pointer: &str) -> TokenRequest {
    let client_secret = Secret { pointer: pointer.to_owned() };
    let grant = ClientCredentialsGrant { client_id: "client".to_owned(), client_secret };
    TokenRequest {
        url: url.to_owned(),
        grant: Oauth2Grant::ClientCredentials(grant),
        scope: None,
        parameters: Vec::new(),
        headers: Vec::new(),
        tls: tls_options(),
    }
}

/// A login by the token that a request brings.
pub fn login_by_token(request: TokenRequest) -> Authentication {
    let user = "jo".to_owned();
    let login = Oauth2Login { user, mechanism: None, access_token: None, renewal: Some(request) };
    Authentication::Oauth2(login)
}

/// An honest message: from `fromEmail`, with the payload as its text.
pub fn message(configuration: &str, request: &Request) -> Message {
    Message {
        sender: Mailbox { name: None, address: text_at(configuration, "/fromEmail") },
        reply_to: Vec::new(),
        subject: request.usage_type.clone(),
        text: Some(request.payload.clone()),
        html: None,
        headers: Vec::new(),
    }
}
