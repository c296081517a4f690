//! Logto's connector `http-email`. It has no signature: the value of `Authorization` is what its
//! form has under that name, word for word.

use axum::http::header::AUTHORIZATION;
use serde::Deserialize;

use super::answer::{Answer, Verdict};
use super::body::{self, Object};
use super::call::Reading;
use super::job::Asked;
use super::refusal::Refusal;
use super::secrets::Tokens;
use super::usage::{CODE, INVITATION, Table, Usage};

pub(super) const USAGES: &Table = &[
    ("BindMfa", "BindMfa", CODE),
    ("BindNewIdentifier", "BindNewIdentifier", CODE),
    ("ForgotPassword", "ForgotPassword", CODE),
    ("Generic", "Generic", CODE),
    ("MfaVerification", "MfaVerification", CODE),
    ("OrganizationInvitation", "OrganizationInvitation", INVITATION),
    ("Register", "Register", CODE),
    ("SignIn", "SignIn", CODE),
    // What older versions send from the console's test button.
    ("Test", "Generic", CODE),
    ("UserPermissionValidation", "UserPermissionValidation", CODE),
];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    secrets: Tokens,
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    settings.secrets.admit(reading.call.header(&AUTHORIZATION))?;
    let members = body::parse(reading.call.body)?;
    let body = Object::root(&members);
    let mut job = reading.job(body.text("to")?, Usage::of(body.text("type")?, USAGES));
    if let Some(payload) = body.object_or_none("payload")? {
        job.payload = payload.members().clone();
    }
    Ok(Asked::Mail(vec![job]))
}

/// Logto shows the text of a failure to the administrator, as it is.
pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    Answer::text(verdict.status(), verdict.line())
}
