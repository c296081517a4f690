//! Our own dialect, for platforms that call a function of their user's: signed by Standard
//! Webhooks, or with a bearer.

use std::time::SystemTime;

use axum::http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::Value;

use super::answer::{Answer, Verdict};
use super::body::{self, Object};
use super::call::{Call, Reading};
use super::dialect::Dialect;
use super::job::{Asked, Content, rendered};
use super::logto;
use super::refusal::Refusal;
use super::secrets::{Tokens, bearer, long_enough, texts};
use super::signature::webhook::Keys;
use super::usage::Usage;
use crate::time;

/// The field that says which calls are the same one.
const KEY_FIELD: &str = "idempotency-key";

/// As long as others take them.
const MOST_KEY: usize = 256;

/// What a body may hold. It is our own: a member that is not known is a mistake.
const MEMBERS: [&str; 6] = ["content", "deadline", "locale", "payload", "to", "type"];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    secrets: Secrets,
}

/// Keys that sign, and bearers.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Value")]
struct Secrets {
    keys: Keys,
    bearers: Tokens,
}

impl TryFrom<Value> for Secrets {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let texts = texts(value)?;
        let (keys, bearers): (Vec<&str>, Vec<&str>) =
            texts.iter().map(String::as_str).partition(|text| Keys::is_key(text));
        bearers.iter().try_for_each(|bearer| long_enough(bearer.as_bytes()))?;
        Ok(Self { keys: Keys::parse(keys)?, bearers: Tokens::new(bearers) })
    }
}

impl Secrets {
    /// Lets a caller in, and gives the id of the call.
    fn admit<'a>(&self, call: &Call<'a>) -> Result<Option<&'a str>, Refusal> {
        if Keys::are_used(call) {
            return Ok(Some(self.keys.admit(call)?.id));
        }
        self.bearers.admit(bearer(call.header(&AUTHORIZATION)))?;
        let id = call.text(KEY_FIELD).map(|key| key.trim_matches('"'));
        match id {
            Some(id) if id.is_empty() || id.len() > MOST_KEY => {
                Err(Refusal::malformed("Idempotency-Key", "is empty or longer than 256 characters"))
            }
            id => Ok(id),
        }
    }
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    let id = settings.secrets.admit(reading.call)?;
    let members = body::parse(reading.call.body)?;
    let body = Object::root(&members);
    if let Some(name) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(Refusal::malformed(body.pointer(name), "is unknown"));
    }
    let usage = Usage::of(body.text("type")?, logto::USAGES);
    let mut job = reading.job(body.text("to")?, usage);
    if let Some(payload) = body.object_or_none("payload")? {
        job.payload = payload.members().clone();
    }
    job.locale = body.text_or_none("locale")?.map(str::to_owned);
    if let Some(content) = body.object_or_none("content")? {
        let (text, html) = (content.text_or_none("text")?, content.text_or_none("html")?);
        let content = rendered(content.text("subject")?, text, html)
            .ok_or_else(|| content.is_missing("text"))?;
        job.content = Content::Rendered(content);
    }
    if let Some(text) = body.text_or_none("deadline")? {
        let wrong = Refusal::malformed("/deadline", "is no duration such as 10m, and no time");
        job.ends(Some(deadline(text, reading.call.now).ok_or(wrong)?));
    }
    job.key = id.map(|id| format!("{}:{id}", Dialect::Standard));
    Ok(Asked::Mail(vec![job]))
}

/// A duration from now, or a time by RFC 3339.
fn deadline(text: &str, now: SystemTime) -> Option<SystemTime> {
    match humantime::parse_duration(text) {
        Ok(duration) => now.checked_add(duration),
        Err(_) => time::moment(text),
    }
}

pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    Answer::told(verdict)
}
