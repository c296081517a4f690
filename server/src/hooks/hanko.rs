//! Hanko's webhook `email.send`: rendered mail, inside a token that Hanko signs.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::answer::{Answer, Verdict};
use super::body::{self, Object};
use super::call::Reading;
use super::dialect::Dialect;
use super::job::{Asked, Content, moment, rendered};
use super::refusal::Refusal;
use super::seal::Seal;
use super::token::{Expected, claims};
use super::usage::{CODE, NOTICE, Table, Usage};
use crate::place::Place;

const USAGES: &Table = &[
    ("email_verification", "Register", CODE),
    ("login_attempt", "Generic", NOTICE),
    ("passcode", "SignIn", CODE),
    ("recovery", "ForgotPassword", CODE),
    ("registration_attempt", "Generic", NOTICE),
    ("security_notification", "Generic", NOTICE),
];

/// The subject of the tokens of webhooks. Those of sessions have the same keys and audience, and
/// any user has one.
const SUBJECT: &str = "hanko webhooks";

const EVENT: &str = "email.send";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    keys: Place,
    audience: String,
}

impl Settings {
    pub(super) fn keys_url(&self) -> &Url {
        self.keys.url()
    }
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    const WRONG: Refusal = Refusal::Unauthorized("the body holds no token");
    // The token is what is signed: nothing else of the body counts.
    let members = body::parse(reading.call.body).map_err(|_| WRONG)?;
    let token = members.get("token").and_then(Value::as_str).ok_or(WRONG)?;
    let expected = Expected { audience: &settings.audience, issuer: None, subject: Some(SUBJECT) };
    let claims = claims(token, reading.keys, &expected, reading.call.now)?;
    let claims = Object::root(&claims);
    if claims.text("evt")? != EVENT {
        return Ok(Asked::Nothing);
    }
    let mail = claims.object("data")?;
    if mail.flag("delivered_by_hanko")? {
        return Ok(Asked::Nothing);
    }
    let name = mail.text_or_none("type")?.unwrap_or("Generic");
    let mut job = reading.job(mail.text("to_email_address")?, Usage::of(name, USAGES));
    let (text, html) = (mail.text_or_none("body_plain")?, mail.text_or_none("body")?);
    let content = rendered(mail.text("subject")?, text, html);
    job.content = Content::Rendered(content.ok_or_else(|| mail.is_missing("body_plain"))?);
    job.locale = mail.text_or_none("language")?.map(str::to_owned);
    job.key = Some(Seal::new(token.as_bytes()).key(Dialect::Hanko, &[]));
    if let Some(data) = mail.object_or_none("data")? {
        job.set("code", data.text_or_none("otp_code")?);
        job.set("link", data.text_or_none("url")?);
        let until = data.number_or_none("valid_until")?.map(Duration::from_secs);
        job.ends(until.and_then(moment));
    }
    Ok(Asked::Mail(vec![job]))
}

/// Hanko switches off a webhook that fails: so what concerns one mail alone is a success that tells
/// of the refusal.
pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    Answer::lenient(verdict)
}
