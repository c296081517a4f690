//! Carries one message that was claimed: one attempt, with the permit of the store before the relay
//! can hear its end, and a true word on what became of it.

use std::io;
use std::time::{Duration, Instant};

use smtp_connector::{Delivery, Error, ErrorKind, Receipt, StoredMessage};
use tokio::time::sleep;

use super::Queue;
use super::judge::{Verdict, judge};
use crate::figures;
use crate::reason::Reason;
use crate::store::{Claimed, Finish, Lease, Outcome, SECOND, State, Way};

/// How long a result waits for a store that is away before it is reported once more.
const AWAY: Duration = Duration::from_millis(500);

/// How long a message waits whose connector this process does not have.
const NO_CONNECTOR: i64 = 5 * SECOND;

impl Queue {
    /// Carries a message and reports what became of it.
    pub(super) async fn carry(&self, message: Claimed) {
        let begun = Instant::now();
        let verdict = match self.attempt(&message).await {
            Ok(result) => {
                if let Ok(receipt) = &result {
                    figures::passed(&receipt.timings);
                }
                judge(&message, elapsed(begun), result)
            }
            Err(problem) => Verdict::without_attempt(&message, elapsed(begun), problem),
        };
        let reason = verdict.reason();
        figures::attempted(&message.connector, reason.as_ref(), begun.elapsed());
        self.report(&message, verdict, reason.as_ref(), begun).await;
    }

    /// Tries once. An error means that there was nothing to try with.
    async fn attempt(&self, message: &Claimed) -> Result<Result<Receipt, Error>, Unready> {
        let Some(connector) = self.connectors.find(&message.connector) else {
            return Err(Unready::Wait("this process does not have the connector", NO_CONNECTOR));
        };
        let sealed = message.content.as_deref().unwrap_or_default();
        let opened = self.sealer.open(&place(&message.id), sealed);
        let content = opened.map_err(|_| Unready::Never("the message cannot be decrypted"))?;
        let stored: StoredMessage = serde_json::from_slice(&content)
            .map_err(|_| Unready::Never("the message was not kept whole"))?;
        let left = u64::try_from(message.deadline - message.now).unwrap_or_default();
        let (permits, lease) = (self.permits.clone(), lease(message));
        let delivery =
            Delivery::default().once().within(Duration::from_micros(left)).permit(move || {
                let (permits, lease) = (permits.clone(), lease.clone());
                async move {
                    match permits.commit(lease).await {
                        Ok(true) => Ok(()),
                        Ok(false) => Err(io::Error::other("it is another worker's by now")),
                        Err(error) => Err(io::Error::other(error.to_string())),
                    }
                }
            });
        Ok(connector.mailer().submit_stored(&stored, &delivery).await)
    }

    /// Reports until the store has noted it: the truth is worth waiting for.
    async fn report(
        &self,
        message: &Claimed,
        verdict: Verdict,
        reason: Option<&Reason>,
        begun: Instant,
    ) {
        let Verdict { outcome, way, result } = verdict;
        let finish = Finish { lease: lease(message), outcome, way, result };
        let noted = loop {
            match self.finishes.commit(finish.clone()).await {
                Ok(noted) => break noted,
                Err(error) => {
                    tracing::warn!(
                        target: "smtp_connector", %error, id = message.id,
                        "a result waits for the store"
                    );
                    sleep(AWAY).await;
                }
            }
        };
        let Outcome::Final(state) = outcome else { return };
        let (id, connector) = (&message.id, &message.connector);
        tracing::info!(
            target: "smtp_connector", id, connector, state = state.name(), noted,
            "message ended"
        );
        if noted {
            figures::ended(connector, state.name(), reason);
            let age = u64::try_from(message.now - message.created).unwrap_or_default();
            let age = Duration::from_micros(age);
            figures::aged(age, age + begun.elapsed());
        }
        self.watch.tell(id);
    }
}

/// Why there was nothing to try with.
#[derive(Clone, Copy)]
pub(super) enum Unready {
    /// It may be otherwise later.
    Wait(&'static str, i64),
    /// It will never be otherwise.
    Never(&'static str),
}

impl Verdict {
    /// Why the attempt failed, if it did.
    fn reason(&self) -> Option<Reason> {
        let has_failed = self.outcome != Outcome::Final(State::Accepted);
        self.result.as_deref().filter(|_| has_failed).and_then(Reason::read)
    }

    /// The verdict on a message that could not even be tried.
    fn without_attempt(message: &Claimed, elapsed: i64, unready: Unready) -> Self {
        let error = |problem| serde_json::to_string(&Error::new(ErrorKind::Internal, problem)).ok();
        match unready {
            Unready::Wait(problem, pause) => {
                let outcome = super::judge::again(message, elapsed, pause);
                Self { outcome, way: Way::Unknown, result: error(problem) }
            }
            Unready::Never(problem) => {
                let outcome = Outcome::Final(State::Failed);
                Self { outcome, way: Way::Unknown, result: error(problem) }
            }
        }
    }
}

/// What the content of a message is sealed for.
pub(super) fn place(id: &str) -> String {
    format!("message/{id}/content")
}

fn lease(message: &Claimed) -> Lease {
    Lease { id: message.id.clone(), fence: message.fence }
}

fn elapsed(since: Instant) -> i64 {
    crate::limits::micros(since.elapsed())
}
