//! The place of a connection: who holds one may open a socket.

use std::sync::Arc;

use super::{Pool, worker};

/// One of the places for connections that a pool has. So no more sessions are open than allowed,
/// whatever is going on in them.
pub(crate) struct Place {
    pool: Arc<Pool>,
    /// Whether who holds it has begun to work.
    pub(super) begun: bool,
}

impl Place {
    /// A place that the queue counts already.
    pub(super) fn taken(pool: Arc<Pool>) -> Self {
        Self { pool, begun: false }
    }

    /// The pool.
    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }
}

impl Drop for Place {
    /// Gives the place back. Where something waits, a new worker takes it: also where the last one
    /// ended by a panic or with its runtime, so that nobody waits for ever.
    fn drop(&mut self) {
        if let Some(runtime) = self.pool.queue.give_back(self.begun) {
            worker::start_on(&runtime, Self::taken(self.pool.clone()));
        }
    }
}
