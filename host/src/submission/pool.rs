//! The pool of one configuration: messages wait in a queue, workers carry them over connections of
//! their own, and one policy says when a message is tried again.

mod connection;
mod pending;
mod permit;
mod place;
mod queue;
mod rate;
mod retry;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use self::pending::Pending;
use self::place::Place;
use self::queue::{Queue, Work};
use self::rate::Rate;
pub(crate) use self::retry::Tries;
use crate::delivery::Delivery;
use crate::error::Result;
use crate::occupancy::Occupancy;
use crate::plan::RateLimit;
use crate::receipt::Receipt;
use crate::redactor::Redactor;
use crate::submission::message::Prepared;
use crate::submission::session::Opener;

/// How many connections are open at once where the plan does not say.
const CONNECTIONS: u32 = 5;

/// How many connections one configuration may have at most, whatever it says: each takes a file
/// descriptor.
const MOST_CONNECTIONS: u32 = 10_000;

/// How long connections are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeping {
    /// How long a connection may idle and still be used without asking.
    pub(crate) fresh: Duration,
    /// How long a connection is kept idle.
    pub(crate) idle: Duration,
    /// How long a connection is used at all.
    pub(crate) age: Duration,
}

impl Default for Keeping {
    /// Servers close after some ten seconds of silence at the earliest, firewalls forget
    /// connections later still. A minute is within what most servers allow (RFC 5321 §4.5.3.2.7
    /// asks for five), and long enough for sign-ins that come in every few seconds. After a quarter
    /// of an hour names may lead elsewhere, and credentials may have changed.
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            age: Duration::from_secs(15 * 60),
        }
    }
}

/// The pool of one configuration.
pub(crate) struct Pool {
    opener: Opener,
    queue: Queue,
    /// How many messages may go out in a window of time.
    rate: Option<Rate>,
    /// How many connections may be open at once.
    connections: usize,
    /// How many messages one connection carries.
    messages: u32,
    keeping: Keeping,
}

impl Pool {
    /// A pool without a connection: the first message has it open one.
    pub(crate) fn new(opener: Opener, keeping: Keeping) -> Self {
        let plan = opener.plan().pool.as_ref();
        let (connections, messages) =
            plan.map_or((CONNECTIONS, 1), |pool| (pool.max_connections, pool.max_messages));
        let rate = plan.and_then(|pool| pool.rate_limit).map(Rate::new);
        let connections = connections.clamp(1, MOST_CONNECTIONS) as usize;
        Self { opener, queue: Queue::default(), rate, connections, messages, keeping }
    }

    /// What its connections are opened with.
    pub(crate) fn opener(&self) -> &Opener {
        &self.opener
    }

    /// How many messages may go out in a window of time.
    pub(crate) fn rate_limit(&self) -> Option<RateLimit> {
        self.opener.plan().pool.as_ref().and_then(|pool| pool.rate_limit)
    }

    /// How many connections may be open at once.
    pub(crate) fn connections(&self) -> usize {
        self.connections
    }

    /// How busy the connections are.
    pub(crate) fn occupancy(&self) -> Occupancy {
        self.queue.occupancy()
    }

    /// Hands a message to the server, and tries again as the policy says.
    pub(crate) async fn deliver(
        self: &Arc<Self>,
        message: &Arc<Prepared>,
        redactor: &Redactor,
        delivery: &Delivery,
        deadline: Option<Instant>,
    ) -> Result<Receipt> {
        let most_requeues = self.opener.plan().pool.as_ref().and_then(|pool| pool.max_requeues);
        let mut tries = Tries::new(deadline, most_requeues);
        loop {
            let error = match self.attempt(message, redactor, delivery, &mut tries).await {
                Ok(receipt) => return Ok(Receipt { attempts: tries.attempts(), ..receipt }),
                Err(error) => error,
            };
            let again = if delivery.is_once() { None } else { tries.again(&error) };
            match again {
                Some(resume) => {
                    delivery.fail();
                    sleep_until(resume).await;
                }
                None => return Err(error.with_attempts(tries.attempts())),
            }
        }
    }

    /// Tries once to hand a message to the server, and gives the attempt up at the deadline.
    /// `redactor` redacts what the session says.
    ///
    /// A connection that was kept and turns out to be closed is no attempt: another one takes its
    /// place.
    pub(crate) async fn attempt(
        self: &Arc<Self>,
        message: &Arc<Prepared>,
        redactor: &Redactor,
        delivery: &Delivery,
        tries: &mut Tries,
    ) -> Result<Receipt> {
        tries.begin();
        let (pending, waiting) =
            Pending::new(message.clone(), redactor.clone(), delivery.clone(), *tries);
        if self.queue.push(Work::Message(pending), self.connections)? {
            worker::start(Place::taken(self.clone()));
        }
        let (tried, outcome) = waiting.wait(&self.queue, self.rate.is_none()).await;
        *tries = tried;
        outcome
    }

    /// Waits for the place of a connection, which nobody else opens as long as it is held.
    pub(crate) async fn place(self: &Arc<Self>) -> Result<Place> {
        let (work, place) = Work::place();
        if self.queue.push(work, self.connections)? {
            worker::start(Place::taken(self.clone()));
        }
        place.await.map_err(|_| queue::closed())
    }

    /// Takes no further messages, and gives those that wait an error; connections end when what is
    /// under way on them has.
    pub(crate) fn shut(&self) {
        self.queue.close();
    }

    /// Shuts, and waits until the last connection has ended.
    pub(crate) async fn close(&self) {
        self.shut();
        self.emptied().await;
    }

    /// Waits until there is no connection.
    pub(crate) async fn emptied(&self) {
        self.queue.emptied().await;
    }
}
