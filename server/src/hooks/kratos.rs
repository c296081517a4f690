//! Ory Kratos' courier over HTTP: it has rendered its mails, and calls with the body that its
//! Jsonnet makes. Ours is in docs/platforms.md; the one that Kratos has of itself is read, too.

use std::time::Duration;

use axum::http::HeaderName;
use axum::http::header::AUTHORIZATION;
use serde::Deserialize;

use super::answer::{Answer, Verdict};
use super::body::{self, Object};
use super::call::Reading;
use super::dialect::Dialect;
use super::ingress::FieldName;
use super::job::{Asked, Content, rendered};
use super::refusal::Refusal;
use super::secrets::Tokens;
use super::usage::{CODE, NOTICE, Table, Usage};

const USAGES: &Table = &[
    ("login_code_valid", "SignIn", CODE),
    ("recovery_code_invalid", "Generic", NOTICE),
    ("recovery_code_valid", "ForgotPassword", CODE),
    ("recovery_invalid", "Generic", NOTICE),
    ("recovery_valid", "ForgotPassword", NOTICE),
    ("registration_code_valid", "Register", CODE),
    ("verification_code_invalid", "Generic", NOTICE),
    ("verification_code_valid", "BindNewIdentifier", CODE),
    ("verification_invalid", "Generic", NOTICE),
    ("verification_valid", "BindNewIdentifier", NOTICE),
];

/// What is secret in a mail, by its kind.
const CODES: [&str; 4] = ["login_code", "recovery_code", "registration_code", "verification_code"];
const LINKS: [&str; 2] = ["recovery_url", "verification_url"];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    secrets: Tokens,
    /// The header field that the secret stands in, if not `Authorization`.
    header: Option<FieldName>,
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    let field: &HeaderName = settings.header.as_ref().map_or(&AUTHORIZATION, |field| &field.0);
    let seal = settings.secrets.admit(reading.call.header(field))?;
    let members = body::parse(reading.call.body)?;
    let body = Object::root(&members);
    let recipient = body.text("recipient")?;
    let name = body.text("template_type")?;
    let text = body.first_text(&["text", "body"])?;
    let html = body.first_text(&["html", "html_body"])?;
    let content = rendered(body.text("subject")?, text, html);
    let mut job = reading.job(recipient, Usage::of(name, USAGES));
    job.content = Content::Rendered(content.ok_or_else(|| body.is_missing("text"))?);
    // The body that Kratos has of itself holds the values beside the rest.
    let data = body.object_or_none("data")?.unwrap_or(body);
    let (code, link) = (data.first_text(&CODES)?, data.first_text(&LINKS)?);
    job.set("code", code);
    job.set("link", link);
    // A notice cannot be told from the one before it.
    let secret = code.or(link);
    job.key = secret.map(|secret| seal.key(Dialect::Kratos, &[recipient, name, secret]));
    let minutes = data.number_or_none("expires_in_minutes")?;
    let life = minutes.and_then(|minutes| minutes.checked_mul(60)).map(Duration::from_secs);
    job.ends(life.and_then(|life| reading.call.now.checked_add(life)));
    Ok(Asked::Mail(vec![job]))
}

/// The courier puts a mail that failed back into its queue, and all that it took with it: so what
/// concerns one mail alone is a success that tells of the refusal.
pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    Answer::lenient(verdict)
}
