//! The way of a message: through its own connector, and through those that it names where a relay
//! cannot take it.

use std::iter::once;

use smtp_connector::{Blame, Error, ErrorKind, Stage};

use super::Queue;
use super::again::{later, pause};
use crate::connectors::Document;
use crate::store::{Claimed, Detour, Outcome};

/// The connectors through which a message may go, best first. The first is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    names: Vec<String>,
    /// Names of its connector that are no connector's.
    pub(super) unknown: Vec<String>,
}

impl Queue {
    /// The way of a message as its connector has it now.
    pub(super) fn route(&self, message: &Claimed) -> Route {
        let own = self.connectors.find(&message.connector);
        let document = own.as_ref().map(|own| own.document());
        let unknown = document.map(|own| self.connectors.missing_fallback(own)).unwrap_or_default();
        let fallback = document.map(Document::fallback).unwrap_or_default().iter();
        let known = fallback.filter(|name| !unknown.contains(name)).map(ToString::to_string);
        let names = once(message.connector.clone()).chain(known).collect();
        Route { names, unknown: unknown.iter().map(ToString::to_string).collect() }
    }
}

impl Route {
    /// A way through these connectors. The others that were named are no connectors.
    #[cfg(test)]
    pub(super) fn through<const N: usize, const U: usize>(
        names: [&str; N],
        unknown: [&str; U],
    ) -> Self {
        Self { names: names.map(str::to_owned).into(), unknown: unknown.map(str::to_owned).into() }
    }

    /// Whether there is another connector to try in this round, after the one of this name.
    pub(super) fn has_next(&self, name: &str) -> bool {
        self.next(name).is_some()
    }

    fn next(&self, name: &str) -> Option<&String> {
        let mut after = self.names.iter().skip_while(|known| *known != name);
        after.nth(1)
    }

    /// Where a message goes on that could not go through the connector that it was claimed for:
    /// through the next one at once, and after the last one through the first, after a pause, if
    /// any of them may take it later. None where there is nothing else to try.
    pub(super) fn onward(
        &self,
        message: &Claimed,
        elapsed: i64,
        is_transient: bool,
    ) -> Option<Outcome> {
        let promising = is_transient || message.promising == 1;
        if let Some(next) = self.next(&message.lane) {
            let detour = Detour { through: next.clone(), after: 0, promising };
            return Some(later(message, elapsed, 0, Outcome::Elsewhere(detour)));
        }
        let first = self.names.first().filter(|first| **first != message.lane && promising)?;
        let rounds = message.attempts / i64::try_from(self.names.len()).unwrap_or(1);
        let after = pause(rounds);
        let detour = Detour { through: first.clone(), after, promising: false };
        Some(later(message, elapsed, after, Outcome::Elsewhere(detour)))
    }
}

/// Whether another relay may take a message after this failure: nothing of the message was said,
/// and the reason is not the message's.
pub(super) fn is_for_another(error: &Error) -> bool {
    let unsaid = error.stage().is_some_and(|stage| stage < Stage::Content);
    let ended = matches!(error.kind(), ErrorKind::Closed | ErrorKind::Expired);
    unsaid && !ended && !error.is_ambiguous() && !is_of_message(error)
}

/// Whether the message itself is the reason of a failure, or its recipient.
pub(super) fn is_of_message(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Address | ErrorKind::Message => true,
        ErrorKind::Refused => {
            error.stage() >= Some(Stage::Mail) && !error.blame().is_some_and(Blame::is_curable)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{SECOND, State};

    fn message(lane: &str, promising: i64, left: i64) -> Claimed {
        Claimed {
            id: "1".to_owned(),
            connector: "a".to_owned(),
            lane: lane.to_owned(),
            promising,
            fence: 1,
            attempts: 2,
            created: 0,
            deadline: left,
            own_deadline: 1,
            content: None,
            trace: None,
            now: 0,
        }
    }

    fn through(outcome: Option<Outcome>) -> Option<(String, bool, bool)> {
        match outcome? {
            Outcome::Elsewhere(Detour { through, after, promising }) => {
                Some((through, after == 0, promising))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_message_goes_round_as_long_as_any_relay_may_take_it() {
        let way = Route::through(["a", "b", "c"], []);
        let onward = |lane: &str, promising, transient| {
            through(way.onward(&message(lane, promising, 60 * SECOND), 0, transient))
        };
        let at = |name: &str, at_once, promising| Some((name.to_owned(), at_once, promising));
        assert_eq!(onward("a", 0, true), at("b", true, true));
        assert_eq!(onward("a", 0, false), at("b", true, false));
        assert_eq!(onward("b", 1, false), at("c", true, true));
        assert_eq!(onward("c", 1, false), at("a", false, false));
        assert_eq!(onward("c", 0, true), at("a", false, false));
        assert_eq!(onward("c", 0, false), None, "none of them takes it");
        // One that is named no more hands on to the first.
        assert_eq!(onward("d", 0, true), at("a", false, false));
        let alone = Route::through(["a"], []);
        assert_eq!(alone.onward(&message("a", 0, 60 * SECOND), 0, true), None);
    }

    #[test]
    fn no_message_goes_round_after_its_deadline() {
        let way = Route::through(["a", "b"], []);
        let late = |lane: &str, left| way.onward(&message(lane, 1, left), SECOND, true);
        assert_eq!(late("a", SECOND), Some(Outcome::Final(State::Expired)));
        assert_eq!(late("b", SECOND + SECOND / 10), Some(Outcome::Final(State::Expired)));
    }

    #[test]
    fn another_relay_is_tried_before_the_message_was_said() {
        let at = |kind, stage| Error::new(kind, "x").at(stage);
        for (error, expected) in [
            (at(ErrorKind::Connect, Stage::Connect), true),
            (at(ErrorKind::Dns, Stage::Dns), true),
            (at(ErrorKind::Credentials, Stage::Auth), true),
            (at(ErrorKind::Refused, Stage::Greeting), true),
            (at(ErrorKind::Temporary, Stage::Rcpt), true),
            (at(ErrorKind::Timeout, Stage::Mail), true),
            (at(ErrorKind::Temporary, Stage::Content), false),
            (at(ErrorKind::Lost, Stage::Content), false),
            (at(ErrorKind::Lost, Stage::Content).into_ambiguous(), false),
            (at(ErrorKind::Refused, Stage::Rcpt), false),
            (at(ErrorKind::Address, Stage::Mail), false),
            (at(ErrorKind::Expired, Stage::Connect), false),
            (Error::new(ErrorKind::Closed, "x"), false),
        ] {
            assert_eq!(is_for_another(&error), expected, "{error:?}");
        }
    }
}
