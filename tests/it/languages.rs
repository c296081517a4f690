//! Connectors in other languages do what one in Rust does: `examples/components`, built by
//! `.ci/run`.

mod check;
mod load;
mod real;
mod render;

use std::path::PathBuf;

use serde_json::{Value, json};
use smtp_connector::Connector;
use smtp_connector_tests::real::component;
use tokio::sync::OnceCell;

use crate::helpers::tenant::engine;

/// A connector of `examples/components`.
#[derive(Debug, Clone, Copy)]
enum Language {
    /// `QuickJS` without any import.
    JavaScript,
    /// `QuickJS` with the imports of its runtime.
    JavaScriptWithWasi,
    /// `CPython` without any import.
    Python,
}

impl Language {
    const ALL: [Self; 3] = [Self::JavaScript, Self::JavaScriptWithWasi, Self::Python];

    fn path(self) -> PathBuf {
        component(match self {
            Self::JavaScript => "javascript",
            Self::JavaScriptWithWasi => "javascript-wasi",
            Self::Python => "python",
        })
    }

    /// The connector, compiled once for all tests.
    async fn load(self) -> Connector {
        static LOADED: [OnceCell<Connector>; 3] = [const { OnceCell::const_new() }; 3];
        let loaded = LOADED[self as usize].get_or_try_init(|| engine().load_file(self.path()));
        loaded.await.unwrap_or_else(|error| panic!("{self:?}: {error}")).clone()
    }
}

/// A configuration with all that these connectors read.
fn configuration() -> Value {
    json!({
        "host": "mail.acme.test", "port": "587", "secure": false, "ignoreTLS": false,
        "tls": { "ca": "" }, "auth": { "type": "login", "user": "jo", "pass": "s3cret-word" },
        "fromEmail": "Größe & Söhne <robot@acme.test>",
        "templates": [
            {
                "usageType": "SignIn", "contentType": "text/plain",
                "subject": "Code {{code}} für {{ user.name }}",
                "content": "Grüße, {{user.name}}: {{code}} {{user.absent}}|{{absent.name}} 🦊",
            },
            {
                "usageType": "SignIn", "contentType": "text/html", "subject": "unused",
                "content": "<p>{{user.name}}: <b>{{code}}</b></p>",
            },
            { "usageType": "Generic", "subject": "Hello", "content": "{{link}}" },
        ],
    })
}
