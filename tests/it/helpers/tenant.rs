//! What the tests of the sandbox have in common: configurations, engines and requests.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector::{Connector, EgressPolicy, Engine, Limits, Mailer, Options, Request};
use smtp_connector_tests::cli::binary;
use smtp_connector_tests::guests::Guest;

/// Far beyond what a call of any test takes, so that a test that hangs fails and says where.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One engine for all tests that need no limits of their own: components are compiled once.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let engine = Engine::builder().cache_directory(cache()).build();
        engine.expect("this machine runs WebAssembly")
    })
}

/// Components that the tests have compiled.
pub(crate) fn cache() -> PathBuf {
    binary().with_file_name("test-components")
}

/// The bundled connector.
pub(crate) async fn bundled() -> Connector {
    engine().bundled().await.expect("the bundled component loads")
}

/// A test component on an engine of its own; what was compiled before is not compiled again.
pub(crate) async fn load(guest: Guest, limits: Limits) -> (Engine, Connector) {
    let engine = Engine::builder().limits(limits).cache_directory(cache()).build();
    let engine = engine.expect("this machine runs WebAssembly");
    let connector = engine.load(&guest.bytes()).await.expect("the component is admitted");
    (engine, connector)
}

/// Limits that a misbehaving component reaches soon.
pub(crate) fn tight() -> Limits {
    let mut limits = Limits::default();
    limits.time = Duration::from_millis(300);
    limits.memory_bytes = 16 << 20;
    limits.output_bytes = 1 << 20;
    limits
}

/// A configuration without encryption for a server on this machine.
pub(crate) fn configuration(port: u16) -> Value {
    json!({
        "host": "127.0.0.1", "port": port, "ignoreTLS": true, "fromEmail": "no-reply@acme.test",
        "templates": templates("{{code}}"),
    })
}

/// An object with these members besides, or in place of its own.
pub(crate) fn with(mut object: Value, members: &Value) -> Value {
    let members = members.as_object().cloned().unwrap_or_default();
    object.as_object_mut().expect("an object").extend(members);
    object
}

/// The templates that every configuration needs, each with this content.
pub(crate) fn templates(content: &str) -> Value {
    let template = |usage_type: &str| {
        json!({
            "usageType": usage_type, "contentType": "text/plain",
            "subject": format!("{usage_type}"), "content": content,
        })
    };
    ["Register", "SignIn", "ForgotPassword", "Generic"].map(template).as_slice().into()
}

/// What reaches a server on this machine.
pub(crate) fn local() -> Options {
    Options::default().egress(EgressPolicy::any())
}

/// A mailer that may reach a server on this machine.
#[track_caller]
pub(crate) fn mailer(connector: &Connector, configuration: &Value) -> impl Future<Output = Mailer> {
    let text = configuration.to_string();
    let connector = connector.clone();
    async move {
        let configured = connector.configure_with(&text, &local()).await;
        configured.unwrap_or_else(|error| panic!("{error}: {:?}", error.diagnostics()))
    }
}

/// A sign-in mail with this code.
pub(crate) fn sign_in(code: &str) -> Request {
    Request::new("SignIn", "user@example.com").payload(json!({ "code": code }))
}
