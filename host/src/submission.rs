//! Submission: from a plan and a composed message to the server's reply. Nothing outside this
//! module knows lettre, sockets or TLS.

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
mod pool;
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

use std::sync::Arc;

use tokio::time::Instant;

use self::authentication::Login;
use self::dial::Dialler;
use self::dkim::Signers;
use self::journal::Journal;
use self::pool::connections::{Connections, KEEPING, noop, quit};
use self::pool::errand::Errand;
use self::pool::queue::Queue;
use self::pool::rate::Pace;
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

/// Everything that sessions of one configuration have in common.
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
    /// The messages that wait.
    queue: Queue,
    connections: Connections,
    /// How many messages may go out in a window of time.
    pace: Option<Pace>,
}

impl std::fmt::Debug for Submitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submitter").field("plan", &self.plan).finish_non_exhaustive()
    }
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
    /// Makes ready what every session needs. A plan that this host cannot carry out whole is
    /// refused when it is to be carried out, so that no option is ignored.
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
        let connections = Connections::new(
            plan.pool.as_ref().map(|pool| (pool.max_connections, pool.max_messages)),
            KEEPING,
        )?;
        let pace = plan.pool.as_ref().and_then(|pool| pool.rate_limit).map(Pace::new);
        let queue = Queue::default();
        Ok(Self {
            plan,
            vault,
            dialler,
            security,
            proxy_security,
            tokens,
            signers,
            queue,
            connections,
            pace,
        })
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

    /// Tries once to hand a prepared message to the server, and gives the attempt up at the
    /// deadline. `redactor` masks what the session says.
    ///
    /// A connection that was kept and turns out to be closed is no attempt: another one takes its
    /// place.
    pub(crate) async fn submit(
        self: &Arc<Self>,
        prepared: &Arc<Prepared>,
        redactor: &Redactor,
        delivery: &Delivery,
        deadline: Option<Instant>,
    ) -> Result<Receipt> {
        let (errand, waiting) = Errand::new(prepared.clone(), redactor.clone(), delivery.clone());
        if self.queue.push(errand, self.connections.most())? {
            pool::courier::start(self.clone());
        }
        waiting.wait(&self.queue, deadline, self.pace.is_none()).await
    }

    /// How many connections there may be at once.
    pub(crate) fn connections(&self) -> usize {
        self.connections.most()
    }

    /// Takes no further messages, gives up those that wait, lets those under way end, and says
    /// QUIT.
    pub(crate) async fn close(&self) {
        self.queue.close();
        self.connections.close().await;
    }

    /// How often a message may be tried again after its connection was lost.
    pub(crate) fn max_requeues(&self) -> Option<u32> {
        self.plan.pool.as_ref().and_then(|pool| pool.max_requeues)
    }

    /// Connects, secures, authenticates and says NOOP; with an envelope goes on to MAIL, RCPT and
    /// RSET.
    pub(crate) async fn verify(
        &self,
        preflight: Option<&Envelope>,
        redactor: &Redactor,
    ) -> Verification {
        let login = match Login::resolve(self) {
            Ok(login) => login,
            Err(error) => {
                return self.journal(None, redactor).for_verification().verification(Some(error));
            }
        };
        let journal = self.journal(login.as_ref(), redactor).for_verification();
        let examined = self.examine(preflight, login.as_ref(), &journal).await;
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
        // A connection of its own, in the place of one that may be kept.
        let mut place = self.connections.get().await?;
        place.leave().await;
        let mut session = Session::open(self, journal.clone()).await?;
        let mut examined = self.log_in(&mut session, login).await;
        if examined.is_ok() {
            examined = noop(&mut session, self.plan.timeouts.socket).await;
        }
        if let (Ok(()), Some(envelope)) = (&examined, preflight) {
            examined = transaction::rehearse(&mut session, envelope).await;
        }
        if !examined.as_ref().is_err_and(is_astray)
            && let Err(error) = quit(&mut session).await
        {
            journal.pass(Stage::Quit, &error);
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

/// TLS to the proxy follows the options of the session, but for what is the server's own: its name
/// in the certificate, and the client's certificate, which the proxy has no business with.
fn proxy_security(plan: &TransportPlan, vault: &Vault) -> Result<Option<Security>> {
    let Some(proxy) = plan.proxy.as_ref().filter(|proxy| proxy.protocol == ProxyProtocol::Https)
    else {
        return Ok(None);
    };
    let options = TlsOptions { server_name: None, identity: None, ..plan.tls_options.clone() };
    Security::new(&options, &proxy.endpoint.host, vault, "/tls").map(Some)
}

/// Whether the server answered something that has no place in the dialogue.
fn is_astray(error: &Error) -> bool {
    error.kind() == ErrorKind::Protocol && error.reply().is_some()
}
