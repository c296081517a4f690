//! A platform's call, as it came.

use std::fmt;
use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, HeaderName, Method};
use jsonwebtoken::jwk::JwkSet;

use super::job::{Content, Job};
use super::usage::Usage;

/// A platform's call.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The method.
    pub method: &'a Method,
    /// The header fields.
    pub headers: &'a HeaderMap,
    /// The body, as it was signed.
    pub body: &'a [u8],
    /// When it came.
    pub now: SystemTime,
}

impl<'a> Call<'a> {
    /// The first field of this name.
    pub(super) fn header(&self, name: &HeaderName) -> Option<&'a [u8]> {
        self.headers.get(name).map(axum::http::HeaderValue::as_bytes)
    }

    /// The first field of this name, where it is text.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Call<'_> {
    /// Shows neither credentials nor codes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", self.method)
            .field("body_bytes", &self.body.len())
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// A call with what it is read by.
pub(super) struct Reading<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) keys: &'a JwkSet,
    /// How long a mail is of use where the platform does not say it.
    pub(super) deadline: Option<Duration>,
}

impl Reading<'_> {
    /// A job with the content of a template, no values and the deadline of its usage.
    pub(super) fn job(&self, to: &str, usage: Usage) -> Job {
        let life = self.deadline.unwrap_or(usage.life);
        Job {
            to: to.to_owned(),
            types: usage.types,
            payload: serde_json::Map::new(),
            locale: None,
            content: Content::Template,
            key: None,
            deadline: self.call.now + life,
        }
    }
}
