//! Casdoor's "Custom HTTP Email" provider: a form, rendered, with a header field that its
//! administrator writes.

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use serde::Deserialize;

use super::answer::{Answer, Verdict};
use super::call::Reading;
use super::ingress::FieldName;
use super::job::{Asked, Content, rendered};
use super::refusal::Refusal;
use super::secrets::Tokens;
use super::usage::Usage;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    secrets: Tokens,
    /// The header field that the secret stands in, if not `Authorization`.
    header: Option<FieldName>,
    #[serde(default)]
    fields: Fields,
}

/// The names of the form's fields, which can be others in Casdoor.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Fields {
    to_address: String,
    to_addresses: String,
    subject: String,
    content: String,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            to_address: "toAddress".to_owned(),
            to_addresses: "toAddresses".to_owned(),
            subject: "subject".to_owned(),
            content: "content".to_owned(),
        }
    }
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    let field: &HeaderName = settings.header.as_ref().map_or(&AUTHORIZATION, |field| &field.0);
    settings.secrets.admit(reading.call.header(field))?;
    // Casdoor writes no recipient into its JSON.
    let media_type = reading.call.text(CONTENT_TYPE.as_str()).unwrap_or_default();
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        return Err(Refusal::malformed(
            "Content-Type",
            "is not application/x-www-form-urlencoded; leave the provider's empty",
        ));
    }
    let fields = &settings.fields;
    let mut recipients = Vec::new();
    let (mut subject, mut content) = (None, None);
    for (name, value) in form_urlencoded::parse(reading.call.body) {
        let name = &*name;
        if name == fields.to_address || name == fields.to_addresses {
            recipients.push(value);
        } else if name == fields.subject {
            subject = Some(value);
        } else if name == fields.content {
            content = Some(value);
        }
    }
    let missing = |name: &str| Refusal::malformed(name, "is missing");
    if recipients.is_empty() {
        return Err(missing(&fields.to_address));
    }
    let subject = subject.ok_or_else(|| missing(&fields.subject))?;
    let content = rendered(&subject, None, content.as_deref());
    let content = content.ok_or_else(|| missing(&fields.content))?;
    let job = |to| {
        let mut job = reading.job(to, Usage::of("Generic", &[]));
        job.content = Content::Rendered(content.clone());
        job
    };
    Ok(Asked::Mail(recipients.iter().map(|to| job(to)).collect()))
}

/// Nothing but 200 is a success for Casdoor. It shows the status of a failure, and no text.
pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    let status = if verdict.is_success() { StatusCode::OK } else { verdict.status() };
    Answer::text(status, verdict.line())
}
