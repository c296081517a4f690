//! Header fields and bodies of a mail.

mod fields;
pub(crate) mod options;
mod real;
