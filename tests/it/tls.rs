//! TLS: what is negotiated, who is trusted, and who is let in.

pub(crate) mod keys;
pub(crate) mod options;
pub(crate) mod session;
