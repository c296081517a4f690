//! What became of a call, and the answer that its platform understands.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use smtp_connector::{Blame, Error, ErrorKind};

use super::dialect::Dialect;
use super::refusal::Refusal;
use super::{casdoor, clerk, entra, hanko, kratos, logto, sendgrid, standard, supabase, zitadel};

/// The length at which a line is cut. Platforms show it beside a button.
const MOST_LINE: usize = 400;

/// What became of a call.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Verdict<'a> {
    /// The mail server has taken the mail.
    Delivered,
    /// The mail cannot be composed, or was not delivered.
    Failed(&'a Error),
    /// The recipient has had enough mails for now.
    Limited {
        /// When there may be another one.
        retry_after: Duration,
    },
    /// Nothing was to be sent.
    Nothing,
    /// The mail is queued, and will not be lost.
    Queued,
    /// The call was refused.
    Refused(&'a Refusal),
    /// The mail cannot be queued now.
    Unavailable,
}

/// Whom a verdict concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concern {
    /// Whoever calls, and what they said.
    Caller,
    /// This mail: another one may do better.
    Mail,
    /// Nobody: all is well.
    Nobody,
    /// Whoever is to get the mail.
    Recipient,
    /// Whoever keeps the service or the connector.
    Service,
}

/// An answer in HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The type of the body; none where it is empty.
    pub content_type: Option<&'static str>,
    /// Further fields.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: String,
}

/// The answer to a platform.
///
/// # Example
///
/// ```
/// use smtp_connector_server::hooks::{Dialect, Verdict, answer};
///
/// assert_eq!(answer(Dialect::Supabase, &Verdict::Queued).status, 204);
/// assert_eq!(answer(Dialect::Casdoor, &Verdict::Queued).status, 200);
/// ```
pub fn answer(dialect: Dialect, verdict: &Verdict<'_>) -> Answer {
    let answer = match dialect {
        Dialect::Casdoor => casdoor::answer(verdict),
        Dialect::Clerk => clerk::answer(verdict),
        Dialect::Entra => entra::answer(verdict),
        Dialect::Hanko => hanko::answer(verdict),
        Dialect::Kratos => kratos::answer(verdict),
        Dialect::Logto => logto::answer(verdict),
        Dialect::SendGrid => sendgrid::answer(verdict),
        Dialect::Standard => standard::answer(verdict),
        Dialect::Supabase => supabase::answer(verdict),
        Dialect::Zitadel => zitadel::answer(verdict),
    };
    answer.with_fields(verdict)
}

impl Verdict<'_> {
    pub(super) fn is_success(&self) -> bool {
        self.concern() == Concern::Nobody
    }

    /// Whom it concerns.
    pub(super) fn concern(&self) -> Concern {
        match self {
            Self::Delivered | Self::Nothing | Self::Queued => Concern::Nobody,
            Self::Limited { .. } => Concern::Recipient,
            Self::Refused(_) => Concern::Caller,
            Self::Unavailable => Concern::Service,
            Self::Failed(error) => match (error.kind(), error.blame()) {
                (ErrorKind::Address, _) | (_, Some(Blame::Recipient)) => Concern::Recipient,
                (
                    ErrorKind::Expired
                    | ErrorKind::Message
                    | ErrorKind::Payload
                    | ErrorKind::Template,
                    _,
                )
                | (_, Some(Blame::Content)) => Concern::Mail,
                _ => Concern::Service,
            },
        }
    }

    /// The status that says it in HTTP's own words.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Delivered | Self::Nothing => StatusCode::OK,
            Self::Queued => StatusCode::ACCEPTED,
            Self::Limited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(refusal) => match refusal {
                Refusal::Malformed { .. } => StatusCode::BAD_REQUEST,
                Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
                Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                Refusal::Unauthorized(_) | Refusal::UnknownKey => StatusCode::UNAUTHORIZED,
            },
            Self::Failed(error) => match self.concern() {
                Concern::Mail | Concern::Recipient => StatusCode::UNPROCESSABLE_ENTITY,
                _ if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::BAD_GATEWAY,
            },
        }
    }

    /// One word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "accepted",
            Self::Nothing => "nothing to send",
            Self::Queued => "queued",
            _ => "refused",
        }
    }

    /// One line for it, without a secret.
    pub(super) fn line(&self) -> String {
        let line = match self {
            Self::Delivered | Self::Nothing | Self::Queued => Cow::Borrowed(self.word()),
            Self::Limited { .. } => "too many mails to this address; try again later".into(),
            Self::Unavailable => "the mail cannot be queued now; try again later".into(),
            // Whoever is not known learns nothing, not even which of the two it was.
            Self::Refused(Refusal::Unauthorized(_) | Refusal::UnknownKey) => {
                "the credentials are missing or wrong".into()
            }
            Self::Refused(refusal) => refusal.to_string().into(),
            Self::Failed(error) => failure(error).into(),
        };
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_LINE).collect()
    }
}

fn failure(error: &Error) -> String {
    let stage = error.stage().map(|stage| format!(" at {stage}")).unwrap_or_default();
    let hint = error.hint().map(|hint| format!(". {hint}")).unwrap_or_default();
    format!("{}{stage}: {error}{hint}", error.kind())
}

impl Answer {
    pub(super) fn empty(status: StatusCode) -> Self {
        Self { status, content_type: None, headers: Vec::new(), body: String::new() }
    }

    pub(super) fn text(status: StatusCode, line: String) -> Self {
        let content_type = Some("text/plain; charset=utf-8");
        Self { status, content_type, headers: Vec::new(), body: line }
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        let content_type = Some("application/json");
        Self { status, content_type, headers: Vec::new(), body: body.to_string() }
    }

    /// A success in a word, or a problem.
    pub(super) fn told(verdict: &Verdict<'_>) -> Self {
        if verdict.is_success() {
            Self::json(verdict.status(), &json!({ "status": verdict.word() }))
        } else {
            Self::problem(verdict)
        }
    }

    /// The same, but for what concerns one mail alone: that is no failure.
    pub(super) fn lenient(verdict: &Verdict<'_>) -> Self {
        let body = match verdict.concern() {
            Concern::Nobody => json!({ "status": verdict.word() }),
            Concern::Mail | Concern::Recipient => {
                json!({ "status": verdict.word(), "detail": verdict.line() })
            }
            Concern::Caller | Concern::Service => return Self::problem(verdict),
        };
        Self::json(StatusCode::OK, &body)
    }

    /// A problem by RFC 9457.
    pub(super) fn problem(verdict: &Verdict<'_>) -> Self {
        let status = verdict.status();
        let mut problem = json!({
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": verdict.line(),
        });
        if let Verdict::Failed(error) = verdict {
            problem["error"] = json!(error);
        }
        let content_type = Some("application/problem+json");
        Self { content_type, ..Self::json(status, &problem) }
    }

    /// Adds the fields that HTTP wants beside some statuses.
    fn with_fields(mut self, verdict: &Verdict<'_>) -> Self {
        let field = match (self.status, verdict) {
            (StatusCode::UNAUTHORIZED, _) => {
                Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
            }
            (StatusCode::METHOD_NOT_ALLOWED, _) => Some((ALLOW, HeaderValue::from_static("POST"))),
            (StatusCode::TOO_MANY_REQUESTS, Verdict::Limited { retry_after }) => {
                Some((RETRY_AFTER, HeaderValue::from(whole_seconds(*retry_after))))
            }
            _ => None,
        };
        self.headers.extend(field);
        self
    }
}

/// At least one, and never too early.
fn whole_seconds(duration: Duration) -> u64 {
    let more = u64::from(duration.subsec_nanos() > 0);
    duration.as_secs().saturating_add(more).max(1)
}
