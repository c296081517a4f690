//! The sandbox: engine, components, instances.
//!
//! The only module that names wasmtime; what leaves it are the host's own types.

mod bindings;
mod cache;
mod component;
mod convert;
mod engine;
mod imports;
mod instance;
mod limits;
mod warm;

pub use component::{Descriptor, Example};
pub use convert::{FormItem, FormItemKind, LocalizedText};
pub use engine::{Engine, EngineBuilder};
pub use limits::Limits;

pub(crate) use component::{Checked, Component};
pub(crate) use engine::MAX_COMPONENT_BYTES;
pub(crate) use warm::Composers;
