//! The sandbox: engine, components, instances.
//!
//! The only module that names wasmtime; what leaves it are the host's own types.

mod activity;
mod admission;
mod cache;
mod component;
mod composers;
mod engine;
mod inert;
mod instance;
mod limits;
mod v0_2;

pub use activity::Activity;
pub use engine::{Engine, EngineBuilder};
pub use limits::Limits;

pub(crate) use admission::Border;
pub(crate) use component::{Checked, Component, Outcome, Program};
pub(crate) use composers::Composers;
pub(crate) use engine::MAX_COMPONENT_BYTES;
