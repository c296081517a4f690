//! The contract as Rust: what `wit_bindgen` makes of the WIT package, and nothing else.

#![expect(missing_docs, reason = "generated from the WIT package, which documents every item")]
#![cfg_attr(
    target_family = "wasm",
    expect(
        unsafe_code,
        reason = "the canonical ABI passes pointers; the macro generates and checks their use"
    )
)]

wit_bindgen::generate!({
    path: "wit",
    world: "mail-connector",
    additional_derives: [PartialEq],
});

// Native linkers do not take the names of the canonical ABI, and native code has no use for them.
#[cfg(target_family = "wasm")]
mod exported {
    use crate::Component;

    super::export!(Component with_types_in super);
}
