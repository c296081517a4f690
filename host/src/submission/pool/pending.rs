//! A message on its way through this host, as its two sides have it: the worker that carries it,
//! and the one who waits for what becomes of it.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout_at};

use super::queue::Queue;
use super::retry::Tries;
use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::receipt::Receipt;
use crate::redactor::Redactor;
use crate::submission::message::Prepared;
use crate::submission::session::Commit;

/// How long a message without a deadline of its own waits for a connection, unless it waits for a
/// limit of rate: as long as nodemailer lets a server be silent. By then one-time codes have
/// expired.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// A message to be carried, as the worker has it.
pub(super) struct Pending {
    /// The message.
    pub(super) prepared: Arc<Prepared>,
    /// What must not be shown of it.
    pub(super) redactor: Redactor,
    /// How to deliver it.
    pub(super) delivery: Delivery,
    /// How often it was tried.
    pub(super) tries: Tries,
    /// Whether it may be announced behind another message: not again where that connection was
    /// lost.
    pub(super) may_follow: bool,
    /// Whether it may still go out.
    pub(super) commit: Arc<Commit>,
    /// Where the one who waits for it runs.
    pub(super) runtime: Handle,
    /// Where the outcome goes; closed once nobody waits.
    pub(super) outcome: oneshot::Sender<(Tries, Result<Receipt>)>,
}

/// A message to be carried, as the one who sends it has it.
pub(super) struct Waiting {
    tries: Tries,
    commit: Arc<Commit>,
    delivery: Delivery,
    /// Whether it is known what became of the message.
    settled: bool,
    outcome: oneshot::Receiver<(Tries, Result<Receipt>)>,
}

impl Pending {
    /// The two sides of one attempt.
    pub(super) fn new(
        prepared: Arc<Prepared>,
        redactor: Redactor,
        delivery: Delivery,
        tries: Tries,
    ) -> (Self, Waiting) {
        let commit = Arc::new(Commit::default());
        let (sender, receiver) = oneshot::channel();
        let waiting = Waiting {
            tries,
            commit: commit.clone(),
            delivery: delivery.clone(),
            settled: false,
            outcome: receiver,
        };
        let pending = Self {
            prepared,
            redactor,
            delivery,
            tries,
            may_follow: true,
            commit,
            runtime: Handle::current(),
            outcome: sender,
        };
        (pending, waiting)
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.outcome.is_closed()
    }

    /// Gives the outcome to whoever waits for it.
    pub(super) fn finish(self, outcome: Result<Receipt>) {
        // Who no longer waits has given the message up, and knows what that means.
        let _ = self.outcome.send((self.tries, outcome));
    }
}

impl Waiting {
    /// Waits for the outcome until the deadline, or else for a connection as long as is sensible,
    /// where `bounded`. Gives the tries so far with it.
    pub(super) async fn wait(mut self, queue: &Queue, bounded: bool) -> (Tries, Result<Receipt>) {
        let outcome = self.until_known(queue, bounded).await;
        self.settled = true;
        outcome
    }

    async fn until_known(&mut self, queue: &Queue, bounded: bool) -> (Tries, Result<Receipt>) {
        let outcome = match self.tries.deadline() {
            Some(deadline) => match timeout_at(deadline, &mut self.outcome).await {
                Ok(outcome) => outcome,
                Err(_) => return (self.tries, Err(self.commit.expired())),
            },
            None if !bounded => (&mut self.outcome).await,
            None => {
                tokio::select! {
                    biased;
                    outcome = &mut self.outcome => outcome,
                    () = sleep(LONGEST_WAIT) => {
                        if queue.withdraw(&self.commit) {
                            return (self.tries, Err(no_connection()));
                        }
                        (&mut self.outcome).await
                    }
                }
            }
        };
        outcome.unwrap_or_else(|_| {
            let error = Error::new(ErrorKind::Internal, "the delivery was broken off");
            let is_out = !self.commit.close();
            (self.tries, Err(if is_out { error.into_ambiguous() } else { error }))
        })
    }
}

impl Drop for Waiting {
    /// Nothing goes out any more that nobody waits for.
    fn drop(&mut self) {
        if !self.commit.close() && !self.settled {
            self.delivery.dropped_late();
        }
    }
}

fn no_connection() -> Error {
    let message = format!("no connection became free within {LONGEST_WAIT:?}");
    Error::new(ErrorKind::Timeout, message)
        .at(Stage::Connect)
        .with_hint("Raise `maxConnections`, or send less at once.")
}
