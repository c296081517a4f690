//! The error for a plan that departs from its configuration.

use std::fmt::Display;

use crate::error::{Error, ErrorKind};

/// A plan whose `member` is not what the configuration says.
pub(super) fn departs(member: &str, what: impl Display) -> Error {
    let message =
        format!("the component's plan departs from the configuration in `{member}`: it {what}");
    Error::new(ErrorKind::Component, message)
}
