//! The platforms' hooks: each call in its own dialect, and answered in it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State as Extracted};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use smtp_connector::{Error, ErrorKind, Stage};

use super::Service;
use super::problem::Problem;
use crate::connectors::Connector;
use crate::hooks::{
    self, Answer, Asked, Call, Dialect, Ingress, IngressError, Job, MOST_BODY, Verdict,
};
use crate::queue::{Refusal, Wish};
use crate::store::{Record, State};

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/hooks/{connector}/{dialect}", any(hook))
        .layer(DefaultBodyLimit::max(MOST_BODY))
}

/// What lets nobody in: for connectors that there are not, so that a call to one takes as long as
/// one to a connector that there is.
#[derive(Debug)]
pub(crate) struct Nobody(HashMap<Dialect, Ingress>);

impl Nobody {
    /// Makes it for every dialect.
    pub(crate) fn new() -> Result<Self, IngressError> {
        let of = |dialect| Ok((dialect, Ingress::of_nobody(dialect)?));
        Dialect::ALL.into_iter().map(of).collect::<Result<_, _>>().map(Self)
    }
}

/// What became of a call.
enum Outcome {
    Delivered,
    Failed(Error),
    Limited(Duration),
    Nothing,
    Queued,
    Refused(hooks::Refusal),
    Unavailable,
}

async fn hook(
    Extracted(service): Extracted<Arc<Service>>,
    Path((name, dialect)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let dialect: Dialect = match dialect.parse() {
        Ok(dialect) => dialect,
        Err(unknown) => return Problem::not_found(unknown.to_string()).into_response(),
    };
    let outcome = match &body {
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Outcome::Refused(hooks::Refusal::TooLarge)
        }
        Err(_) => return Problem::bad_request("the body did not come whole").into_response(),
        Ok(body) => {
            let call = Call { method: &method, headers: &headers, body, now: SystemTime::now() };
            service.hear(&name, dialect, &call).await
        }
    };
    if let Outcome::Refused(refusal) = &outcome {
        tracing::warn!(
            target: "smtp_connector", connector = name, %dialect, %refusal,
            "a hook was refused"
        );
    }
    respond(hooks::answer(dialect, &outcome.verdict()))
}

impl Service {
    /// Does what a platform asks for.
    async fn hear(&self, name: &str, dialect: Dialect, call: &Call<'_>) -> Outcome {
        let connector = self.connectors.find(name);
        let own = connector.as_ref().and_then(|connector| connector.document().hooks().of(dialect));
        let Some(ingress) = own.or_else(|| self.nobody.0.get(&dialect)) else {
            return Outcome::Unavailable;
        };
        let asked = match self.read(ingress, call).await {
            Ok(asked) => asked,
            Err(refusal) => return Outcome::Refused(refusal),
        };
        match (asked, connector) {
            (Asked::Nothing, _) => Outcome::Nothing,
            (Asked::Mail(jobs), Some(connector)) if !self.queue.is_stopping() => {
                self.send(&connector, dialect, jobs, call.now).await
            }
            (Asked::Mail(_), _) => Outcome::Unavailable,
        }
    }

    /// Reads a call; with new keys where the ones that are known are too old.
    async fn read(&self, ingress: &Ingress, call: &Call<'_>) -> Result<Asked, hooks::Refusal> {
        let Some(url) = ingress.keys_url() else {
            return hooks::read(ingress, call, &JwkSet { keys: Vec::new() });
        };
        match hooks::read(ingress, call, &self.keys.known(url)) {
            Err(hooks::Refusal::UnknownKey) => {
                let keys = self.keys.renewed(url).await;
                hooks::read(ingress, call, &keys)
            }
            read => read,
        }
    }

    async fn send(
        &self,
        connector: &Connector,
        dialect: Dialect,
        jobs: Vec<Job>,
        now: SystemTime,
    ) -> Outcome {
        let wishes: Option<Vec<_>> =
            jobs.into_iter().map(|job| wish(connector, job, now)).collect();
        let Some(wishes) = wishes else {
            let late = "the call came when the mail was of no use any more";
            return Outcome::Failed(Error::new(ErrorKind::Expired, late));
        };
        let accepted = match self.queue.accept(connector, wishes).await {
            Ok(accepted) => accepted,
            Err(refusal) => return Outcome::of(refusal),
        };
        let (Some(patience), [only]) = (dialect.waits(), &accepted[..]) else {
            return Outcome::Queued;
        };
        match self.queue.await_end(&only.record.id, patience).await {
            Ok(Some(record)) => Outcome::at(&record),
            // It is queued, whatever else.
            _ => Outcome::Queued,
        }
    }
}

/// The message that a job asks for; none where it is too late for it.
fn wish(connector: &Connector, job: Job, now: SystemTime) -> Option<Wish> {
    let request = job.request(|usage_type| connector.has_template(usage_type));
    let within = job.deadline.duration_since(now).ok().filter(|within| !within.is_zero())?;
    Some(Wish {
        request,
        usage_type: job.types.into_iter().next().unwrap_or_default(),
        within: Some(within),
        // What the key is made of tells the mail from every other.
        key: job.key.map(|key| (key, Vec::new())),
    })
}

impl Outcome {
    fn of(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unfit(error) => Self::Failed(error),
            Refusal::Limited(wait) => Self::Limited(wait),
            Refusal::KeyReused | Refusal::Internal(_) | Refusal::Away(_) => Self::Unavailable,
        }
    }

    /// What is known of a message by now.
    fn at(record: &Record) -> Self {
        match record.state() {
            State::Queued | State::Sending => Self::Queued,
            State::Accepted => Self::Delivered,
            state => Self::Failed(error(record, state)),
        }
    }

    fn verdict(&self) -> Verdict<'_> {
        match self {
            Self::Delivered => Verdict::Delivered,
            Self::Failed(error) => Verdict::Failed(error),
            Self::Limited(wait) => Verdict::Limited { retry_after: *wait },
            Self::Nothing => Verdict::Nothing,
            Self::Queued => Verdict::Queued,
            Self::Refused(refusal) => Verdict::Refused(refusal),
            Self::Unavailable => Verdict::Unavailable,
        }
    }
}

/// Why a message was not accepted, as far as the platform is to know.
fn error(record: &Record, state: State) -> Error {
    let kept: Kept = record
        .result
        .as_deref()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_else(|| Kept { kind: None, stage: None, message: format!("it is {state}") });
    // A recipient that was refused is one that cannot be used.
    let kind = match (state, kept.stage) {
        (State::Refused, Some(Stage::Rcpt)) => ErrorKind::Address,
        _ => kept.kind.unwrap_or(ErrorKind::Internal),
    };
    let error = Error::new(kind, kept.message);
    match kept.stage {
        Some(stage) => error.at(stage),
        None => error,
    }
}

/// What is read of an error that was kept.
#[derive(Deserialize)]
struct Kept {
    kind: Option<ErrorKind>,
    stage: Option<Stage>,
    message: String,
}

fn respond(answer: Answer) -> Response {
    let mut response = (answer.status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Some(content_type) = answer.content_type {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    headers.extend(answer.headers.into_iter().map(|(name, value)| (Some(name), value)));
    response
}
