//! Random numbers that nobody can guess, from the operating system.
//!
//! The cryptography library has a generator, too. It gathers entropy of its own for each call,
//! which takes longer than all else that is done for a message.

use std::cell::RefCell;

use crate::error::{Error, ErrorKind, Result};

/// How much is asked for at once: a call of the operating system costs as much as a message's
/// headers.
const STOCK: usize = 4096;

thread_local! {
    static UNUSED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// So many random octets, none of which is given to anybody else.
pub(crate) fn octets<const N: usize>() -> Result<[u8; N]> {
    const { assert!(N <= STOCK) };
    UNUSED.with_borrow_mut(|unused| {
        if unused.len() < N {
            unused.resize(STOCK, 0);
            if let Err(error) = getrandom::fill(unused) {
                unused.clear();
                let message = "the system has no random numbers";
                return Err(Error::new(ErrorKind::Internal, message).with_source(error));
            }
        }
        let mut octets = [0; N];
        let rest = unused.len() - N;
        octets.copy_from_slice(&unused[rest..]);
        unused[rest..].fill(0);
        unused.truncate(rest);
        Ok(octets)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_octets_are_given_twice() {
        let given: HashSet<[u8; 16]> =
            (0..2 * STOCK).map(|_| octets().expect("random numbers")).collect();
        assert_eq!(given.len(), 2 * STOCK);
    }
}
