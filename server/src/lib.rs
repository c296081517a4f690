//! The service: mail is taken over HTTP, queued durably, and delivered.

mod connectors;
mod figures;
pub mod hooks;
mod http;
mod json;
mod limits;
mod outbound;
mod place;
mod queue;
mod reason;
mod run;
mod seal;
mod settings;
mod store;
mod telemetry;
mod time;
mod webhooks;

pub use run::{StartError, Started, serve};
pub use seal::SealError;
pub use settings::{Listen, LogForm, Settings, SettingsError};
pub use store::StoreError;
pub use telemetry::{Telemetry, TelemetryError};
