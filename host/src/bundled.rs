//! The component that comes with this library: built from `guest/` by the build script.

/// The component's bytes.
pub(crate) const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.wasm"));
