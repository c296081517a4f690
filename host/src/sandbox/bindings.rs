//! The contract as Rust: what wasmtime makes of the WIT package, and nothing else.

#![expect(missing_docs, reason = "generated from the WIT package, which documents every item")]

wasmtime::component::bindgen!({
    path: "../wit",
    world: "mail-connector",
    exports: { default: async },
});
