//! SendGrid's request to send a mail, as far as a platform that mails codes uses it: rendered
//! content for some recipients, each of whom gets a mail of their own.

use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::{Value, json};
use smtp_connector::Literal;

use super::answer::{Answer, Verdict};
use super::body::{self, Object};
use super::call::Reading;
use super::job::{Asked, Content, Job, rendered};
use super::refusal::Refusal;
use super::secrets::{Tokens, bearer};
use super::usage::Usage;

/// What would change who gets the mail, when, or what is in it, and is not done.
const UNSUPPORTED: [&str; 6] =
    ["attachments", "bcc", "cc", "dynamic_template_data", "send_at", "template_id"];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    secrets: Tokens,
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    settings.secrets.admit(bearer(reading.call.header(&AUTHORIZATION)))?;
    let members = body::parse(reading.call.body)?;
    let body = Object::root(&members);
    check_supported(&body)?;
    let mut jobs = Vec::new();
    for personalization in body.objects("personalizations")? {
        check_supported(&personalization)?;
        let content = content(&body, &personalization)?;
        for recipient in personalization.objects("to")? {
            jobs.push(job(reading, recipient.text("email")?, &content));
        }
    }
    if jobs.is_empty() {
        Err(body.is_missing("personalizations/0/to"))
    } else {
        Ok(Asked::Mail(jobs))
    }
}

fn job(reading: &Reading<'_>, to: &str, content: &Literal) -> Job {
    let mut job = reading.job(to, Usage::of("Generic", &[]));
    job.content = Content::Rendered(content.clone());
    job
}

fn check_supported(object: &Object<'_>) -> Result<(), Refusal> {
    match UNSUPPORTED.iter().find(|name| object.value(name).is_some()) {
        Some(name) => Err(Refusal::malformed(object.pointer(name), "is not supported")),
        None => Ok(()),
    }
}

/// The content, with the subject of the personalization or else of all.
fn content(body: &Object<'_>, personalization: &Object<'_>) -> Result<Literal, Refusal> {
    let subject = match personalization.text_or_none("subject")? {
        Some(subject) => subject,
        None => body.text("subject")?,
    };
    let (mut text, mut html) = (None, None);
    for content in body.objects("content")? {
        let form = match content.text("type")? {
            "text/html" => &mut html,
            "text/plain" => &mut text,
            _ => return Err(Refusal::malformed(content.pointer("type"), "is not supported")),
        };
        *form = Some(content.text("value")?);
    }
    rendered(subject, text, html).ok_or_else(|| body.is_missing("content"))
}

/// As SendGrid answers: 202 and nothing, or a list of errors.
pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    if verdict.is_success() {
        return Answer::empty(StatusCode::ACCEPTED);
    }
    let error = json!({ "message": verdict.line(), "field": Value::Null, "help": Value::Null });
    Answer::json(verdict.status(), &json!({ "errors": [error] }))
}
