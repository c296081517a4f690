//! Signatures: the keys that shape them, and verifiers that others wrote.

pub(crate) mod options;
mod real;
