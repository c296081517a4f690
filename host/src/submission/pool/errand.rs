//! A message on its way through this host: who waits for it, and whether it may still go out.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

use super::queue::Queue;
use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::receipt::Receipt;
use crate::redactor::Redactor;
use crate::submission::Prepared;
use crate::submission::journal::Journal;

/// How long a message without a deadline of its own waits for a connection, unless it waits for a
/// limit of rate: as long as nodemailer lets a server be silent. By then one-time codes have
/// expired.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// A message to be carried, as the courier has it.
pub(in crate::submission) struct Errand {
    /// The message.
    pub(in crate::submission) prepared: Arc<Prepared>,
    /// What must not be shown of it.
    pub(in crate::submission) redactor: Redactor,
    /// How to deliver it.
    pub(in crate::submission) delivery: Delivery,
    /// How often it was put back because a kept connection was of no use.
    pub(in crate::submission) requeues: u32,
    /// Whether it may still go out.
    pub(in crate::submission) gate: Arc<Gate>,
    /// Where the result goes; closed once nobody waits.
    pub(in crate::submission) outcome: oneshot::Sender<Result<Receipt>>,
}

/// A message to be carried, as the one who sends it has it.
pub(in crate::submission) struct Waiting {
    gate: Arc<Gate>,
    outcome: oneshot::Receiver<Result<Receipt>>,
}

impl Errand {
    /// The two ends of one errand.
    pub(in crate::submission) fn new(
        prepared: Arc<Prepared>,
        redactor: Redactor,
        delivery: Delivery,
    ) -> (Self, Waiting) {
        let gate = Arc::new(Gate::default());
        let (sender, receiver) = oneshot::channel();
        let waiting = Waiting { gate: gate.clone(), outcome: receiver };
        (Self { prepared, redactor, delivery, requeues: 0, gate, outcome: sender }, waiting)
    }

    /// Whether nobody waits for it any more.
    pub(in crate::submission) fn is_abandoned(&self) -> bool {
        self.outcome.is_closed()
    }

    /// Gives the result to whoever waits for it.
    pub(in crate::submission) fn finish(self, outcome: Result<Receipt>) {
        // Who no longer waits has given the message up, and knows what that means.
        let _ = self.outcome.send(outcome);
    }
}

impl Waiting {
    /// Waits for the result until the deadline, or else for a connection as long as is sensible,
    /// where `bounded`.
    pub(in crate::submission) async fn wait(
        mut self,
        queue: &Queue,
        deadline: Option<Instant>,
        bounded: bool,
    ) -> Result<Receipt> {
        let outcome = match deadline {
            Some(deadline) => match timeout_at(deadline, &mut self.outcome).await {
                Ok(outcome) => outcome,
                Err(_) => return Err(self.gate.expired()),
            },
            None if !bounded => (&mut self.outcome).await,
            None => {
                tokio::select! {
                    biased;
                    outcome = &mut self.outcome => outcome,
                    () = sleep(LONGEST_WAIT) => {
                        if queue.withdraw(&self.gate) {
                            return Err(no_connection());
                        }
                        (&mut self.outcome).await
                    }
                }
            }
        };
        outcome.unwrap_or_else(|_| {
            let error = Error::new(ErrorKind::Internal, "the delivery was broken off");
            Err(if self.gate.close() { error } else { error.into_ambiguous() })
        })
    }
}

impl Drop for Waiting {
    /// Nothing goes out any more that nobody waits for.
    fn drop(&mut self) {
        self.gate.close();
    }
}

fn no_connection() -> Error {
    let message = format!("no connection became free within {LONGEST_WAIT:?}");
    Error::new(ErrorKind::Timeout, message)
        .at(Stage::Connect)
        .with_hint("Raise `maxConnections`, or send less at once.")
}

/// Where the message may still pass.
const OPEN: u8 = 0;
/// Where it was given up before its end was handed over.
const CLOSED: u8 = 1;
/// Where its end was handed over: from then on only the server knows.
const PASSED: u8 = 2;

/// Decides between the courier, who is about to hand over the end of the message, and the one who
/// is about to give it up: only one of them comes first, and both know who.
#[derive(Default)]
pub(in crate::submission) struct Gate {
    state: AtomicU8,
    journal: Mutex<Option<Journal>>,
}

impl Gate {
    /// Gives the message up; whether it has not gone out and never will.
    pub(in crate::submission) fn close(&self) -> bool {
        let closed = self.state.compare_exchange(OPEN, CLOSED, Ordering::SeqCst, Ordering::SeqCst);
        closed.is_ok() || closed == Err(CLOSED)
    }

    /// Asks to hand over the end of the message; whether it may go.
    pub(in crate::submission) fn pass(&self) -> bool {
        let passed = self.state.compare_exchange(OPEN, PASSED, Ordering::SeqCst, Ordering::SeqCst);
        passed.is_ok() || passed == Err(PASSED)
    }

    /// Takes that back, where the connection did not take the end of the message yet.
    pub(in crate::submission) fn reopen(&self) {
        let _ = self.state.compare_exchange(PASSED, OPEN, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Keeps the record of the session that the message is in, for whoever gives it up.
    pub(in crate::submission) fn attend(&self, journal: &Journal) {
        *self.journal() = Some(journal.clone());
    }

    /// The failure of a message whose deadline has passed.
    fn expired(&self) -> Error {
        let error = if self.close() {
            Error::new(ErrorKind::Expired, "the deadline passed; the message was given up")
        } else {
            let message = "the deadline passed while the server was due to confirm the message";
            Error::new(ErrorKind::Expired, message).at(Stage::Content).into_ambiguous()
        };
        match self.journal().take() {
            Some(journal) => error.with_transcript(journal.transcript()),
            None => error,
        }
    }

    fn journal(&self) -> MutexGuard<'_, Option<Journal>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_the_message_goes_out_or_it_is_given_up() {
        let gate = Gate::default();
        assert!(gate.pass() && gate.pass() && !gate.close());
        gate.reopen();
        assert!(gate.close() && gate.close() && !gate.pass());
        gate.reopen();
        assert!(!gate.pass());
    }
}
