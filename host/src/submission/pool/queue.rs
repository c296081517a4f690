//! What waits for a connection, in order; which workers wait for work; and how many places for
//! connections are taken.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, Id};
use tokio::sync::{Notify, oneshot};

use super::pending::Pending;
use super::place::Place;
use crate::error::{Error, ErrorKind};
use crate::occupancy::Occupancy;
use crate::submission::session::Commit;

/// Something for a worker to do.
pub(super) enum Work {
    /// To carry a message.
    Message(Pending),
    /// To end its connection and hand its place over.
    Place { taker: oneshot::Sender<Place>, runtime: Handle },
}

impl Work {
    /// The wish for a place, and where it comes.
    pub(super) fn place() -> (Self, oneshot::Receiver<Place>) {
        let (taker, place) = oneshot::channel();
        (Self::Place { taker, runtime: Handle::current() }, place)
    }

    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool {
        match self {
            Self::Message(pending) => pending.is_abandoned(),
            Self::Place { taker, .. } => taker.is_closed(),
        }
    }

    /// Where the one who waits for it runs.
    fn runtime(&self) -> &Handle {
        match self {
            Self::Message(pending) => &pending.runtime,
            Self::Place { runtime, .. } => runtime,
        }
    }
}

/// A worker that waits for work, as the queue knows it.
#[derive(Clone)]
pub(super) struct Idler {
    wake: Arc<Notify>,
    runtime: Id,
}

impl Idler {
    /// The worker whose task this is.
    pub(super) fn here() -> Self {
        Self { wake: Arc::default(), runtime: Handle::current().id() }
    }
}

/// A worker's place on the list of those that wait for work; it is taken off when this is dropped,
/// also with the worker's runtime.
pub(super) struct Idling<'a> {
    queue: &'a Queue,
    idler: &'a Idler,
}

impl Idling<'_> {
    /// Waits until there may be work.
    pub(super) async fn woken(&self) {
        self.idler.wake.notified().await;
    }
}

impl Drop for Idling<'_> {
    fn drop(&mut self) {
        let is_other = |other: &Idler| !Arc::ptr_eq(&other.wake, &self.idler.wake);
        self.queue.state().idle.retain(is_other);
    }
}

/// What a worker that keeps a connection finds.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is given")]
pub(super) enum Next<'a> {
    /// Something to do.
    Work(Work),
    /// Nothing yet; the worker is woken when there is something.
    Idle(Idling<'a>),
    /// There will never be anything again.
    Closed,
}

/// The queue of one configuration.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Told when the last place was given back.
    emptied: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    /// The one that has waited shortest comes last, and is woken first: so connections that are not
    /// needed expire.
    idle: Vec<Idler>,
    places: usize,
    closed: bool,
}

impl Queue {
    /// Puts work at the end. Whether one more worker is to be started: where nobody is idle and
    /// fewer than `most` places are taken. The place is counted already.
    pub(super) fn push(&self, work: Work, most: usize) -> Result<bool, Error> {
        let mut state = self.state();
        if state.closed {
            return Err(closed());
        }
        if state.waiting.len() == state.waiting.capacity() {
            // Rather than growing by what nobody waits for any more.
            state.waiting.retain(|work| !work.is_abandoned());
        }
        let here = work.runtime().id();
        state.waiting.push_back(work);
        // A worker on another runtime may not be run just now.
        if state.wake(|idler| idler.runtime == here) {
            return Ok(false);
        }
        if state.places < most {
            state.places += 1;
            return Ok(true);
        }
        state.wake(|_| true);
        Ok(false)
    }

    /// What comes next, for a worker without a connection.
    pub(super) fn next(&self) -> Option<Work> {
        self.state().pop()
    }

    /// What comes next, for a worker that keeps a connection.
    pub(super) fn next_or_idle<'a>(&'a self, idler: &'a Idler) -> Next<'a> {
        let mut state = self.state();
        match state.pop() {
            Some(work) => Next::Work(work),
            None if state.closed => Next::Closed,
            None => {
                state.idle.push(idler.clone());
                Next::Idle(Idling { queue: self, idler })
            }
        }
    }

    /// A message to be announced together with the end of another one.
    pub(super) fn follower(&self) -> Option<Pending> {
        let mut state = self.state();
        match state.pop()? {
            Work::Message(pending) if pending.may_follow => Some(pending),
            work => {
                state.waiting.push_front(work);
                None
            }
        }
    }

    /// Puts a message back to where it was.
    pub(super) fn put_back(&self, pending: Pending) {
        let mut state = self.state();
        if state.closed {
            drop(state);
            return pending.finish(Err(closed()));
        }
        state.waiting.push_front(Work::Message(pending));
        state.wake(|_| true);
    }

    /// Takes a message out that no worker has taken; whether it was there.
    pub(super) fn withdraw(&self, commit: &Arc<Commit>) -> bool {
        let mut state = self.state();
        let before = state.waiting.len();
        state.waiting.retain(|work| match work {
            Work::Message(pending) => !Arc::ptr_eq(&pending.commit, commit),
            Work::Place { .. } => true,
        });
        state.waiting.len() < before
    }

    /// Gives a place back. Where something waits, the place stays taken, and a worker is to be
    /// started for it, on the runtime of the first that waits. `begun` says that the last worker
    /// ran: otherwise that runtime has ended, and who waits there is gone.
    pub(super) fn give_back(&self, begun: bool) -> Option<Handle> {
        let mut lost = VecDeque::new();
        let mut state = self.state();
        if !begun && let Some(ended) = state.waiting.front().map(|work| work.runtime().id()) {
            let waiting = std::mem::take(&mut state.waiting);
            let is_lost = |work: &Work| work.runtime().id() == ended;
            (lost, state.waiting) = waiting.into_iter().partition(is_lost);
        }
        let next = state.pop();
        let runtime = next.as_ref().map(|work| work.runtime().clone());
        match next {
            Some(work) => state.waiting.push_front(work),
            None => state.places -= 1,
        }
        if state.places == 0 {
            self.emptied.notify_waiters();
        }
        drop(state);
        drop(lost);
        runtime
    }

    /// How busy the connections are.
    pub(super) fn occupancy(&self) -> Occupancy {
        let state = self.state();
        let waits = |work: &&Work| matches!(work, Work::Message(_)) && !work.is_abandoned();
        Occupancy {
            connections: state.places,
            idle: state.idle.len(),
            waiting: state.waiting.iter().filter(waits).count(),
        }
    }

    /// Takes nothing further, and gives up what waits.
    pub(super) fn close(&self) {
        let waiting = {
            let mut state = self.state();
            state.closed = true;
            while state.wake(|_| true) {}
            std::mem::take(&mut state.waiting)
        };
        for work in waiting {
            if let Work::Message(pending) = work {
                pending.finish(Err(closed()));
            }
        }
    }

    /// Waits until no place is taken.
    pub(super) async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.state().places == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pop(&mut self) -> Option<Work> {
        loop {
            let work = self.waiting.pop_front()?;
            if !work.is_abandoned() {
                return Some(work);
            }
        }
    }

    /// Wakes the last of the idle workers that will do; whether there was one.
    fn wake(&mut self, will_do: impl Fn(&Idler) -> bool) -> bool {
        let Some(at) = self.idle.iter().rposition(will_do) else { return false };
        self.idle.remove(at).wake.notify_one();
        true
    }
}

/// The failure of what waits when the mailer is closed.
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the mailer was closed before the message was sent")
}
