//! The one policy on what follows from an attempt: the end of the message, or another attempt after
//! a pause.

use smtp_connector::{Blame, Error, ErrorKind, Receipt, Stage};

use crate::store::{Claimed, Outcome, SECOND, State, Way};

/// The pause before the second attempt.
const SECOND_ATTEMPT: i64 = SECOND / 2;

/// The longest pause between two attempts.
const LONGEST_PAUSE: i64 = 30 * SECOND;

/// What follows from an attempt.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) way: Way,
    /// The receipt or the error, as JSON.
    pub(super) result: Option<String>,
}

/// Judges an attempt on a message that was claimed so many microseconds ago.
pub(super) fn judge(message: &Claimed, elapsed: i64, result: Result<Receipt, Error>) -> Verdict {
    let attempts = u32::try_from(message.attempts).unwrap_or(u32::MAX);
    match result {
        Ok(mut receipt) => {
            receipt.attempts = attempts;
            Verdict {
                outcome: Outcome::Final(State::Accepted),
                way: Way::Up,
                result: serde_json::to_string(&receipt).ok(),
            }
        }
        Err(error) => {
            let error = error.with_attempts(attempts);
            Verdict {
                outcome: outcome(message, elapsed, &error),
                way: way(&error),
                result: serde_json::to_string(&error).ok(),
            }
        }
    }
}

fn outcome(message: &Claimed, elapsed: i64, error: &Error) -> Outcome {
    if error.is_ambiguous() {
        return Outcome::Final(State::Ambiguous);
    }
    match error.kind() {
        ErrorKind::Expired => Outcome::Final(too_late(message)),
        // The mailer was replaced while the message waited; the new one is ready.
        ErrorKind::Closed => again(message, elapsed, 0),
        _ if error.is_transient() => again(message, elapsed, pause(message.attempts)),
        ErrorKind::Address | ErrorKind::Message => Outcome::Final(State::Refused),
        ErrorKind::Refused
            if error.stage() >= Some(Stage::Mail)
                && !error.blame().is_some_and(Blame::is_curable) =>
        {
            Outcome::Final(State::Refused)
        }
        _ => Outcome::Final(State::Failed),
    }
}

/// Another attempt after a pause, unless the deadline comes first.
pub(super) fn again(message: &Claimed, elapsed: i64, pause: i64) -> Outcome {
    if message.now + elapsed + pause < message.deadline {
        Outcome::Again(pause)
    } else {
        Outcome::Final(too_late(message))
    }
}

/// How a message ends whose deadline has passed.
fn too_late(message: &Claimed) -> State {
    if message.own_deadline == 1 { State::Expired } else { State::Failed }
}

/// The pause after so many attempts: it doubles, and varies by a half, so that the messages of one
/// outage do not come back together.
fn pause(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(6);
    let pause = (SECOND_ATTEMPT << doublings).min(LONGEST_PAUSE);
    // Without randomness the pause merely does not vary.
    let [random] = crate::seal::random().unwrap_or_default();
    pause * 3 / 4 + pause / 2 * i64::from(random) / 255
}

/// What a failure says of the way to the relay.
fn way(error: &Error) -> Way {
    match error.kind() {
        ErrorKind::Connect
        | ErrorKind::Credentials
        | ErrorKind::Dns
        | ErrorKind::Egress
        | ErrorKind::Proxy
        | ErrorKind::Tls => Way::Down,
        ErrorKind::Lost | ErrorKind::Refused | ErrorKind::Temporary | ErrorKind::Timeout => {
            match error.stage() {
                Some(stage) if stage >= Stage::Mail => Way::Up,
                Some(_) => Way::Down,
                None => Way::Unknown,
            }
        }
        _ => Way::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(attempts: i64, left: i64, own_deadline: i64) -> Claimed {
        Claimed {
            id: "1".to_owned(),
            connector: "a".to_owned(),
            fence: 1,
            attempts,
            created: 0,
            deadline: left,
            own_deadline,
            content: None,
            now: 0,
        }
    }

    fn at(kind: ErrorKind, stage: Stage) -> Error {
        Error::new(kind, "x").at(stage)
    }

    #[test]
    fn each_failure_has_one_consequence() {
        let ended = |state| Outcome::Final(state);
        let cases = [
            (at(ErrorKind::Refused, Stage::Rcpt), ended(State::Refused), Way::Up),
            (at(ErrorKind::Refused, Stage::Greeting), ended(State::Failed), Way::Down),
            (at(ErrorKind::Credentials, Stage::Auth), ended(State::Failed), Way::Down),
            (
                at(ErrorKind::Lost, Stage::Content).into_ambiguous(),
                ended(State::Ambiguous),
                Way::Up,
            ),
            (at(ErrorKind::Address, Stage::Mail), ended(State::Refused), Way::Unknown),
            (Error::new(ErrorKind::Closed, "x"), Outcome::Again(0), Way::Unknown),
            (Error::new(ErrorKind::Expired, "x"), ended(State::Expired), Way::Unknown),
        ];
        for (error, expected, expected_way) in cases {
            let said = format!("{error:?}");
            let verdict = judge(&message(1, 60 * SECOND, 1), 0, Err(error));
            assert_eq!((verdict.outcome, verdict.way), (expected, expected_way), "{said}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_until_the_deadline() {
        let later = || at(ErrorKind::Temporary, Stage::Rcpt);
        for (attempts, least, most) in [(1, 375, 625), (2, 750, 1250), (50, 22_500, 37_500)] {
            let message = message(attempts, 60 * SECOND, 1);
            let Outcome::Again(pause) = judge(&message, 0, Err(later())).outcome else {
                panic!("it may pass")
            };
            assert!((least..=most).contains(&(pause / 1000)), "{attempts}: {pause}");
        }
        for (own, expected) in [(1, State::Expired), (0, State::Failed)] {
            let verdict = judge(&message(1, SECOND, own), 9 * SECOND / 10, Err(later()));
            assert_eq!(verdict.outcome, Outcome::Final(expected));
        }
    }
}
