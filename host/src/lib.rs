//! Sends an identity platform's mail through a sandboxed connector component.
//!
//! A *component* checks a configuration and renders messages; it runs in a sandbox, computes only,
//! and never sees a secret. The *host*, this library, owns the socket, the secrets and the clock:
//! it resolves and dials, secures the connection, authenticates, and submits the message through
//! lettre.
//!
//! ```no_run
//! use smtp_connector::{Engine, Request};
//!
//! # async fn example(configuration: &str) -> smtp_connector::Result<()> {
//! let engine = Engine::new()?; // once per process
//! let connector = engine.bundled().await?; // or `load` with a component of your own
//! let mailer = connector.configure(configuration).await?; // once per configuration
//!
//! let request = Request::new("SignIn", "user@example.com")
//!     .payload(serde_json::json!({ "code": "482913" }));
//! match mailer.send(&request).await {
//!     Ok(receipt) => println!("accepted: {}", receipt.reply),
//!     Err(error) => eprintln!("{error} ({:?})", error.hint()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Calls need a tokio runtime. Everything is `Send + Sync`, and every future may be dropped at any
//! time: a dropped send closes its connection and poisons nothing.

mod address;
mod author;
mod boxed;
mod config;
mod connector;
mod delivery;
mod descriptor;
mod diagnostic;
mod egress;
mod error;
mod examination;
mod host;
mod load;
mod mailer;
mod message;
mod occupancy;
pub mod plan;
mod random;
mod receipt;
mod redactor;
mod rendered;
mod reply;
mod request;
mod sandbox;
mod secrets;
mod submission;
mod transcript;

pub use config::{locate, locate_all};
pub use connector::{Check, Connector, Options};
pub use delivery::Delivery;
pub use descriptor::{Descriptor, Example, FormItem, FormItemKind, LocalizedText};
pub use diagnostic::{Diagnostic, Severity};
pub use egress::EgressPolicy;
pub use error::{Blame, Error, ErrorKind, Result, Stage};
pub use examination::{Costs, Examination, Import, Trial};
pub use host::{Host, NotAHost};
pub use mailer::Mailer;
pub use message::{Mailbox, Message};
pub use occupancy::Occupancy;
pub use plan::TransportPlan;
pub use receipt::{
    Envelope, NegotiatedTls, Receipt, Rejection, Timings, Verification, VerifiedStage,
};
pub use rendered::{Rendered, StoredMessage};
pub use reply::{EnhancedStatusCode, Reply};
pub use request::{ContentType, Literal, Request, TemplateOverride};
pub use sandbox::{Activity, Engine, EngineBuilder, Limits};
pub use secrets::RotatedToken;
pub use submission::Transport;
pub use transcript::{Line, Speaker, Transcript};
