//! The components of `tests/guests`, built by the build script.
//!
//! A test that matches on [`Guest`] without `_` fails to compile when a component has no place in
//! it.

include!(concat!(env!("OUT_DIR"), "/guests.rs"));

impl Guest {
    /// The component's bytes.
    pub fn bytes(self) -> Vec<u8> {
        std::fs::read(self.path()).expect("the build script has built the component")
    }
}
