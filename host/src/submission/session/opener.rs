//! Opens the sessions of one configuration.

use std::sync::Arc;

use super::Session;
use super::authentication::{self, Login};
use super::pipelining::Pipelining;
use super::token::Tokens;
use crate::egress::EgressPolicy;
use crate::error::Result;
use crate::plan::{Authentication, TransportPlan};
use crate::redactor::Redactor;
use crate::secrets::{Observer, Secret, SecretStore};
use crate::submission::network::Context;
use crate::submission::network::dial::Dialler;
use crate::submission::record::Record;

/// What every session of one configuration begins with.
#[derive(Debug)]
pub(crate) struct Opener {
    pub(crate) context: Context,
    pipelining: Arc<Pipelining>,
    /// For a login by token.
    tokens: Option<Arc<Tokens>>,
}

impl Opener {
    /// Makes ready what every session needs. A plan that this host cannot carry out whole is
    /// refused, so that no option is ignored.
    pub(crate) fn new(
        plan: TransportPlan,
        secrets: Arc<SecretStore>,
        egress: EgressPolicy,
        observer: Observer,
    ) -> Result<Self> {
        Self::over(Context::new(plan, secrets, egress)?, observer)
    }

    /// The same, over what is made ready already.
    pub(crate) fn over(context: Context, observer: Observer) -> Result<Self> {
        let tokens = match &context.plan.authentication {
            Authentication::OAuth2(login) => {
                // The local address is for the mail server, and may have no way to another one.
                let dialler = Dialler { local: None, ..context.dialler.clone() };
                let (timeouts, secrets) = (&context.plan.timeouts, context.secrets.clone());
                Some(Arc::new(Tokens::new(login, timeouts, dialler, secrets, observer)?))
            }
            Authentication::None | Authentication::Password(_) => None,
        };
        let pipelining = Arc::new(Pipelining::new(context.plan.pipelining));
        Ok(Self { context, pipelining, tokens })
    }

    /// The plan that is carried out.
    pub(crate) fn plan(&self) -> &TransportPlan {
        &self.context.plan
    }

    /// The login that the plan asks for, with its secrets as they are now.
    pub(crate) fn login(&self) -> Result<Option<Login>> {
        Login::resolve(&self.context, self.tokens.as_ref())
    }

    /// Has requests for tokens carry another refresh token from now on.
    pub(crate) async fn take_refresh_token(&self, refresh_token: Secret) {
        if let Some(tokens) = &self.tokens {
            tokens.take_refresh_token(refresh_token).await;
        }
    }

    /// A record in which neither the secrets of the login are shown nor what `redactor` redacts.
    pub(crate) fn record(&self, login: Option<&Login>, redactor: &Redactor) -> Record {
        let record = Record::new(redactor.clone(), self.plan().logging);
        let secrets = login.map(Login::secrets).unwrap_or_default();
        record.redaction.redact(secrets.iter().map(|secret| secret.as_str()));
        record
    }

    /// Connects and goes on until the server has listed what it offers.
    pub(crate) async fn connect(&self, record: Record) -> Result<Session> {
        Session::open(&self.context, self.pipelining.clone(), record).await
    }

    /// Logs in where the plan says so.
    pub(crate) async fn log_in(&self, session: &mut Session, login: Option<&Login>) -> Result<()> {
        match login {
            Some(login) => authentication::authenticate(session, login, self.plan()).await,
            None => Ok(()),
        }
    }
}
