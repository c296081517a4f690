//! When a message is tried again, and how it ends where that would be too late.

use crate::store::{Claimed, Outcome, SECOND, State};

/// The pause before the second attempt.
const SECOND_ATTEMPT: i64 = SECOND / 2;

/// The longest pause between two attempts.
const LONGEST_PAUSE: i64 = 30 * SECOND;

/// Another attempt after a pause, unless the deadline comes first.
pub(super) fn again(message: &Claimed, elapsed: i64, pause: i64) -> Outcome {
    later(message, elapsed, pause, Outcome::Again(pause))
}

/// What is to be done after a pause, unless the deadline comes first.
pub(super) fn later(message: &Claimed, elapsed: i64, pause: i64, outcome: Outcome) -> Outcome {
    match message.now + elapsed + pause < message.deadline {
        true => outcome,
        false => Outcome::Final(too_late(message)),
    }
}

/// How a message ends whose deadline has passed.
pub(super) fn too_late(message: &Claimed) -> State {
    if message.own_deadline == 1 { State::Expired } else { State::Failed }
}

/// The pause after so many attempts: it doubles, and varies by a half, so that the messages of one
/// outage do not come back together.
pub(super) fn pause(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(6);
    let pause = (SECOND_ATTEMPT << doublings).min(LONGEST_PAUSE);
    // Without randomness the pause merely does not vary.
    let [random] = crate::seal::random().unwrap_or_default();
    pause * 3 / 4 + pause / 2 * i64::from(random) / 255
}
