//! Where a server is, the way to it, and connections that fail or end early.

pub(crate) mod options;
mod probe;
mod real;
mod session;
mod url;
