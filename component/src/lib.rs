//! The component that smtp-connector brings along: built from its source by the build script.

/// The component's bytes, in the binary format. They are empty where only documentation is built.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/component.wasm"));
