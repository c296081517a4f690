//! The contract as Rust: what wasmtime makes of the WIT package, and nothing else.

wasmtime::component::bindgen!({
    path: "wit",
    world: "mail-connector",
    exports: { default: async },
});
