//! Clerk's webhook `email.created`, which Svix signs: rendered mail, of which ours is what Clerk
//! does not deliver itself.

use std::time::Duration;

use serde::Deserialize;

use super::answer::{Answer, Verdict};
use super::body::{self, Object};
use super::call::Reading;
use super::dialect::Dialect;
use super::job::{Asked, Content, moment, rendered};
use super::refusal::Refusal;
use super::signature::webhook::Keys;
use super::usage::{CODE, INVITATION, NOTICE, Table, Usage};

const USAGES: &Table = &[
    ("account_locked", "Generic", NOTICE),
    ("invitation", "OrganizationInvitation", INVITATION),
    ("magic_link_sign_in", "SignIn", CODE),
    ("magic_link_sign_up", "Register", CODE),
    ("magic_link_user_profile", "BindNewIdentifier", CODE),
    ("new_device_sign_in", "Generic", NOTICE),
    ("organization_invitation", "OrganizationInvitation", INVITATION),
    ("passkey_added", "Generic", NOTICE),
    ("passkey_removed", "Generic", NOTICE),
    ("password_changed", "Generic", NOTICE),
    ("password_removed", "Generic", NOTICE),
    ("primary_email_address_changed", "Generic", NOTICE),
    ("reset_password_code", "ForgotPassword", CODE),
    ("verification_code", "SignIn", CODE),
    ("waitlist_invitation", "OrganizationInvitation", INVITATION),
];

const EVENT: &str = "email.created";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    secrets: Keys,
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    let signed = settings.secrets.admit(reading.call)?;
    let members = body::parse(reading.call.body)?;
    let body = Object::root(&members);
    if body.text("type")? != EVENT {
        return Ok(Asked::Nothing);
    }
    let mail = body.object("data")?;
    if mail.flag("delivered_by_clerk")? {
        return Ok(Asked::Nothing);
    }
    let usage = Usage::of(mail.text_or_none("slug")?.unwrap_or("Generic"), USAGES);
    // Svix calls for many hours. The time of the event is that of its first call, and stays.
    let event = body.number_or_none("timestamp")?.map(Duration::from_millis).and_then(moment);
    let deadline = event.unwrap_or(signed.at).checked_add(reading.deadline.unwrap_or(usage.life));
    let mut job = reading.job(mail.text("to_email_address")?, usage);
    job.ends(deadline);
    let (text, html) = (mail.text_or_none("body_plain")?, mail.text_or_none("body")?);
    let content = rendered(mail.text("subject")?, text, html);
    job.content = Content::Rendered(content.ok_or_else(|| mail.is_missing("body"))?);
    job.key = Some(format!("{}:{}", Dialect::Clerk, mail.text("id")?));
    if let Some(data) = mail.object_or_none("data")? {
        job.set("code", data.text_or_none("otp_code")?);
        job.set("link", data.first_text(&["magic_link", "action_url"])?);
    }
    Ok(Asked::Mail(vec![job]))
}

pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    Answer::told(verdict)
}
