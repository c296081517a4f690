//! Submission: from a plan and a composed message to the server's reply. Nothing outside this module knows
//! lettre, sockets or TLS.

mod advice;
mod answer;
mod authentication;
mod body;
mod capabilities;
mod dial;
mod dkim;
mod fault;
mod http;
mod journal;
mod lettre_stream;
mod message;
mod probe;
mod proxy;
mod route;
mod security;
mod session;
#[cfg(test)]
mod tests;
mod token;
mod transaction;
mod transparency;
mod wire;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use self::authentication::Login;
use self::dial::Dialler;
use self::dkim::Signers;
use self::journal::Journal;
use self::security::Security;
use self::session::Session;
use self::token::Tokens;
use crate::delivery::Delivery;
use crate::egress::EgressPolicy;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::message::Message;
use crate::plan::{Authentication, ProxyProtocol, TlsOptions, TransportPlan};
use crate::receipt::{Envelope, Receipt, Verification};
use crate::redactor::Redactor;
use crate::rotation::Observer;
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
    dialler: Dialler,
    security: Security,
    /// For a proxy that is reached by TLS.
    proxy_security: Option<Security>,
    /// For a login by token.
    tokens: Option<Arc<Tokens>>,
    signers: Option<Signers>,
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
    pub(crate) fn new(
        plan: TransportPlan,
        vault: Arc<Vault>,
        egress: EgressPolicy,
        observer: Observer,
    ) -> Result<Self> {
        let security = Security::new(&plan.tls_options, &plan.endpoint.host, &vault, "/tls")?;
        let proxy_security = proxy_security(&plan, &vault)?;
        let (dns, connection) = (plan.timeouts.dns, plan.timeouts.connection);
        let dialler = Dialler { local: plan.local_address, dns, connection, egress };
        let tokens = match &plan.authentication {
            Authentication::OAuth2(login) => {
                // The local address is for the mail server, and may have no way to another one.
                let dialler = Dialler { local: None, ..dialler.clone() };
                let tokens = Tokens::new(login, &plan.timeouts, dialler, vault.clone(), observer)?;
                Some(Arc::new(tokens))
            }
            Authentication::None | Authentication::Password(_) => None,
        };
        let signers = plan.dkim.as_ref().map(|dkim| Signers::new(dkim, &vault)).transpose()?;
        let connections = plan.pool.as_ref().map_or(CONNECTIONS, |pool| pool.max_connections).max(1);
        let connections = Arc::new(Semaphore::new(connections as usize));
        Ok(Self { plan, vault, dialler, security, proxy_security, tokens, signers, connections })
    }

    /// Makes the bytes of a message and signs them, once for all attempts.
    pub(crate) fn prepare(&self, message: &Message) -> Result<Prepared> {
        let mut prepared = message::prepare(message)?;
        if let Some(signers) = &self.signers {
            let signatures = signers.sign(&prepared.bytes)?;
            prepared.bytes.splice(..0, signatures.into_bytes());
        }
        Ok(prepared)
    }

    /// Tries once to hand a prepared message to the server, and gives the attempt up at the deadline. `redactor`
    /// masks what the session says.
    pub(crate) async fn submit(
        &self,
        prepared: &Prepared,
        redactor: &Redactor,
        delivery: &Delivery,
        deadline: Option<Instant>,
    ) -> Result<Receipt> {
        supported(&self.plan)?;
        let login = Login::resolve(self)?;
        let journal = self.journal(login.as_ref(), redactor);
        let attempt = self.attempt(prepared, login.as_ref(), delivery, &journal);
        let attempted = match deadline {
            None => attempt.await,
            Some(deadline) => timeout_at(deadline, attempt).await.unwrap_or_else(|_| Err(journal.expired())),
        };
        attempted.map_err(|error| self.tell(error, &journal))
    }

    async fn attempt(
        &self,
        prepared: &Prepared,
        login: Option<&Login>,
        delivery: &Delivery,
        journal: &Journal,
    ) -> Result<Receipt> {
        let permit = self.permit().await?;
        let mut session = Session::open(self, journal.clone()).await?;
        let outcome = match self.log_in(&mut session, login).await {
            Ok(()) => transaction::submit(&mut session, prepared, delivery).await,
            Err(error) => Err(error),
        };
        if !matches!(&outcome, Err(error) if is_over(&session, error)) {
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
            tls: journal.tls(),
            attempts: 1,
            timings: journal.timings(),
            transcript: journal.transcript(),
        })
    }

    /// How often a message may be tried again after its connection was lost.
    pub(crate) fn max_requeues(&self) -> Option<u32> {
        self.plan.pool.as_ref().and_then(|pool| pool.max_requeues)
    }

    /// Connects, secures, authenticates and says NOOP; with an envelope goes on to MAIL, RCPT and RSET.
    pub(crate) async fn verify(&self, preflight: Option<&Envelope>, redactor: &Redactor) -> Verification {
        let login = match supported(&self.plan).and_then(|()| Login::resolve(self)) {
            Ok(login) => login,
            Err(error) => return self.journal(None, redactor).verification(Some(error)),
        };
        let permit = self.permit().await;
        let journal = self.journal(login.as_ref(), redactor);
        let examined = match permit {
            Ok(_permit) => self.examine(preflight, login.as_ref(), &journal).await,
            Err(error) => Err(error),
        };
        let Err(error) = examined else { return journal.verification(None) };
        journal.fail(&error);
        let error = match probe::advise(self, &error, &journal).await {
            Some(advice) => error.with_hint(advice),
            None => error,
        };
        journal.verification(Some(self.tell(error, &journal)))
    }

    async fn examine(
        &self,
        preflight: Option<&Envelope>,
        login: Option<&Login>,
        journal: &Journal,
    ) -> Result<()> {
        let mut session = Session::open(self, journal.clone()).await?;
        let mut examined = self.log_in(&mut session, login).await;
        if examined.is_ok() {
            examined = noop(&mut session).await;
        }
        if let (Ok(()), Some(envelope)) = (&examined, preflight) {
            examined = transaction::rehearse(&mut session, envelope).await;
        }
        if !matches!(&examined, Err(error) if is_over(&session, error))
            && let Err(error) = quit(&mut session).await
        {
            journal.pass(Stage::Quit, &error.to_string());
        }
        examined
    }

    async fn log_in(&self, session: &mut Session, login: Option<&Login>) -> Result<()> {
        match login {
            Some(login) => authentication::authenticate(session, login, &self.plan).await,
            None => Ok(()),
        }
    }

    fn journal(&self, login: Option<&Login>, redactor: &Redactor) -> Journal {
        let journal = Journal::new(redactor.clone(), self.plan.logging);
        let secrets = login.map(Login::secrets).unwrap_or_default();
        journal.conceal(secrets.iter().map(|secret| secret.as_str()));
        journal
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

/// TLS to the proxy follows the options of the session, but for what is the server's own: its name in the
/// certificate, and the client's certificate, which the proxy has no business with.
fn proxy_security(plan: &TransportPlan, vault: &Vault) -> Result<Option<Security>> {
    let Some(proxy) = plan.proxy.as_ref().filter(|proxy| proxy.protocol == ProxyProtocol::Https) else {
        return Ok(None);
    };
    let options = TlsOptions { server_name: None, identity: None, ..plan.tls_options.clone() };
    Security::new(&options, &proxy.endpoint.host, vault, "/tls").map(Some)
}

/// Names the first option that is beyond this host.
fn supported(plan: &TransportPlan) -> Result<()> {
    let unsupported =
        |what: &str| Err(Error::new(ErrorKind::Unsupported, format!("{what} is not supported")));
    if plan.pool.as_ref().is_some_and(|pool| pool.rate_limit.is_some()) {
        return unsupported("a rate limit (`rateLimit`)");
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
fn is_over(session: &Session, error: &Error) -> bool {
    let astray = error.kind() == ErrorKind::Protocol && error.reply().is_some();
    session.dialogue.is_over() || astray
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
