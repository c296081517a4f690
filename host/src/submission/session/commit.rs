//! Whether a message that is on its way may still go out.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind, Stage};
use crate::submission::record::Record;

/// Where the message may still pass.
const OPEN: u8 = 0;
/// Where it was given up before its end was handed over.
const CLOSED: u8 = 1;
/// Where its end was handed over: from then on only the server knows.
const PASSED: u8 = 2;

/// Decides between the worker, who is about to hand over the end of the message, and the one who
/// is about to give it up: only one of them comes first, and both know who.
#[derive(Default)]
pub(crate) struct Commit {
    state: AtomicU8,
    record: Mutex<Option<Record>>,
}

impl Commit {
    /// Gives the message up; whether it has not gone out and never will.
    pub(crate) fn close(&self) -> bool {
        let closed = self.state.compare_exchange(OPEN, CLOSED, Ordering::SeqCst, Ordering::SeqCst);
        closed.is_ok() || closed == Err(CLOSED)
    }

    /// Asks to hand over the end of the message; whether it may go.
    pub(crate) fn pass(&self) -> bool {
        let passed = self.state.compare_exchange(OPEN, PASSED, Ordering::SeqCst, Ordering::SeqCst);
        passed.is_ok() || passed == Err(PASSED)
    }

    /// Takes that back, where the connection did not take the end of the message yet.
    pub(crate) fn reopen(&self) {
        let _ = self.state.compare_exchange(PASSED, OPEN, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Keeps the record of the session that the message is in, for whoever gives it up.
    pub(crate) fn attend(&self, record: &Record) {
        *self.record() = Some(record.clone());
    }

    /// The failure of a message whose deadline has passed.
    pub(crate) fn expired(&self) -> Error {
        let error = if self.close() {
            Error::new(ErrorKind::Expired, "the deadline passed; the message was given up")
        } else {
            let message = "the deadline passed while the server was due to confirm the message";
            Error::new(ErrorKind::Expired, message).at(Stage::Content).into_ambiguous()
        };
        match self.record().take() {
            Some(record) => error.with_transcript(record.transcript()),
            None => error,
        }
    }

    fn record(&self) -> MutexGuard<'_, Option<Record>> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_the_message_goes_out_or_it_is_given_up() {
        let commit = Commit::default();
        assert!(commit.pass() && commit.pass() && !commit.close());
        commit.reopen();
        assert!(commit.close() && commit.close() && !commit.pass());
        commit.reopen();
        assert!(!commit.pass());
    }
}
