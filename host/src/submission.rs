//! Submission: from a plan and a composed message to the server's reply.
//!
//! Nothing outside this module knows lettre, sockets or TLS. Each room knows only those below it:
//! `pool`, `advice`, `session`, `network`, `record`, and `message` by itself.

mod advice;
mod message;
mod network;
mod pool;
mod record;
mod session;
#[cfg(test)]
mod tests;
mod transport;

use std::sync::Arc;

use tokio::time::Instant;

pub(crate) use self::message::Prepared;
use self::message::dkim::Signers;
use self::message::prepare::prepare;
use self::pool::{Keeping, Pool};
use self::record::Record;
use self::session::authentication::Login;
use self::session::{Opener, is_astray, transaction};
pub use self::transport::Transport;
use crate::delivery::Delivery;
use crate::egress::EgressPolicy;
use crate::error::{Result, Stage};
use crate::message::Message;
use crate::plan::{RateLimit, TransportPlan};
use crate::receipt::{Envelope, Receipt, Verification};
use crate::redactor::Redactor;
use crate::secrets::{Observer, Secret, SecretStore};

/// Submits the messages of one configuration. Its connections end when it is dropped.
pub(crate) struct Submitter {
    signers: Option<Signers>,
    pool: Arc<Pool>,
}

impl std::fmt::Debug for Submitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submitter").field("plan", self.opener().plan()).finish_non_exhaustive()
    }
}

impl Submitter {
    /// Makes ready what every session needs. A plan that this host cannot carry out whole is
    /// refused when it is to be carried out, so that no option is ignored.
    pub(crate) fn new(
        plan: TransportPlan,
        secrets: Arc<SecretStore>,
        egress: EgressPolicy,
        observer: Observer,
    ) -> Result<Self> {
        Self::keeping(plan, secrets, egress, observer, Keeping::default())
    }

    /// The same, with connections that are kept otherwise.
    fn keeping(
        plan: TransportPlan,
        secrets: Arc<SecretStore>,
        egress: EgressPolicy,
        observer: Observer,
        keeping: Keeping,
    ) -> Result<Self> {
        let signers = plan.dkim.as_ref().map(|dkim| Signers::new(dkim, &secrets)).transpose()?;
        let opener = Opener::new(plan, secrets, egress, observer)?;
        Ok(Self { signers, pool: Arc::new(Pool::new(opener, keeping)) })
    }

    /// Makes the bytes of a message and signs them, once for all attempts.
    pub(crate) fn prepare(&self, message: &Message, own_id: Option<&str>) -> Result<Prepared> {
        self.sign(prepare(message, own_id)?)
    }

    /// Signs a message where the plan says so.
    fn sign(&self, mut prepared: Prepared) -> Result<Prepared> {
        if let Some(signers) = &self.signers {
            let signatures = signers.sign(&prepared.bytes)?;
            prepared.bytes.splice(..0, signatures.into_bytes());
        }
        Ok(prepared)
    }

    /// Hands a prepared message to the server, and tries again as the policy says. `redactor`
    /// redacts what the sessions say.
    pub(crate) async fn deliver(
        &self,
        prepared: &Arc<Prepared>,
        redactor: &Redactor,
        delivery: &Delivery,
        deadline: Option<Instant>,
    ) -> Result<Receipt> {
        self.pool.deliver(prepared, redactor, delivery, deadline).await
    }

    /// Has requests for tokens carry another refresh token from now on.
    pub(crate) async fn take_refresh_token(&self, refresh_token: Secret) {
        self.opener().take_refresh_token(refresh_token).await;
    }

    /// How many messages may go out in a window of time.
    pub(crate) fn rate_limit(&self) -> Option<RateLimit> {
        self.pool.rate_limit()
    }

    /// How many connections there may be at once.
    pub(crate) fn connections(&self) -> usize {
        self.pool.connections()
    }

    /// Takes no further messages, gives up those that wait, lets those under way end, and says
    /// QUIT.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// Connects, secures, authenticates and says NOOP; with an envelope goes on to MAIL, RCPT and
    /// RSET.
    pub(crate) async fn verify(
        &self,
        preflight: Option<&Envelope>,
        redactor: &Redactor,
    ) -> Verification {
        let opener = self.opener();
        let login = match opener.login() {
            Ok(login) => login,
            Err(error) => {
                return opener.record(None, redactor).for_verification().verification(Some(error));
            }
        };
        let record = opener.record(login.as_ref(), redactor).for_verification();
        let examined = self.examine(preflight, login.as_ref(), &record).await;
        let Err(error) = examined else { return record.verification(None) };
        record.fail(&error);
        let error = match advice::probe::advise(&opener.context, &error, &record).await {
            Some(advice) => error.with_hint(advice),
            None => error,
        };
        record.verification(Some(advice::complete(error, opener.plan(), &record)))
    }

    async fn examine(
        &self,
        preflight: Option<&Envelope>,
        login: Option<&Login>,
        record: &Record,
    ) -> Result<()> {
        // A connection of its own, in the place of one that may be kept.
        let _place = self.pool.place().await?;
        let opener = self.opener();
        let mut session = opener.connect(record.clone()).await?;
        let mut examined = opener.log_in(&mut session, login).await;
        if examined.is_ok() {
            examined = session.noop(opener.plan().timeouts.socket).await;
        }
        if let (Ok(()), Some(envelope)) = (&examined, preflight) {
            examined = transaction::rehearse(&mut session, envelope).await;
        }
        if !examined.as_ref().is_err_and(is_astray)
            && let Err(error) = session.quit().await
        {
            record.pass(Stage::Quit, &error);
        }
        examined
    }

    fn opener(&self) -> &Opener {
        self.pool.opener()
    }
}

impl Drop for Submitter {
    fn drop(&mut self) {
        self.pool.shut();
    }
}
