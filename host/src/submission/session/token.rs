//! Access tokens for the session (RFC 6749): kept until shortly before they expire, and renewed by
//! one request at a time, however many messages wait.
//!
//! A refresh token that the endpoint replaces is handed to the embedder.

mod assertion;
mod grant;
mod request;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;

use self::grant::Granted;
use self::request::Source;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{AccessToken, OAuth2Login, Timeouts};
use crate::secrets::{Observer, RotatedToken, Secret, SecretStore};
use crate::submission::network::dial::Dialler;
use crate::submission::record::Record;

/// How long before its end a token counts as expired: time for the session that is to use it.
const MARGIN: Duration = Duration::from_secs(60);

/// The access tokens of one configuration.
#[derive(Debug)]
pub(crate) struct Tokens {
    user: String,
    given: Option<AccessToken>,
    source: Option<Source>,
    secrets: Arc<SecretStore>,
    observer: Observer,
    held: Mutex<Held>,
    /// How many requests have ended.
    rounds: AtomicU64,
}

/// What the last request brought.
#[derive(Debug, Default)]
struct Held {
    token: Option<Secret>,
    expires: Option<SystemTime>,
    refresh_token: Option<Secret>,
    failure: Option<Error>,
}

impl Tokens {
    /// Makes ready what a login by token needs. No token is asked for yet.
    pub(crate) fn new(
        login: &OAuth2Login,
        timeouts: &Timeouts,
        dialler: Dialler,
        secrets: Arc<SecretStore>,
        observer: Observer,
    ) -> Result<Self> {
        let source = login.renewal.as_ref();
        let source = source
            .map(|request| Source::new(&login.user, request, timeouts, dialler, secrets.clone()));
        Ok(Self {
            user: login.user.clone(),
            given: login.access_token.clone(),
            source: source.transpose()?,
            secrets,
            observer,
            held: Mutex::default(),
            rounds: AtomicU64::new(0),
        })
    }

    /// Whether another token can be had where one is refused.
    pub(crate) fn is_renewable(&self) -> bool {
        self.source.is_some()
    }

    /// Has requests carry another refresh token from now on. One that is under way ends first.
    pub(crate) async fn take_refresh_token(&self, refresh_token: Secret) {
        self.held.lock().await.refresh_token = Some(refresh_token);
    }

    /// A token other than `refused`: one that is held, or a new one.
    ///
    /// A request that has begun is carried to its end even if nobody waits for it any more: the
    /// endpoint may have replaced the refresh token by then.
    pub(crate) async fn obtain(
        self: &Arc<Self>,
        refused: Option<&Secret>,
        record: &Record,
    ) -> Result<Secret> {
        let seen = self.rounds.load(Ordering::Acquire);
        let held = match self.held.try_lock() {
            Ok(held) => self.usable(&held, refused)?,
            Err(_) => None,
        };
        let token = match held {
            Some(token) => token,
            None => {
                let (tokens, refused, record) = (self.clone(), refused.cloned(), record.clone());
                let renewal = async move { tokens.renew(seen, refused.as_ref(), &record).await };
                let renewed = tokio::spawn(renewal).await;
                // A panic of the embedder's callback may quote the token that it was given.
                let failed =
                    |_| Error::new(ErrorKind::Internal, "the task that asks for a token failed");
                renewed.map_err(|error| failed(error).at(Stage::Auth))??
            }
        };
        record.redaction.redact([token.expose()]);
        Ok(token)
    }

    async fn renew(&self, seen: u64, refused: Option<&Secret>, record: &Record) -> Result<Secret> {
        let mut held = self.held.lock().await;
        if let Some(token) = self.usable(&held, refused)? {
            return Ok(token);
        }
        // Whoever waited for a request that failed waited for this one.
        if self.rounds.load(Ordering::Acquire) != seen
            && let Some(failure) = &held.failure
        {
            return Err(failure.echo());
        }
        let Some(source) = &self.source else {
            // Nothing better is to be had.
            return self.given();
        };
        let outcome = source.request(held.refresh_token.as_ref(), record).await;
        self.rounds.fetch_add(1, Ordering::Release);
        let Granted { token, expires, refresh_token } = outcome.inspect_err(|error| {
            held.failure = Some(error.echo());
        })?;
        (held.token, held.expires, held.failure) = (Some(token.clone()), expires, None);
        let rotated =
            refresh_token.filter(|new| source.is_replaced_by(new, held.refresh_token.as_ref()));
        if let Some(refresh_token) = rotated {
            held.refresh_token = Some(refresh_token.clone());
            let rotated = RotatedToken::new(&self.user, refresh_token);
            self.observer.observe(&rotated, |warning| record.warn(warning));
        }
        Ok(token)
    }

    /// A token that is there, not refused, and not about to expire.
    fn usable(&self, held: &Held, refused: Option<&Secret>) -> Result<Option<Secret>> {
        let is_refused =
            |token: &Secret| refused.is_some_and(|refused| refused.expose() == token.expose());
        let lasts = |expires: Option<SystemTime>| {
            expires.is_none_or(|expires| expires > SystemTime::now() + MARGIN)
        };
        if let Some(token) = &held.token {
            return Ok(
                Some(token.clone()).filter(|token| lasts(held.expires) && !is_refused(token))
            );
        }
        let Some(given) = &self.given else { return Ok(None) };
        let expires = given.expires_at.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        let token = self.given()?;
        Ok(Some(token).filter(|token| lasts(expires) && !is_refused(token)))
    }

    /// The token that the configuration holds.
    fn given(&self) -> Result<Secret> {
        let Some(given) = &self.given else {
            let message = "the plan has neither an access token nor a way to one";
            return Err(Error::new(ErrorKind::Component, message).at(Stage::Auth));
        };
        let token = self.secrets.resolve(&given.token)?;
        if is_token(token.expose()) {
            return Ok(token);
        }
        let message =
            format!("the access token at `{}` holds a character that no token has", given.token.0);
        Err(Error::new(ErrorKind::Configuration, message)
            .at(Stage::Auth)
            .with_hint("Write the token alone, without `Bearer`, blanks and line breaks."))
    }
}

/// Whether a text can stand after `Bearer` (RFC 6750 §2.1 is stricter): nothing in it ends the
/// message.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
