//! The access log: a line for each request, with nothing of its content, and the figures of it.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::{figures, telemetry};

/// The field by which callers and the log name a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name that is taken over from a caller.
const LONGEST_ID: usize = 64;

/// Writes the line. All that is logged of a request until it is answered bears its name.
pub(super) async fn log(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let span = tracing::error_span!(target: "smtp_connector::http", "request", id);
    telemetry::follow_request(&span, request.headers());
    let mut response = answered(request, next).instrument(span).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

async fn answered(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    // What a path is an example of: the path itself holds names that callers have chosen.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let status = response.status().as_u16();
    let took = begun.elapsed();
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(target: "smtp_connector::http", %method, route, status, ms, "request");
    telemetry::describe_request(method.as_str(), route, status);
    figures::requested(route, status, took);
    response
}

/// The caller's own name for a request, where it is one that a log can bear, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = |id: &&str| (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(known);
    given.filter(fits).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_over_where_it_is_one() {
        let id = |text: &str| {
            request_id(&HeaderMap::from_iter([(REQUEST_ID, text.parse().expect("a value"))]))
        };
        assert_eq!(id("7b1e-4a.5_8"), "7b1e-4a.5_8");
        for text in ["", "a b", "a\"b", "a=b", &"a".repeat(65)] {
            let made = id(text);
            assert!(uuid::Uuid::try_parse(&made).is_ok(), "{text}: {made}");
        }
    }
}
