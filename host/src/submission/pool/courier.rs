//! A courier takes the messages that wait, one after the other, to the server. It is a task of its
//! own: whoever sends a message may stop waiting at any time, and the courier sees to it that the
//! connection is either where the next message expects it or closed.

use std::sync::Arc;

use super::connections::{Connection, part};
use super::errand::{Errand, Gate};
use super::rate::Pace;
use crate::error::{Error, ErrorKind, Result};
use crate::receipt::Receipt;
use crate::redactor::Redactor;
use crate::submission::authentication::Login;
use crate::submission::journal::Journal;
use crate::submission::session::Session;
use crate::submission::transaction::{self, Announcement};
use crate::submission::{Prepared, Submitter, is_astray};

/// Starts a courier, who is counted by the queue already.
pub(in crate::submission) fn start(submitter: Arc<Submitter>) {
    tokio::spawn(async move {
        let mut shift = Shift { submitter, retired: false };
        while let Some(errand) = shift.submitter.queue.next() {
            shift.submitter.carry(errand).await;
        }
        shift.retired = true;
    });
}

/// A courier's time at work. One that ends by a panic is replaced, so that nobody waits for ever.
struct Shift {
    submitter: Arc<Submitter>,
    retired: bool,
}

impl Drop for Shift {
    fn drop(&mut self) {
        let replaced = !self.retired && self.submitter.queue.replace();
        if replaced && tokio::runtime::Handle::try_current().is_ok() {
            start(self.submitter.clone());
        }
    }
}

/// A message that is next on a connection.
struct Next {
    errand: Errand,
    /// What was said of it already, behind the end of the message before.
    ahead: Option<Announcement>,
}

impl Submitter {
    /// Carries an errand, and as many of those behind it as are announced on the same connection.
    async fn carry(&self, mut errand: Errand) {
        let begun = tokio::select! {
            biased;
            () = errand.outcome.closed() => return,
            begun = self.begin(&errand.redactor, &errand.gate) => begun,
        };
        let mut connection = match begun {
            Ok(connection) => connection,
            Err(error) => return errand.finish(Err(error)),
        };
        let mut next = Some(Next { errand, ahead: None });
        while let Some(Next { errand, ahead }) = next {
            next = self.deliver(&mut connection, errand, ahead).await;
        }
        self.release(connection);
    }

    /// Waits until a message may go out and a connection is ready for it.
    async fn begin(&self, redactor: &Redactor, gate: &Gate) -> Result<Connection> {
        if let Some(pace) = &self.pace {
            pace.wait().await;
        }
        let mut connection = self.connections.get().await?;
        if let Some(session) = connection.session() {
            session.journal.renew();
            session.journal.learn(redactor);
            gate.attend(&session.journal);
            return Ok(connection);
        }
        let login = Login::resolve(self)?;
        let journal = self.journal(login.as_ref(), redactor);
        gate.attend(&journal);
        match self.open(login.as_ref(), &journal).await {
            Ok(session) => connection.occupy(session),
            Err(error) => return Err(self.tell(error, &journal)),
        }
        Ok(connection)
    }

    async fn open(&self, login: Option<&Login>, journal: &Journal) -> Result<Session> {
        let mut session = Session::open(self, journal.clone()).await?;
        match self.log_in(&mut session, login).await {
            Ok(()) => Ok(session),
            Err(error) => {
                if !is_astray(&error) {
                    part(session);
                }
                Err(error)
            }
        }
    }

    /// Delivers one message. Gives the one that was announced behind it, where the connection is
    /// still good.
    async fn deliver(
        &self,
        connection: &mut Connection,
        mut errand: Errand,
        ahead: Option<Announcement>,
    ) -> Option<Next> {
        let used = connection.is_used();
        let has_room = connection.has_room();
        connection.count();
        let session = connection.session()?;
        if ahead.is_some() {
            session.journal.renew();
            session.journal.learn(&errand.redactor);
            errand.gate.attend(&session.journal);
        }
        let inviting = transaction::invite(session, &errand.prepared, &errand.delivery, ahead);
        let invited = tokio::select! {
            biased;
            () = errand.outcome.closed() => None,
            invited = inviting => Some(invited),
        };
        let invitation = match invited {
            Some(Ok(invitation)) => invitation,
            Some(Err(error)) => {
                self.fail(session, errand, error, used);
                return None;
            }
            None => {
                session.dialogue.condemn();
                return None;
            }
        };
        if let Err(error) = transaction::say_content(session, &errand.prepared, &errand.gate) {
            self.fail(session, errand, error, false);
            return None;
        }
        let next = if has_room { self.announce_next(session) } else { None };
        let confirmed = tokio::select! {
            biased;
            () = errand.outcome.closed() => None,
            confirmed = transaction::confirm(session, invitation) => Some(confirmed),
        };
        match confirmed {
            Some(Ok(outcome)) => {
                let receipt = self.receipt(outcome, &errand.prepared, &session.journal);
                errand.finish(Ok(receipt));
            }
            Some(Err(error)) => self.fail(session, errand, error, false),
            None => session.dialogue.condemn(),
        }
        let over = session.dialogue.is_over();
        match next {
            // It was announced to nobody.
            Some(next) if over => self.put_back(next.errand),
            next => return next,
        }
        None
    }

    /// Announces the message that waits first together with the end of the one under way, which
    /// saves it a round trip (RFC 2920 §3.1).
    fn announce_next(&self, session: &mut Session) -> Option<Next> {
        if !session.capabilities.pipelining {
            return None;
        }
        let errand = self.queue.follower()?;
        if !self.pace.as_ref().is_none_or(Pace::try_take) {
            self.queue.put_back(errand);
            return None;
        }
        let announced = Announcement::of(session, &errand.prepared).and_then(|announcement| {
            announcement.say_ahead(session, &errand.delivery)?;
            Ok(announcement)
        });
        match announced {
            Ok(announcement) => Some(Next { errand, ahead: Some(announcement) }),
            Err(error) => {
                errand.finish(Err(error));
                None
            }
        }
    }

    /// Tells of a failure, or tries again on another connection where this one was kept and has
    /// turned out to be of no use: the server had closed it, and of the message it has heard the
    /// envelope at most.
    fn fail(&self, session: &mut Session, errand: Errand, error: Error, used: bool) {
        if is_astray(&error) {
            session.dialogue.condemn();
        }
        let stale = used
            && session.dialogue.is_over()
            && matches!(error.kind(), ErrorKind::Lost | ErrorKind::Protocol | ErrorKind::Temporary);
        if stale && self.max_requeues().is_none_or(|most| errand.requeues < most) {
            return self.put_back(errand);
        }
        session.is_doubtful |= error.kind() == ErrorKind::Temporary;
        let error = self.tell(error, &session.journal);
        errand.finish(Err(error));
    }

    fn put_back(&self, mut errand: Errand) {
        errand.requeues += 1;
        self.queue.put_back(errand);
    }

    fn receipt(
        &self,
        outcome: transaction::Outcome,
        prepared: &Prepared,
        journal: &Journal,
    ) -> Receipt {
        let (code, recipients) = (outcome.reply.code, outcome.accepted.len());
        tracing::info!(target: "smtp_connector", code, recipients, "message accepted");
        let (timings, transcript) = journal.conclude();
        Receipt {
            accepted: outcome.accepted,
            rejected: outcome.rejected,
            message_id: prepared.message_id.clone(),
            envelope: prepared.envelope.clone(),
            reply: outcome.reply,
            tls: journal.tls(),
            attempts: 1,
            timings,
            transcript,
        }
    }

    /// Keeps the connection for others, or ends it.
    fn release(&self, mut connection: Connection) {
        let spent = connection.is_spent();
        match connection.session() {
            Some(session) if session.dialogue.is_over() => connection.drop_session(),
            Some(session) if spent || session.is_doubtful => connection.part(),
            Some(_) => self.connections.park(connection),
            None => {}
        }
    }
}
