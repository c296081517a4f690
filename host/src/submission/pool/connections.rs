//! The kept connections of one configuration. The only module that names the crate for pools.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use deadpool::managed::{
    Manager, Metrics, Object, Pool, QueueMode, RecycleError, RecycleResult, WeakPool,
};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Result, Stage};
use crate::submission::session::Session;

/// How many connections are open at once where the plan does not say.
const CONNECTIONS: u32 = 5;

/// How many connections one configuration may have at most, whatever it says: each takes a file
/// descriptor.
const MOST_CONNECTIONS: u32 = 10_000;

/// How long connections are kept.
#[derive(Debug, Clone, Copy)]
pub(in crate::submission) struct Keeping {
    /// How long a connection may idle and still be used without asking.
    pub(in crate::submission) fresh: Duration,
    /// How long a connection is kept idle.
    pub(in crate::submission) idle: Duration,
    /// How long a connection is used at all.
    pub(in crate::submission) age: Duration,
}

/// Servers close after some ten seconds of silence at the earliest, firewalls forget connections
/// later still. A minute is within what most servers allow (RFC 5321 §4.5.3.2.7 asks for five), and
/// long enough for sign-ins that come in every few seconds. After a quarter of an hour names may
/// lead elsewhere, and credentials may have changed.
pub(in crate::submission) const KEEPING: Keeping = Keeping {
    fresh: Duration::from_secs(10),
    idle: Duration::from_secs(60),
    age: Duration::from_secs(15 * 60),
};

/// How long a server may take to answer NOOP on a kept connection. It has nothing to do for it, and
/// a new connection is made sooner.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// How long the farewell may take. By then the messages are delivered, and nobody waits for it.
const FAREWELL: Duration = Duration::from_secs(2);

/// A connection, or the place for one. Given back to the others when it is dropped.
pub(in crate::submission) type Connection = Object<Keeper>;

/// The connections that are open, or may be.
pub(in crate::submission) struct Connections {
    pool: Pool<Keeper>,
    /// One permit for each socket, which it gives back when it is closed: so no connection is
    /// opened while another one still says goodbye.
    sockets: Arc<Semaphore>,
    most: u32,
    sweeping: Arc<AtomicBool>,
}

impl Connections {
    /// `limits` is how many may be open at once, and how many messages each one carries.
    pub(in crate::submission) fn new(limits: Option<(u32, u32)>, keeping: Keeping) -> Result<Self> {
        let (most, messages) = limits.unwrap_or((CONNECTIONS, 1));
        let most = most.clamp(1, MOST_CONNECTIONS);
        let keeper = Keeper { messages, keeping };
        let pool = Pool::builder(keeper).max_size(most as usize).queue_mode(QueueMode::Lifo);
        let pool =
            pool.build().map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
        Ok(Self {
            pool,
            sockets: Arc::new(Semaphore::new(most as usize)),
            most,
            sweeping: Arc::default(),
        })
    }

    /// How many may be open at once.
    pub(in crate::submission) fn most(&self) -> usize {
        self.most as usize
    }

    /// Waits for a connection that nobody uses, or for the place of one.
    pub(in crate::submission) async fn get(&self) -> Result<Connection> {
        self.pool.get().await.map_err(|error| Error::new(ErrorKind::Closed, error.to_string()))
    }

    /// Waits for leave to open a socket.
    pub(in crate::submission) async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let permit = self.sockets.clone().acquire_owned().await;
        permit.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))
    }

    /// Keeps a connection for the next message, and sees to it that it does not idle for ever.
    pub(in crate::submission) fn park(&self, mut connection: Connection) {
        connection.used = Instant::now();
        drop(connection);
        if !self.sweeping.swap(true, Ordering::SeqCst) {
            let idle = self.pool.manager().keeping.idle;
            tokio::spawn(sweep(self.pool.weak(), idle, self.sweeping.clone()));
        }
    }

    /// Closes what is idle, and waits until the rest is, too.
    pub(in crate::submission) async fn close(&self) {
        self.pool.close();
        // An error would say that the semaphore is closed, which nobody does.
        let _ = self.sockets.acquire_many(self.most).await;
    }
}

/// Closes connections that have idled too long, as long as there are any.
async fn sweep(pool: WeakPool<Keeper>, idle: Duration, sweeping: Arc<AtomicBool>) {
    loop {
        tokio::time::sleep(idle / 4).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.retain(|place, _| !place.is_spent() && !place.is_stale());
        if pool.status().size == 0 {
            sweeping.store(false, Ordering::SeqCst);
            // One that was parked meanwhile found a sweeper, and would be left without.
            if pool.status().size == 0 || sweeping.swap(true, Ordering::SeqCst) {
                return;
            }
        }
    }
}

/// Makes places for connections, and judges whether a kept connection can be used again.
pub(in crate::submission) struct Keeper {
    messages: u32,
    keeping: Keeping,
}

/// The place of a connection.
pub(in crate::submission) struct Place {
    session: Option<Session>,
    opened: Instant,
    used: Instant,
    /// How many messages it has carried.
    carried: u32,
    messages: u32,
    keeping: Keeping,
}

impl Manager for Keeper {
    type Type = Place;
    type Error = Infallible;

    async fn create(&self) -> Result<Place, Infallible> {
        let now = Instant::now();
        let Self { messages, keeping } = *self;
        Ok(Place { session: None, opened: now, used: now, carried: 0, messages, keeping })
    }

    /// Gives the place of a connection up that is of no use any more.
    async fn recycle(&self, place: &mut Place, _: &Metrics) -> RecycleResult<Infallible> {
        if place.is_spent() || place.is_stale() {
            place.leave().await;
        } else if !place.answers().await {
            place.drop_session();
        }
        match place.session {
            Some(_) => Ok(()),
            None => Err(RecycleError::message("no connection")),
        }
    }
}

impl Place {
    /// Puts a session that was just opened here.
    pub(in crate::submission) fn occupy(&mut self, session: Session) {
        (self.opened, self.used, self.carried) = (Instant::now(), Instant::now(), 0);
        self.session = Some(session);
    }

    /// The session, where there is one.
    pub(in crate::submission) fn session(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }

    /// Whether it has carried a message before.
    pub(in crate::submission) fn is_used(&self) -> bool {
        self.carried > 0
    }

    /// Counts a message, whatever becomes of it.
    pub(in crate::submission) fn count(&mut self) {
        self.carried += 1;
    }

    /// Whether it may carry no further message.
    pub(in crate::submission) fn is_spent(&self) -> bool {
        self.carried >= self.messages || self.opened.elapsed() >= self.keeping.age
    }

    /// Whether it may carry one more message after the one under way.
    pub(in crate::submission) fn has_room(&self) -> bool {
        self.carried + 1 < self.messages && self.opened.elapsed() < self.keeping.age
    }

    /// Whether it has idled too long.
    fn is_stale(&self) -> bool {
        self.used.elapsed() >= self.keeping.idle
    }

    /// Closes the connection without a word: the server cannot be understood, or does not listen.
    pub(in crate::submission) fn drop_session(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.dialogue.condemn();
        }
    }

    /// Says QUIT and does not wait for the answer.
    pub(in crate::submission) fn part(&mut self) {
        if let Some(session) = self.session.take() {
            part(session);
        }
    }

    /// Says QUIT and waits for the answer, as long as the farewell may take.
    pub(in crate::submission) async fn leave(&mut self) {
        if let Some(mut session) = self.session.take() {
            let _ = quit(&mut session).await;
        }
    }

    /// Whether the server is still there and has nothing unasked to say. It is asked only where it
    /// could have gone unnoticed.
    async fn answers(&mut self) -> bool {
        let idle = self.used.elapsed();
        let Some(session) = &mut self.session else { return true };
        if session.dialogue.is_over() || !session.dialogue.is_quiet().await {
            return false;
        }
        idle < self.keeping.fresh || noop(session, SIGN_OF_LIFE).await.is_ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.part();
    }
}

/// Says NOOP, and waits for the answer no longer than so.
pub(in crate::submission) async fn noop(session: &mut Session, patience: Duration) -> Result<()> {
    session.dialogue.say("NOOP");
    let answer = session.dialogue.hear_within(Stage::Quit, patience).await?;
    if answer.reply.is_positive() {
        Ok(())
    } else {
        Err(Error::from_reply(Stage::Quit, answer.reply))
    }
}

/// Says QUIT, which may take only so long.
pub(in crate::submission) async fn quit(session: &mut Session) -> Result<()> {
    if session.dialogue.is_over() {
        return Ok(());
    }
    session.dialogue.say("QUIT");
    let answer = session.dialogue.hear_within(Stage::Quit, FAREWELL).await;
    session.dialogue.condemn();
    answer.map(drop)
}

/// Says QUIT at once, and leaves the waiting for the answer to a task of its own.
pub(in crate::submission) fn part(mut session: Session) {
    if session.dialogue.is_over() {
        return;
    }
    let mut farewell = Box::pin(async move { drop(quit(&mut session).await) });
    let said = farewell.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    if let (Poll::Pending, Ok(runtime)) = (said, Handle::try_current()) {
        runtime.spawn(poll_fn(move |cx| farewell.as_mut().poll(cx)));
    }
}
