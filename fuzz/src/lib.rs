//! What the targets of the fuzzer share: one component and one runtime for all runs of a process,
//! and a peer on loopback that says what the input says.

mod delivery;
mod peer;

use std::sync::LazyLock;

use smtp_connector::{Connector, Engine};
use tokio::runtime::{Builder, Runtime};

pub use delivery::{Session, deliver, deliver_with_token};
pub use peer::Peer;

/// What every run of a process uses.
#[derive(Debug)]
pub struct Bench {
    /// The runtime. It has one thread, so that a run depends on its input and not on its
    /// neighbours.
    pub runtime: Runtime,
    /// The component that comes with the library.
    pub connector: Connector,
}

/// What every run of a process uses, made by the first.
pub static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let engine = Engine::new().expect("the engine starts");
    let connector = runtime.block_on(engine.bundled()).expect("the component is sound");
    Bench { runtime, connector }
});

/// A template of each type that every configuration has to have.
pub fn templates() -> serde_json::Value {
    let template = |usage_type| {
        serde_json::json!({
            "usageType": usage_type,
            "contentType": "text/plain",
            "subject": "Your code",
            "content": "Your code is {{code}}.",
        })
    };
    serde_json::Value::Array(
        ["Register", "SignIn", "ForgotPassword", "Generic"].map(template).into(),
    )
}
