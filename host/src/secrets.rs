//! Secrets and keys: kept where they stood in a configuration, resolved at the moment of use, and
//! checked before anything is sent.

pub(crate) mod key_check;
pub(crate) mod pem;
pub(crate) mod private_key;
mod rotation;
mod secret;
mod store;

pub(crate) use rotation::Observer;
pub use rotation::RotatedToken;
pub(crate) use secret::Secret;
pub(crate) use store::{SecretStore, Source};
