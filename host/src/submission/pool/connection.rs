//! A connection that a worker keeps from one message to the next.

use std::time::Duration;

use tokio::time::Instant;

use super::{Keeping, Pool};
use crate::submission::session::Session;

/// How long a server may take to answer NOOP on a kept connection. It has nothing to do for it, and
/// a new connection is made sooner.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// An open session and what it was used for.
pub(super) struct Connection {
    pub(super) session: Session,
    opened: Instant,
    used: Instant,
    /// How many messages it has carried.
    carried: u32,
}

impl Connection {
    /// A session that was just opened.
    pub(super) fn new(session: Session) -> Self {
        let now = Instant::now();
        Self { session, opened: now, used: now, carried: 0 }
    }

    /// Whether it has carried a message before.
    pub(super) fn is_used(&self) -> bool {
        self.carried > 0
    }

    /// Counts a message, whatever becomes of it.
    pub(super) fn count(&mut self) {
        self.carried += 1;
    }

    /// Whether it may carry so many further messages.
    pub(super) fn has_room(&self, further: u32, pool: &Pool) -> bool {
        self.carried + further <= pool.messages && self.opened.elapsed() < pool.keeping.age
    }

    /// Notes that it idles from now on. Gives the time at which it expires.
    pub(super) fn rest(&mut self, keeping: &Keeping) -> Instant {
        self.used = Instant::now();
        (self.used + keeping.idle).min(self.opened + keeping.age)
    }

    /// Whether the server is still there and has nothing unasked to say. It is asked only where it
    /// could have gone unnoticed.
    pub(super) async fn answers(&mut self, keeping: &Keeping) -> bool {
        let idle = self.used.elapsed();
        let session = &mut self.session;
        if session.dialogue.is_over() || !session.dialogue.is_quiet().await {
            return false;
        }
        idle < keeping.fresh || session.noop(SIGN_OF_LIFE).await.is_ok()
    }
}
