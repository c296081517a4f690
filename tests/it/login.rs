//! Logins by user and password.

mod hostile;
pub(crate) mod options;
mod session;
