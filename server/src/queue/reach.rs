//! Whether a relay is reached in time. It is decided once, by whoever comes first: the session that
//! is about to say the message, or the patience of a message that may go elsewhere.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use smtp_connector::{Error, ErrorKind, Receipt, Stage};
use tokio::time::timeout;

/// How long a relay has to come as far as the message where there is another one. Name, connection,
/// TLS and login take a second or two; after ten, people ask for another code.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether the relay is reached, once that is decided.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach(Arc<OnceLock<bool>>);

impl Reach {
    /// A session is about to say the message; whether it may.
    pub(super) fn arrive(&self) -> bool {
        *self.0.get_or_init(|| true)
    }

    /// The patience is over; whether no session may say the message any more.
    fn give_up(&self) -> bool {
        !*self.0.get_or_init(|| false)
    }

    /// Waits for an attempt, but not longer than the relay has to be reached.
    pub(super) async fn in_time(
        &self,
        attempt: impl Future<Output = Result<Receipt, Error>>,
    ) -> Result<Receipt, Error> {
        let mut attempt = pin!(attempt);
        match timeout(PATIENCE, &mut attempt).await {
            Ok(outcome) => outcome,
            Err(_) if self.give_up() => {
                let problem = format!("the relay was not reached within {PATIENCE:?}");
                Err(Error::new(ErrorKind::Timeout, problem).at(Stage::Connect))
            }
            // What is said is heard to its end.
            Err(_) => attempt.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    /// An attempt that comes to the message and ends after these times.
    async fn attempt(reach: &Reach, arrives: u64, ends: u64) -> Result<Receipt, Error> {
        sleep(Duration::from_secs(arrives)).await;
        let problem = if reach.arrive() { "heard" } else { "too late" };
        sleep(Duration::from_secs(ends - arrives)).await;
        Err(Error::new(ErrorKind::Lost, problem))
    }

    #[tokio::test(start_paused = true)]
    async fn a_relay_that_is_not_reached_is_given_up_and_no_other() {
        for (arrives, ends, expected, after) in [
            (1, 2, ErrorKind::Lost, 2),
            (9, 60, ErrorKind::Lost, 60),
            (11, 12, ErrorKind::Timeout, 10),
        ] {
            let (reach, began) = (Reach::default(), Instant::now());
            let error = reach.in_time(attempt(&reach, arrives, ends)).await.expect_err("none");
            assert_eq!((error.kind(), began.elapsed().as_secs()), (expected, after));
            assert_eq!(reach.arrive(), expected == ErrorKind::Lost);
        }
    }
}
