//! What is wrong with a request, as a problem document (RFC 9457).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use smtp_connector::{Error, ErrorKind};
use utoipa::openapi::{Content, Ref, RefOr, Response as Described, ResponseBuilder};
use utoipa::{IntoResponses, ToSchema};

use crate::connectors::Change;
use crate::queue::Refusal;
use crate::store::StoreError;

/// What a problem document has at least, for the description of the API.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `Problem` writes")]
pub(super) struct ProblemDocument {
    /// Which problem it is, such as `urn:smtp-connector:problem:unfit`.
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// What is wrong, in a sentence.
    detail: String,
}

/// A problem document. Its members are those of RFC 9457, and those of the library's errors where
/// one is the reason: `kind`, `stage`, `code`, `reply`, `hint`, `diagnostics` and so on.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    members: Map<String, Value>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem of a kind, said in a sentence.
    pub(crate) fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Problem");
        let members = Map::from_iter([
            ("type".to_owned(), format!("urn:smtp-connector:problem:{kind}").into()),
            ("title".to_owned(), title.into()),
            ("status".to_owned(), status.as_u16().into()),
            ("detail".to_owned(), detail.into().into()),
        ]);
        Self { status, members, retry_after: None }
    }

    /// A problem that the library has told of.
    pub(crate) fn of(status: StatusCode, error: &Value) -> Self {
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        let mut problem = Self::new(status, &text("kind"), text("message"));
        for (name, value) in error.as_object().into_iter().flatten() {
            if name != "message" {
                problem.members.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        problem
    }

    /// Adds a member.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", detail)
    }

    pub(crate) fn unauthorized() -> Self {
        let detail = "the request has no token that is known (`Authorization: Bearer …`)";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub(crate) fn forbidden(scope: &str) -> Self {
        let detail = format!("the token is not good for this; it needs the scope `{scope}`");
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(crate) fn method() -> Self {
        let detail = "this address does not know the method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    pub(crate) fn precondition(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition", detail)
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        Self { retry_after: Some(Duration::from_secs(1)), ..problem }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::warn!(target: "smtp_connector", %error, "the store failed a request");
        Self::unavailable("the store is away; nothing was done")
    }
}

impl From<&Error> for Problem {
    fn from(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Component | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::of(status, &serde_json::to_value(error).unwrap_or_default())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unfit(error) => Self::from(&error),
            Refusal::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "key-reused",
                "another request had this idempotency key",
            ),
            Refusal::Limited(wait) => {
                let detail = "the recipient had as many messages as one gets in this time";
                let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "limit", detail);
                Self { retry_after: Some(wait), ..problem }
            }
            Refusal::Away(error) => {
                tracing::warn!(target: "smtp_connector", %error, "the store failed a request");
                Self::unavailable("the store is away; nothing was queued")
            }
            Refusal::Internal(problem) => {
                tracing::error!(
                    target: "smtp_connector", problem,
                    "a message could not be accepted"
                );
                Self::internal("the message could not be accepted")
            }
        }
    }
}

impl From<Change> for Problem {
    fn from(change: Change) -> Self {
        match change {
            Change::Unreadable(misread) => misread.into(),
            Change::NoFallback(name) => {
                Self::unprocessable(format!("`fallback`: there is no connector `{name}`"))
            }
            Change::Faulty(error) => Self::from(&error),
            Change::Conflict => Self::precondition("the connector is of another version"),
            Change::Missing => Self::not_found("there is no such connector"),
            Change::InFolder => Self::conflict("the connector is a file of the folder"),
            Change::Away(error) => error.into(),
            Change::Unsealed(error) => Self::internal(error.to_string()),
        }
    }
}

impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<Described>> {
        let content = Content::new(Some(Ref::from_schema_name(ProblemDocument::name())));
        let problem = ResponseBuilder::new()
            .description("A problem")
            .content("application/problem+json", content)
            .build();
        ["4XX", "5XX"].map(|range| (range.to_owned(), problem.clone().into())).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Value::Object(self.members).to_string();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, json);
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = self.retry_after {
            // Whole seconds, none of which is too few.
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            if let Ok(seconds) = HeaderValue::from_str(&seconds.to_string()) {
                headers.insert(header::RETRY_AFTER, seconds);
            }
        }
        response
    }
}
