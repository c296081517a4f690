//! Access tokens: where they come from, how they are used, and who may not see them.

mod hostile;
pub(crate) mod options;
mod real;
pub(crate) mod session;
