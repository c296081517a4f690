//! From a composed message to the bytes of a mail, signed and encoded for the wire; nothing here
//! reads or writes anything.

mod body;
pub(super) mod dkim;
mod field;
mod message_id;
pub(super) mod prepare;
mod raw;
pub(super) mod transparency;

pub(crate) use self::prepare::Prepared;
