//! Every wait of a session ends within its configured time.

pub(crate) mod options;
mod session;
