//! Submission: from a plan and a composed message to the server's reply. Nothing outside this module knows
//! lettre, sockets or TLS.

mod advice;
mod answer;
mod authentication;
mod body;
mod capabilities;
mod dial;
mod fault;
mod journal;
mod lettre_stream;
mod message;
mod security;
mod session;
#[cfg(test)]
mod tests;
mod transaction;
mod transparency;
mod wire;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use self::authentication::Credentials;
use self::journal::Journal;
use self::security::Security;
use self::session::Session;
use crate::egress::EgressPolicy;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::message::Message;
use crate::plan::{Authentication, Mechanism, Protocol, TransportPlan};
use crate::receipt::{Envelope, Receipt, Verification};
use crate::redactor::Redactor;
use crate::vault::Vault;

/// How many connections are open at once where the plan does not say.
const CONNECTIONS: u32 = 5;

/// How long the farewell may take. By then the message is delivered, and nobody waits for it.
const FAREWELL: Duration = Duration::from_secs(2);

/// Everything that sessions of one configuration have in common.
#[derive(Debug)]
pub(crate) struct Submitter {
    plan: TransportPlan,
    vault: Arc<Vault>,
    egress: EgressPolicy,
    security: Security,
    connections: Arc<Semaphore>,
}

/// A message as bytes, with its envelope. Every attempt sends the same one, with one Message-ID.
pub(crate) struct Prepared {
    pub(crate) envelope: Envelope,
    pub(crate) message_id: String,
    pub(crate) bytes: Vec<u8>,
}

/// Shows the size of the message and not the message: it may carry a one-time code.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("envelope", &self.envelope)
            .field("message_id", &self.message_id)
            .field("bytes", &format_args!("{} bytes", self.bytes.len()))
            .finish()
    }
}

impl Submitter {
    /// Makes ready what every session needs. A plan that this host cannot carry out whole is refused when it is
    /// to be carried out, so that no option is ignored.
    pub(crate) fn new(plan: TransportPlan, vault: Arc<Vault>, egress: EgressPolicy) -> Result<Self> {
        let security = Security::new(&plan.tls_options, &plan.endpoint.host, &vault)?;
        let connections = plan.pool.as_ref().map_or(CONNECTIONS, |pool| pool.max_connections).max(1);
        let connections = Arc::new(Semaphore::new(connections as usize));
        Ok(Self { plan, vault, egress, security, connections })
    }

    /// Makes the bytes of a message, once for all attempts.
    pub(crate) fn prepare(&self, message: &Message) -> Result<Prepared> {
        message::prepare(message)
    }

    /// Tries once to hand a prepared message to the server, and gives the attempt up at the deadline. `redactor`
    /// masks what the session says.
    pub(crate) async fn submit(
        &self,
        prepared: &Prepared,
        redactor: &Redactor,
        deadline: Option<Instant>,
    ) -> Result<Receipt> {
        supported(&self.plan)?;
        let credentials = self.credentials()?;
        let journal = self.journal(credentials.as_ref(), redactor);
        let attempt = self.attempt(prepared, credentials.as_ref(), &journal);
        let attempted = match deadline {
            None => attempt.await,
            Some(deadline) => timeout_at(deadline, attempt).await.unwrap_or_else(|_| Err(journal.expired())),
        };
        attempted.map_err(|error| self.tell(error, &journal))
    }

    async fn attempt(
        &self,
        prepared: &Prepared,
        credentials: Option<&Credentials>,
        journal: &Journal,
    ) -> Result<Receipt> {
        let permit = self.permit().await?;
        let mut session = Session::open(self, journal.clone()).await?;
        let outcome = match self.log_in(&mut session, credentials).await {
            Ok(()) => transaction::submit(&mut session, prepared).await,
            Err(error) => Err(error),
        };
        if !matches!(&outcome, Err(error) if is_over(error)) {
            part(session, permit).await;
        }
        let outcome = outcome?;
        let (code, recipients) = (outcome.reply.code, outcome.accepted.len());
        tracing::info!(target: "smtp_connector", code, recipients, "message accepted");
        Ok(Receipt {
            accepted: outcome.accepted,
            rejected: outcome.rejected,
            message_id: prepared.message_id.clone(),
            envelope: prepared.envelope.clone(),
            reply: outcome.reply,
            attempts: 1,
            timings: journal.timings(),
        })
    }

    /// How often a message may be tried again after its connection was lost.
    pub(crate) fn max_requeues(&self) -> Option<u32> {
        self.plan.pool.as_ref().and_then(|pool| pool.max_requeues)
    }

    /// Connects, secures, authenticates and says NOOP; with an envelope goes on to MAIL, RCPT and RSET.
    pub(crate) async fn verify(&self, preflight: Option<&Envelope>, redactor: &Redactor) -> Verification {
        let credentials = match supported(&self.plan).and_then(|()| self.credentials()) {
            Ok(credentials) => credentials,
            Err(error) => return self.journal(None, redactor).verification(Some(error)),
        };
        let permit = self.permit().await;
        let journal = self.journal(credentials.as_ref(), redactor);
        let examined = match permit {
            Ok(_permit) => self.examine(preflight, credentials.as_ref(), &journal).await,
            Err(error) => Err(error),
        };
        journal.verification(examined.err().map(|error| self.tell(error, &journal)))
    }

    async fn examine(
        &self,
        preflight: Option<&Envelope>,
        credentials: Option<&Credentials>,
        journal: &Journal,
    ) -> Result<()> {
        let mut session = Session::open(self, journal.clone()).await?;
        let mut examined = self.log_in(&mut session, credentials).await;
        if examined.is_ok() {
            examined = noop(&mut session).await;
        }
        if let (Ok(()), Some(envelope)) = (&examined, preflight) {
            examined = transaction::rehearse(&mut session, envelope).await;
        }
        if !matches!(&examined, Err(error) if is_over(error))
            && let Err(error) = quit(&mut session).await
        {
            journal.pass(Stage::Quit, &error.to_string());
        }
        examined
    }

    async fn log_in(&self, session: &mut Session, credentials: Option<&Credentials>) -> Result<()> {
        match credentials {
            Some(credentials) => authentication::authenticate(session, credentials, &self.plan).await,
            None => Ok(()),
        }
    }

    fn credentials(&self) -> Result<Option<Credentials>> {
        let Authentication::Password(login) = &self.plan.authentication else { return Ok(None) };
        let password = self.vault.resolve(&login.password)?;
        Credentials::new(&login.user, password, login.mechanism).map(Some)
    }

    fn journal(&self, credentials: Option<&Credentials>, redactor: &Redactor) -> Journal {
        let redactor = match credentials.map(Credentials::secrets) {
            Some(secrets) => redactor.with(secrets.iter().map(|secret| secret.as_str())),
            None => redactor.clone(),
        };
        Journal::new(redactor, self.plan.logging)
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let permit = self.connections.clone().acquire_owned().await;
        permit.map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))
    }

    /// Completes an error by what is known of the session.
    fn tell(&self, error: Error, journal: &Journal) -> Error {
        let error = error.with_transcript(journal.transcript());
        let advice = if error.hint().is_some() { None } else { advice::on(&error, &self.plan) };
        match advice {
            Some(advice) => error.with_hint(advice),
            None => error,
        }
    }
}

/// Names the first option that is beyond this host.
fn supported(plan: &TransportPlan) -> Result<()> {
    let unsupported =
        |what: &str| Err(Error::new(ErrorKind::Unsupported, format!("{what} is not supported")));
    if plan.protocol == Protocol::Lmtp {
        return unsupported("LMTP (`lmtp`)");
    }
    if plan.proxy.is_some() {
        return unsupported("a proxy (`proxy`)");
    }
    if plan.dkim.is_some() {
        return unsupported("a DKIM signature (`dkim`)");
    }
    if plan.pool.as_ref().is_some_and(|pool| pool.rate_limit.is_some()) {
        return unsupported("a rate limit (`rateLimit`)");
    }
    if matches!(plan.authentication, Authentication::OAuth2(_)) {
        return unsupported("OAuth2 (`auth.type`)");
    }
    if let Some(mechanism @ (Mechanism::CramMd5 | Mechanism::Oauthbearer | Mechanism::Xoauth2)) =
        plan.authentication.mechanism()
    {
        return Err(authentication::unbuilt(mechanism));
    }
    Ok(())
}

async fn noop(session: &mut Session) -> Result<()> {
    let answer = session.dialogue.command(Stage::Quit, "NOOP").await?;
    if answer.reply.is_positive() { Ok(()) } else { Err(Error::from_reply(Stage::Quit, answer.reply)) }
}

async fn quit(session: &mut Session) -> Result<()> {
    session.dialogue.set_patience(FAREWELL);
    session.dialogue.command(Stage::Quit, "QUIT").await.map(drop)
}

/// Whether there is nobody left to say farewell to, or nobody who keeps to the protocol.
fn is_over(error: &Error) -> bool {
    match error.reply() {
        Some(reply) => reply.code == 421 || error.kind() == ErrorKind::Protocol,
        None => matches!(error.kind(), ErrorKind::Lost | ErrorKind::Protocol | ErrorKind::Timeout),
    }
}

/// Says QUIT, and leaves the waiting for the reply to a task of its own: the result is known already.
async fn part(mut session: Session, permit: OwnedSemaphorePermit) {
    let mut farewell = Box::pin(async move {
        let _ = quit(&mut session).await;
        drop(permit);
    });
    if poll_fn(|cx| Poll::Ready(farewell.as_mut().poll(cx))).await.is_pending() {
        tokio::spawn(farewell);
    }
}
