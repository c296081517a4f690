//! Carries one message that was claimed: one attempt, with the permit of the store before the relay
//! can hear its end, and a true word on what became of it.

use std::io;
use std::time::{Duration, Instant};

use smtp_connector::{Delivery, Error, ErrorKind, Receipt, StoredMessage};
use tokio::time::sleep;

use super::Queue;
use super::again::again;
use super::judge::{Verdict, judge, told};
use super::reach::Reach;
use super::route::Route;
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
        let attempt = self.attempt(&message).await;
        if let Ok(Ok(receipt)) = &attempt {
            figures::passed(&receipt.timings);
        }
        let route = self.route(&message);
        if !matches!(attempt, Ok(Ok(_))) {
            for fallback in &route.unknown {
                tracing::warn!(
                    target: "smtp_connector", id = message.id, connector = message.connector,
                    fallback, "a fallback is no connector"
                );
            }
        }
        let verdict = match attempt {
            Ok(result) => judge(&message, &route, elapsed(begun), result),
            Err(problem) => Verdict::without_attempt(&message, &route, elapsed(begun), problem),
        };
        let reason = verdict.reason();
        figures::attempted(&message.lane, reason.as_ref(), begun.elapsed());
        self.report(&message, verdict, reason.as_ref(), begun).await;
    }

    /// Tries once. An error means that there was nothing to try with.
    async fn attempt(&self, message: &Claimed) -> Result<Result<Receipt, Error>, Unready> {
        let Some(connector) = self.connectors.find(&message.lane) else {
            return Err(Unready::Wait("this process does not have the connector", NO_CONNECTOR));
        };
        let sealed = message.content.as_deref().unwrap_or_default();
        let opened = self.sealer.open(&place(&message.id), sealed);
        let content = opened.map_err(|_| Unready::Never("the message cannot be decrypted"))?;
        let stored: StoredMessage = serde_json::from_slice(&content)
            .map_err(|_| Unready::Never("the message was not kept whole"))?;
        let left = u64::try_from(message.deadline - message.now).unwrap_or_default();
        let (permits, lease, reach) = (self.permits.clone(), lease(message), Reach::default());
        let reached = reach.clone();
        let delivery =
            Delivery::default().once().within(Duration::from_micros(left)).permit(move || {
                let (permits, lease, reached) = (permits.clone(), lease.clone(), reached.clone());
                async move {
                    if !reached.arrive() {
                        return Err(io::Error::other("it goes elsewhere by now"));
                    }
                    match permits.commit(lease).await {
                        Ok(true) => Ok(()),
                        Ok(false) => Err(io::Error::other("it is another worker's by now")),
                        Err(error) => Err(io::Error::other(error.to_string())),
                    }
                }
            });
        let submission = connector.mailer().submit_stored(&stored, &delivery);
        Ok(match self.route(message).has_next(&message.lane) {
            true => reach.in_time(submission).await,
            false => submission.await,
        })
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
        let finish = Finish { lease: lease(message), outcome: outcome.clone(), way, result };
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
        let (id, connector, through) = (&message.id, &message.connector, &message.lane);
        let state = match outcome {
            Outcome::Final(state) => state,
            Outcome::Again(_) => return,
            Outcome::Elsewhere(detour) => {
                return tracing::info!(
                    target: "smtp_connector", id, connector, from = through,
                    through = detour.through, noted, "message goes on through another connector"
                );
            }
        };
        tracing::info!(
            target: "smtp_connector", id, connector, through, state = state.name(), noted,
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
    fn without_attempt(message: &Claimed, route: &Route, elapsed: i64, unready: Unready) -> Self {
        let error = |problem| told(&Error::new(ErrorKind::Internal, problem), route);
        match unready {
            Unready::Wait(problem, pause) => {
                // Its own connector may be another process's; one that it names is not waited for.
                let elsewhere = (message.lane != message.connector)
                    .then(|| route.onward(message, elapsed, true))
                    .flatten();
                let outcome = elsewhere.unwrap_or_else(|| again(message, elapsed, pause));
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

/// The claim of a message.
pub(super) fn lease(message: &Claimed) -> Lease {
    Lease { id: message.id.clone(), fence: message.fence }
}

fn elapsed(since: Instant) -> i64 {
    crate::limits::micros(since.elapsed())
}
