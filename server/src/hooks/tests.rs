//! Calls as each platform makes them, and what is made of them.

mod casdoor;
mod clerk;
mod credentials;
mod entra;
mod hanko;
mod kratos;
mod logto;
mod sendgrid;
mod standard;
mod supabase;
mod verdicts;
mod zitadel;

use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jsonwebtoken::jwk::JwkSet;
use serde_json::Value;

use super::{Answer, Asked, Call, Dialect, Ingress, Job, Refusal, Verdict, answer, read};

/// The time of all calls, in seconds of Unix time.
const NOW: u64 = 1_764_250_000;

/// A key as Standard Webhooks writes it.
const WHSEC: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A call that can be changed before it is made.
#[derive(Clone)]
struct Post {
    ingress: Ingress,
    method: Method,
    headers: HeaderMap,
    body: String,
    keys: JwkSet,
}

/// The text of a body.
struct Body(String);

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<&Value> for Body {
    fn from(value: &Value) -> Self {
        Self(value.to_string())
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl Post {
    fn new(dialect: Dialect, settings: Value, body: impl Into<Body>) -> Self {
        Self {
            ingress: Ingress::parse(dialect, settings).expect("the settings are sound"),
            method: Method::POST,
            headers: HeaderMap::new(),
            body: body.into().0,
            keys: JwkSet { keys: Vec::new() },
        }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a name");
        self.headers.insert(name, HeaderValue::from_str(value).expect("a value"));
        self
    }

    /// Signs the body as it is now by Standard Webhooks, with the prefix of the fields.
    fn signed(self, prefix: &str, id: &str, at: u64, keys: &[&str]) -> Self {
        let signatures: Vec<_> =
            keys.iter().map(|key| webhook_signature(key, id, at, &self.body)).collect();
        self.header(&format!("{prefix}-id"), id)
            .header(&format!("{prefix}-timestamp"), &at.to_string())
            .header(&format!("{prefix}-signature"), &signatures.join(" "))
    }

    fn read(&self) -> Result<Asked, Refusal> {
        let call = Call {
            method: &self.method,
            headers: &self.headers,
            body: self.body.as_bytes(),
            now: time(NOW),
        };
        read(&self.ingress, &call, &self.keys)
    }

    #[track_caller]
    fn jobs(&self) -> Vec<Job> {
        match self.read() {
            Ok(Asked::Mail(jobs)) => jobs,
            other => panic!("no mail: {other:?}"),
        }
    }

    #[track_caller]
    fn job(&self) -> Job {
        let [job] = <[Job; 1]>::try_from(self.jobs()).expect("one mail");
        job
    }

    /// The status and the body of the answer to a call that is refused, and why it is.
    #[track_caller]
    fn refused(&self) -> (u16, String, String) {
        let refusal = self.read().expect_err("it is refused");
        let Answer { status, body, .. } =
            answer(self.ingress.dialect(), &Verdict::Refused(&refusal));
        (status.as_u16(), body, refusal.to_string())
    }
}

fn time(unix: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(unix)
}

/// How long a mail is of use, from the time of the call.
fn life(job: &Job) -> Duration {
    job.deadline.duration_since(time(NOW)).expect("it is of use yet")
}

fn webhook_signature(key: &str, id: &str, at: u64, body: &str) -> String {
    let key = key.trim_start_matches("v1,").trim_start_matches("whsec_");
    let key = BASE64.decode(key).expect("a key");
    let tag = tag(&key, &format!("{id}.{at}.{body}"));
    format!("v1,{}", BASE64.encode(tag))
}

fn tag(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}
