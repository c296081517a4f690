//! What a configuration brings to the log.

pub(crate) mod options;
pub(crate) mod session;
