//! Messages that wait for a connection, in order, and how many couriers carry them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::errand::{Errand, Gate};
use crate::error::{Error, ErrorKind};

/// The queue of one configuration.
#[derive(Default)]
pub(in crate::submission) struct Queue {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Errand>,
    couriers: usize,
    closed: bool,
}

impl Queue {
    /// Puts an errand at the end. Whether one more courier is to be started, who is counted
    /// already: where fewer than `most` are at work.
    pub(in crate::submission) fn push(&self, errand: Errand, most: usize) -> Result<bool, Error> {
        let mut state = self.state();
        if state.closed {
            return Err(closed());
        }
        if state.waiting.len() == state.waiting.capacity() {
            // Rather than growing by what nobody waits for any more.
            state.waiting.retain(|errand| !errand.is_abandoned());
        }
        state.waiting.push_back(errand);
        let another = state.couriers < most;
        state.couriers += usize::from(another);
        Ok(another)
    }

    /// The next errand; a courier who gets none has retired.
    pub(in crate::submission) fn next(&self) -> Option<Errand> {
        let mut state = self.state();
        let next = state.pop();
        if next.is_none() {
            state.couriers -= 1;
        }
        next
    }

    /// An errand to be announced together with the end of another one: none that failed on a kept
    /// connection.
    pub(in crate::submission) fn follower(&self) -> Option<Errand> {
        let mut state = self.state();
        let next = state.pop()?;
        if next.requeues > 0 {
            state.waiting.push_front(next);
            return None;
        }
        Some(next)
    }

    /// Puts an errand back to where it was.
    pub(in crate::submission) fn put_back(&self, errand: Errand) {
        let mut state = self.state();
        if state.closed {
            drop(state);
            return errand.finish(Err(closed()));
        }
        state.waiting.push_front(errand);
    }

    /// Takes an errand out that no courier has taken; whether it was there.
    pub(in crate::submission) fn withdraw(&self, gate: &Arc<Gate>) -> bool {
        let mut state = self.state();
        let before = state.waiting.len();
        state.waiting.retain(|errand| !Arc::ptr_eq(&errand.gate, gate));
        state.waiting.len() < before
    }

    /// Counts a courier out who ended without being told to; whether there is work for another, who
    /// is counted.
    pub(in crate::submission) fn replace(&self) -> bool {
        let mut state = self.state();
        let needed = !state.waiting.is_empty();
        state.couriers -= usize::from(!needed);
        needed
    }

    /// Takes no further errands, and gives up those that wait.
    pub(in crate::submission) fn close(&self) {
        let waiting = {
            let mut state = self.state();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        for errand in waiting {
            errand.finish(Err(closed()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pop(&mut self) -> Option<Errand> {
        loop {
            let errand = self.waiting.pop_front()?;
            if !errand.is_abandoned() {
                return Some(errand);
            }
        }
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the mailer was closed before the message was sent")
}
