//! The body of a request as a typed value, or what is wrong with it.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::json::{self, Misread};

/// A body in JSON, as text and as what it means.
pub(super) struct Json<T> {
    /// The words of the request.
    pub(super) words: Bytes,
    /// What they mean.
    pub(super) value: T,
}

/// A body in JSON, as text.
pub(super) struct JsonText(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonText {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            let detail = "the body has to be `application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", detail));
        }
        Bytes::from_request(request, state).await.map(Self).map_err(|rejection| unread(&rejection))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let JsonText(words) = JsonText::from_request(request, state).await?;
        let value = json::read(&words)?;
        Ok(Self { words, value })
    }
}

impl From<Misread> for Problem {
    fn from(misread: Misread) -> Self {
        match misread {
            Misread::Syntax(problem) => {
                Self::bad_request(format!("the body is not JSON: {problem}"))
            }
            Misread::Shape(problem) => Self::unprocessable(problem),
        }
    }
}

/// Why a body did not come.
fn unread(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = "the body is larger than this address takes";
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail);
    }
    Problem::new(StatusCode::BAD_REQUEST, "malformed", "the body did not come whole")
}
