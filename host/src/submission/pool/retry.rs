//! When a message is tried again: the one policy for all failures.
//!
//! A kept connection that turns out to be closed costs no attempt: the message goes over another
//! one at once. After any other failure that may pass there is a pause, and then a further attempt:
//! as many as there is time for where there is a deadline, and one otherwise. The configuration may
//! bound how often a lost connection is made good, at once or after a pause.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Stage};
use crate::random;

/// The pause before the second attempt of a send without a deadline: long enough for a server that
/// is restarting a worker, short enough for a person who waits.
const SECOND_ATTEMPT: Duration = Duration::from_millis(500);

/// The longest pause between two attempts of a send with a deadline.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The tries of one message so far, and how many more there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tries {
    deadline: Option<Instant>,
    most_requeues: Option<u32>,
    attempts: u32,
    requeues: u32,
}

impl Tries {
    /// No try yet. `most_requeues` bounds how often the message is tried again after its connection
    /// was lost.
    pub(crate) fn new(deadline: Option<Instant>, most_requeues: Option<u32>) -> Self {
        Self { deadline, most_requeues, attempts: 0, requeues: 0 }
    }

    /// When the message is given up.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How many attempts there were.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Counts an attempt.
    pub(super) fn begin(&mut self) {
        self.attempts += 1;
    }

    /// Whether a message whose connection was lost may go over another one; if so, that counts.
    pub(super) fn requeue(&mut self) -> bool {
        let may = self.most_requeues.is_none_or(|most| self.requeues < most);
        self.requeues += u32::from(may);
        may
    }

    /// When the message is tried again after a failed attempt; none where the failure is final.
    pub(super) fn again(&mut self, error: &Error) -> Option<Instant> {
        let resume = match self.deadline {
            Some(deadline) if error.is_transient() => {
                Some(Instant::now() + pause(self.attempts)).filter(|resume| *resume < deadline)
            }
            None if self.attempts == 1 && deserves_second_attempt(error) => {
                Some(Instant::now() + SECOND_ATTEMPT)
            }
            _ => None,
        }?;
        (error.kind() != ErrorKind::Lost || self.requeue()).then_some(resume)
    }
}

/// Whether a failure calls for the one further attempt of a message without a deadline.
fn deserves_second_attempt(error: &Error) -> bool {
    let passing = matches!(error.kind(), ErrorKind::Lost | ErrorKind::Temporary);
    passing && error.is_transient() && error.stage() != Some(Stage::Auth)
}

/// The pause after so many attempts: it doubles, and varies by a half, so that clients of one
/// outage do not come back together.
fn pause(attempts: u32) -> Duration {
    let doubled =
        SECOND_ATTEMPT.saturating_mul(1 << attempts.saturating_sub(1).min(6)).min(LONGEST_PAUSE);
    // Without randomness the pause merely does not vary.
    let [random] = random::octets().unwrap_or_default();
    doubled.mul_f64(0.75 + f64::from(random) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Error {
        Error::new(ErrorKind::Lost, "lost").at(Stage::Mail)
    }

    #[tokio::test]
    async fn a_lost_connection_is_made_good_as_often_as_allowed_however_it_is() {
        let deadline = Some(Instant::now() + Duration::from_secs(600));
        for (most, expected) in [(Some(0), 0), (Some(1), 1), (Some(2), 2)] {
            for at_once in [false, true] {
                let mut tries = Tries::new(deadline, most);
                let mut further = u32::from(at_once && tries.requeue());
                tries.begin();
                while further < 10 && tries.again(&lost()).is_some() {
                    tries.begin();
                    further += 1;
                }
                assert_eq!(further, expected, "{most:?} {at_once}");
            }
        }
    }

    #[tokio::test]
    async fn the_bound_is_for_lost_connections_alone() {
        let mut tries = Tries::new(None, Some(0));
        tries.begin();
        let later = Error::new(ErrorKind::Temporary, "later").at(Stage::Mail);
        assert!(tries.again(&later).is_some());
        tries.begin();
        assert!(tries.again(&later).is_none(), "without a deadline there are two attempts");
    }
}
