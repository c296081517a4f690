//! Header fields and bodies of a mail.

mod fields;
mod literal;
pub(crate) mod options;
mod real;
