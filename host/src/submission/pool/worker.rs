//! A worker takes what waits, one after the other, and carries it over a connection of its own. It
//! is a task of its own: whoever sends a message may stop waiting at any time, and the worker sees
//! to it that the connection is either where the next message expects it or closed.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::sleep_until;

use super::Pool;
use super::connection::Connection;
use super::pending::Pending;
use super::permit::Permit;
use super::place::Place;
use super::queue::{Idler, Next, Work};
use super::rate::Rate;
use crate::error::{Error, ErrorKind, Result};
use crate::receipt::Receipt;
use crate::redactor::Redactor;
use crate::submission::advice;
use crate::submission::message::Prepared;
use crate::submission::record::Record;
use crate::submission::session::authentication::Login;
use crate::submission::session::pipelining::Together;
use crate::submission::session::transaction::{self, Announcement, Uninvited};
use crate::submission::session::{Commit, Session, is_astray};

/// Starts a worker here.
pub(super) fn start(place: Place) {
    start_on(&Handle::current(), place);
}

/// Starts a worker on a runtime. On one that has ended, the place is given back.
pub(super) fn start_on(runtime: &Handle, mut place: Place) {
    runtime.spawn(async move {
        place.begun = true;
        Worker { connection: None, idler: Idler::here(), place }.work().await;
    });
}

struct Worker {
    /// Ends before the place is given back.
    connection: Option<Connection>,
    idler: Idler,
    place: Place,
}

/// A message that is next on a connection.
struct Upcoming {
    pending: Pending,
    permit: Permit,
    /// What was said of it already, behind the end of the message before.
    ahead: Option<Announcement>,
}

impl Worker {
    async fn work(mut self) {
        while let Some(work) = self.next().await {
            match work {
                Work::Message(pending) => self.carry(pending).await,
                Work::Place { taker, .. } => {
                    self.leave().await;
                    // Where nobody takes it, it is given back.
                    drop(taker.send(self.place));
                    return;
                }
            }
        }
    }

    fn pool(&self) -> &Arc<Pool> {
        self.place.pool()
    }

    /// What to do next. Without a connection the worker ends where nothing waits; with one it waits
    /// for as long as the connection is kept.
    async fn next(&mut self) -> Option<Work> {
        let pool = self.pool().clone();
        while let Some(connection) = &mut self.connection {
            let is_kept = match pool.queue.next_or_idle(&self.idler) {
                Next::Work(work) => return Some(work),
                Next::Closed => false,
                Next::Idle(idling) => {
                    let expiry = connection.rest(&pool.keeping);
                    tokio::select! {
                        biased;
                        () = idling.woken() => true,
                        () = connection.session.dialogue.disturbed() => false,
                        () = sleep_until(expiry) => false,
                    }
                }
            };
            if !is_kept {
                self.leave().await;
            }
        }
        pool.queue.next()
    }

    /// Carries a message, and as many of those behind it as are announced on the same connection.
    async fn carry(&mut self, mut pending: Pending) {
        let begun = tokio::select! {
            biased;
            () = pending.outcome.closed() => return,
            begun = self.begin(&pending.redactor, &pending.commit) => begun,
        };
        if let Err(error) = begun {
            // Who waits is told before the server is.
            pending.finish(Err(error));
            return self.leave().await;
        }
        let permit = Permit::ask(&pending.delivery);
        let mut next = Some(Upcoming { pending, permit, ahead: None });
        while let (Some(upcoming), Some(connection)) = (next.take(), &mut self.connection) {
            next = deliver(self.place.pool(), connection, upcoming).await;
        }
        self.release().await;
    }

    /// Waits until a message may go out and a connection is ready for it.
    async fn begin(&mut self, redactor: &Redactor, commit: &Commit) -> Result<()> {
        let pool = self.pool().clone();
        if let Some(rate) = &pool.rate {
            rate.wait().await;
        }
        if self.connection.as_ref().is_some_and(|kept| !kept.has_room(1, &pool)) {
            self.leave().await;
        }
        if let Some(connection) = &mut self.connection {
            if connection.answers(&pool.keeping).await {
                let record = &connection.session.record;
                record.renew();
                record.redaction.learn(redactor);
                commit.attend(record);
                return Ok(());
            }
            self.connection = None;
        }
        let login = pool.opener.login()?;
        let record = pool.opener.record(login.as_ref(), redactor);
        commit.attend(&record);
        let opened = self.open(login.as_ref(), &record).await;
        opened.map_err(|error| advice::complete(error, pool.opener.plan(), &record))
    }

    async fn open(&mut self, login: Option<&Login>, record: &Record) -> Result<()> {
        let pool = self.pool().clone();
        let mut session = pool.opener.connect(record.clone()).await?;
        let logged_in = pool.opener.log_in(&mut session, login).await;
        let astray = logged_in.as_ref().is_err_and(is_astray);
        if astray {
            session.dialogue.abort();
        }
        self.connection = Some(Connection::new(session));
        logged_in
    }

    /// Keeps the connection for what comes next, or ends it.
    async fn release(&mut self) {
        let pool = self.pool().clone();
        let is_good = |kept: &Connection| kept.has_room(1, &pool) && !kept.session.is_doubtful;
        if !self.connection.as_ref().is_some_and(is_good) {
            self.leave().await;
        }
    }

    /// Says QUIT where the server still listens, and closes the connection.
    async fn leave(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // Whatever the server says to it, this is the end.
            let _ = connection.session.quit().await;
        }
    }
}

/// Delivers one message. Gives the one that was announced behind it, where the connection is still
/// good.
async fn deliver(pool: &Pool, connection: &mut Connection, upcoming: Upcoming) -> Option<Upcoming> {
    let Upcoming { mut pending, permit, ahead } = upcoming;
    let used = connection.is_used();
    let has_room = connection.has_room(2, pool);
    connection.count();
    let session = &mut connection.session;
    if ahead.is_some() {
        session.record.renew();
        session.record.redaction.learn(&pending.redactor);
        pending.commit.attend(&session.record);
    }
    let inviting = transaction::invite(session, &pending.prepared, &pending.delivery, ahead);
    let invited = tokio::select! {
        biased;
        () = pending.outcome.closed() => None,
        invited = inviting => Some(invited),
    };
    let invitation = match invited {
        Some(Ok(invitation)) => invitation,
        Some(Err(Uninvited { astray: true, .. })) => {
            put_back(pool, pending);
            return None;
        }
        Some(Err(Uninvited { error, .. })) => {
            fail(pool, session, pending, error, used);
            return None;
        }
        None => {
            session.abandon();
            return None;
        }
    };
    let permitted = tokio::select! {
        biased;
        () = pending.outcome.closed() => None,
        permitted = permit.granted(pool.opener.plan().timeouts.socket) => Some(permitted),
    };
    if !matches!(permitted, Some(Ok(()))) {
        // The server waits for a message, and nothing else can be said to it.
        session.dialogue.abort();
        if let Some(Err(error)) = permitted {
            fail(pool, session, pending, error, false);
        }
        return None;
    }
    if let Err(error) = transaction::say_content(session, &pending.prepared, &pending.commit) {
        fail(pool, session, pending, error, false);
        return None;
    }
    let next = if has_room { announce_next(pool, session) } else { None };
    let confirmed = tokio::select! {
        biased;
        () = pending.outcome.closed() => None,
        confirmed = transaction::confirm(session, invitation) => Some(confirmed),
    };
    match confirmed {
        Some(Ok(outcome)) => {
            let receipt = receipt(outcome, &pending.prepared, &session.record);
            pending.finish(Ok(receipt));
        }
        Some(Err(error)) => {
            if next.is_some() && error.is_ambiguous() {
                session.pipelining.doubt(Together::Messages);
            }
            fail(pool, session, pending, error, false);
        }
        None => session.dialogue.abort(),
    }
    if session.dialogue.is_over() {
        // It was announced to nobody.
        if let Some(Upcoming { pending, .. }) = next {
            put_back(pool, pending);
        }
        return None;
    }
    next
}

/// Announces the message that waits first together with the end of the one under way, which saves
/// it a round trip (RFC 2920 §3.1).
fn announce_next(pool: &Pool, session: &mut Session) -> Option<Upcoming> {
    if !session.pipelines() {
        return None;
    }
    let pending = pool.queue.follower()?;
    if !pool.rate.as_ref().is_none_or(Rate::try_take) {
        pool.queue.put_back(pending);
        return None;
    }
    let announced = Announcement::of(session, &pending.prepared).and_then(|announcement| {
        announcement.say_ahead(session, &pending.delivery)?;
        Ok(announcement)
    });
    match announced {
        Ok(announcement) => {
            let permit = Permit::ask(&pending.delivery);
            Some(Upcoming { pending, permit, ahead: Some(announcement) })
        }
        Err(error) => {
            pending.finish(Err(error));
            None
        }
    }
}

/// Tells of a failure, or puts the message back where its connection was kept and has turned out to
/// be of no use: the server had closed it, and of the message it has heard the envelope at most.
fn fail(pool: &Pool, session: &mut Session, mut pending: Pending, error: Error, used: bool) {
    if is_astray(&error) {
        session.dialogue.abort();
    }
    let is_stale = used
        && session.dialogue.is_over()
        && matches!(error.kind(), ErrorKind::Lost | ErrorKind::Protocol | ErrorKind::Temporary);
    if is_stale && pending.tries.requeue() {
        return put_back(pool, pending);
    }
    session.is_doubtful |= error.kind() == ErrorKind::Temporary;
    pending.finish(Err(advice::complete(error, pool.opener.plan(), &session.record)));
}

/// Has a message go over another connection, alone, of which this server has not heard the content.
fn put_back(pool: &Pool, pending: Pending) {
    pending.delivery.fail();
    pool.queue.put_back(Pending { may_follow: false, ..pending });
}

fn receipt(outcome: transaction::Outcome, prepared: &Prepared, record: &Record) -> Receipt {
    let (code, recipients) = (outcome.reply.code, outcome.accepted.len());
    tracing::info!(target: "smtp_connector", code, recipients, "message accepted");
    let (timings, transcript) = record.conclude();
    Receipt {
        accepted: outcome.accepted,
        rejected: outcome.rejected,
        message_id: prepared.message_id.clone(),
        envelope: prepared.envelope.clone(),
        reply: outcome.reply,
        tls: record.tls(),
        attempts: 1,
        timings,
        transcript,
    }
}
