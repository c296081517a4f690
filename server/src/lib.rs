//! The service: mail is taken over HTTP, queued durably, and delivered.

mod connectors;
pub mod hooks;
mod http;
mod limits;
mod queue;
mod run;
mod seal;
mod settings;
mod store;

pub use run::{StartError, Started, serve};
pub use seal::SealError;
pub use settings::{Listen, Settings, SettingsError};
pub use store::StoreError;
