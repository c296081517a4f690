//! What the tests of several subjects have in common.

pub(crate) mod command;
pub(crate) mod examination;
pub(crate) mod proof;
pub(crate) mod reading;
pub(crate) mod real;
pub(crate) mod rendering;
pub(crate) mod session;
pub(crate) mod tenant;
