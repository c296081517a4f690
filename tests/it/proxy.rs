//! The way through a proxy.

mod hostile;
pub(crate) mod options;
mod real;
pub(crate) mod session;
