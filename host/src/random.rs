//! Random numbers that nobody can guess, from the operating system.
//!
//! The cryptography library has a generator, too. It gathers entropy of its own for each call, which takes longer
//! than all else that is done for a message.

use crate::error::{Error, ErrorKind, Result};

/// So many random octets.
pub(crate) fn octets<const N: usize>() -> Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|error| {
        Error::new(ErrorKind::Internal, "the system has no random numbers").with_source(error)
    })?;
    Ok(octets)
}
