//! From plaintext to TLS.

pub(crate) mod options;
mod session;
pub(crate) mod table;
