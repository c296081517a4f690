//! Whether commands go out together (RFC 2920), as far as the sessions of one mailer know their
//! server. Some servers offer it, or filters before them let the offer pass, and lose their way on
//! the first use. Their offer is not taken again.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{Error, ErrorKind};
use crate::reply::Reply;

/// What goes out together. Who can do the first need not be able to do the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Together {
    /// The commands of one message.
    Envelope = 1,
    /// The end of a message and the commands of the next.
    Messages = 2,
}

/// Where nothing was tried yet.
const UNTRIED: u8 = 0;

/// Where no offer is taken. Greater than whatever can be proved, so that proofs come too late.
const OFF: u8 = u8::MAX;

/// What was proved so far: the number of a [`Together`], or one of the two above.
#[derive(Debug)]
pub(crate) struct Pipelining(AtomicU8);

impl Pipelining {
    /// Takes the server's offer where that is wanted.
    pub(crate) fn new(wanted: bool) -> Self {
        Self(AtomicU8::new(if wanted { UNTRIED } else { OFF }))
    }

    /// Whether the server's offer is taken.
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) != OFF
    }

    /// Whether this has never worked.
    pub(crate) fn is_unproved(&self, way: Together) -> bool {
        let state = self.0.load(Ordering::Relaxed);
        state < way as u8 || state == OFF
    }

    /// Notes that it has worked. What goes wrong from then on has other reasons.
    pub(crate) fn prove(&self, way: Together) {
        self.0.fetch_max(way as u8, Ordering::Relaxed);
    }

    /// Takes no offer from now on, unless this has worked before; whether it has not.
    pub(crate) fn doubt(&self, way: Together) -> bool {
        let unproved = |state| (state < way as u8 || state == OFF).then_some(OFF);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, unproved).is_ok()
    }

    /// Judges a failure before the server invited a message: whether the message can be expected to
    /// pass where its commands go out one by one.
    ///
    /// A server that is silent may have lost the other commands, too, but nobody waits twice that
    /// long. One that goes after a message may do so in its own right.
    pub(crate) fn judge(&self, way: Together, error: &Error) -> bool {
        match error.kind() {
            _ if error.reply().is_some_and(is_out_of_step) => self.doubt(way),
            ErrorKind::Lost if way == Together::Envelope => self.doubt(way),
            ErrorKind::Timeout => {
                self.doubt(way);
                false
            }
            _ => false,
        }
    }
}

/// Whether a reply says that a command came at the wrong time: by its code, or as servers word it
/// that watch for clients who do not wait.
pub(crate) fn is_out_of_step(reply: &Reply) -> bool {
    let text = reply.text().to_ascii_lowercase();
    let complains = text.contains("pipelin") || text.contains("synchroni");
    reply.code == 503 || reply.code >= 400 && complains
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Stage;

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "it failed").at(Stage::Mail)
    }

    fn answered(code: u16, text: &str) -> Error {
        Error::from_reply(Stage::Mail, Reply::new(code, vec![text.to_owned()]))
    }

    #[test]
    fn what_has_worked_is_not_doubted() {
        let pipelining = Pipelining::new(true);
        pipelining.prove(Together::Envelope);
        assert!(!pipelining.doubt(Together::Envelope) && pipelining.is_on());
        assert!(pipelining.doubt(Together::Messages) && !pipelining.is_on());
        // Another session may be told later than this one that it works.
        pipelining.prove(Together::Messages);
        assert!(!pipelining.is_on() && pipelining.doubt(Together::Envelope));
    }

    #[test]
    fn what_is_not_wanted_is_not_done() {
        assert!(!Pipelining::new(false).is_on());
    }

    #[test]
    fn failures_are_told_apart() {
        use Together::{Envelope, Messages};
        let cases = [
            (Envelope, answered(503, "5.5.1 bad sequence of commands"), true, false),
            (Messages, answered(503, "MAIL first"), true, false),
            (Envelope, answered(554, "SMTP synchronization error"), true, false),
            (Envelope, answered(421, "4.7.0 Improper pipelining, closing"), true, false),
            (Envelope, answered(550, "5.7.1 no"), false, true),
            (Envelope, answered(421, "4.3.2 shutting down"), false, true),
            (Envelope, error(ErrorKind::Lost), true, false),
            (Messages, error(ErrorKind::Lost), false, true),
            (Envelope, error(ErrorKind::Timeout), false, false),
            (Envelope, error(ErrorKind::Address), false, true),
        ];
        for (way, error, to_blame, stays_on) in cases {
            let pipelining = Pipelining::new(true);
            let found = (pipelining.judge(way, &error), pipelining.is_on());
            assert_eq!(found, (to_blame, stays_on), "{way:?}: {error}");
            let proved = Pipelining::new(true);
            proved.prove(way);
            assert!(!proved.judge(way, &error) && proved.is_on(), "{way:?}: {error}");
        }
    }
}
