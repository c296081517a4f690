//! The one policy on what follows from an attempt: the end of the message, or another attempt after
//! a pause.

use serde_json::{Value, json};
use smtp_connector::{Error, ErrorKind, Receipt, Stage};

use super::again::{again, pause, too_late};
use super::route::{Route, is_for_another, is_of_message};
use crate::store::{Claimed, Outcome, State, Way};

/// What follows from an attempt.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) way: Way,
    /// The receipt or the error, as JSON.
    pub(super) result: Option<String>,
}

/// Judges an attempt on a message that was claimed so many microseconds ago. `route` is its way.
pub(super) fn judge(
    message: &Claimed,
    route: &Route,
    elapsed: i64,
    result: Result<Receipt, Error>,
) -> Verdict {
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
            let elsewhere = is_for_another(&error)
                .then(|| route.onward(message, elapsed, error.is_transient()))
                .flatten();
            Verdict {
                outcome: elsewhere.unwrap_or_else(|| outcome(message, elapsed, &error)),
                way: way(&error),
                result: told(&error, route),
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
        _ if is_of_message(error) => Outcome::Final(State::Refused),
        _ => Outcome::Final(State::Failed),
    }
}

/// An error as JSON, with the connectors that should have been tried and do not exist.
pub(super) fn told(error: &Error, route: &Route) -> Option<String> {
    let mut told = serde_json::to_value(error).ok()?;
    if let (Value::Object(members), false) = (&mut told, route.unknown.is_empty()) {
        members.insert("unknownFallback".to_owned(), json!(route.unknown));
    }
    serde_json::to_string(&told).ok()
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
    use crate::store::SECOND;

    fn message(attempts: i64, left: i64, own_deadline: i64) -> Claimed {
        Claimed {
            id: "1".to_owned(),
            connector: "a".to_owned(),
            lane: "a".to_owned(),
            promising: 0,
            fence: 1,
            attempts,
            created: 0,
            deadline: left,
            own_deadline,
            content: None,
            now: 0,
        }
    }

    /// The way of a message whose connector names no other.
    fn alone() -> Route {
        Route::through(["a"], [])
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
            let verdict = judge(&message(1, 60 * SECOND, 1), &alone(), 0, Err(error));
            assert_eq!((verdict.outcome, verdict.way), (expected, expected_way), "{said}");
        }
    }

    #[test]
    fn what_may_pass_is_tried_again_until_the_deadline() {
        let passing = || at(ErrorKind::Temporary, Stage::Rcpt);
        for (attempts, least, most) in [(1, 375, 625), (2, 750, 1250), (50, 22_500, 37_500)] {
            let message = message(attempts, 60 * SECOND, 1);
            let Outcome::Again(pause) = judge(&message, &alone(), 0, Err(passing())).outcome else {
                panic!("it may pass")
            };
            assert!((least..=most).contains(&(pause / 1000)), "{attempts}: {pause}");
        }
        for (own, expected) in [(1, State::Expired), (0, State::Failed)] {
            let verdict =
                judge(&message(1, SECOND, own), &alone(), 9 * SECOND / 10, Err(passing()));
            assert_eq!(verdict.outcome, Outcome::Final(expected));
        }
    }
}
