//! Zitadel's HTTP provider for e-mail: texts that it has translated, colours, and values, but no
//! mail.
//!
//! Unless the connector has a template for it, the layout is ours.

mod layout;

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, Verdict};
use super::body::{self, Object};
use super::call::Reading;
use super::dialect::Dialect;
use super::job::{Asked, Content};
use super::refusal::Refusal;
use super::signature::zitadel::Keys;
use super::usage::{CODE, INVITATION, NOTICE, Table, Usage};

use self::layout::Layout;

const USAGES: &Table = &[
    ("session.otp.email.challenged", "SignIn", CODE),
    ("user.domain.claimed", "Generic", NOTICE),
    ("user.human.email.code.added", "Register", NOTICE),
    ("user.human.initialization.code.added", "Register", INVITATION),
    ("user.human.invite.code.added", "OrganizationInvitation", INVITATION),
    ("user.human.otp.email.code.added", "MfaVerification", CODE),
    ("user.human.password.changed", "Generic", NOTICE),
    ("user.human.password.code.added", "ForgotPassword", NOTICE),
    ("user.human.passwordless.initialization.code.requested", "BindMfa", NOTICE),
];

/// The code, whose second name is what becomes of `OTP` with a small first letter.
const CODES: [&str; 2] = ["code", "oTP"];

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    secrets: Keys,
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    let seal = settings.secrets.admit(reading.call)?;
    let members = body::parse(reading.call.body)?;
    let body = Object::root(&members);
    let context = body.object("contextInfo")?;
    let to = context.text("recipientEmailAddress")?;
    let event = context.text("eventType")?;
    let texts = body.object("templateData")?;
    let layout = Layout::read(&texts)?;
    let arguments = body.object_or_none("args")?;
    let code = arguments.as_ref().map(|arguments| arguments.first_text(&CODES)).transpose()?;
    let code = code.flatten();
    let mut job = reading.job(to, Usage::of(event, USAGES));
    job.content = Content::Layout(layout.literal());
    job.set("code", code);
    job.set("link", texts.text_or_none("url")?);
    job.set("texts", Some(texts.members().clone()));
    if let Some(arguments) = arguments {
        job.set("args", Some(arguments.members().clone()));
        job.set("user", Some(user(&arguments, to)?));
    }
    job.key = Some(match code {
        Some(code) => seal.key(Dialect::Zitadel, &[to, event, code]),
        // A notice says when it happened, and so is another one each time.
        None => seal.key(Dialect::Zitadel, &[&String::from_utf8_lossy(reading.call.body)]),
    });
    Ok(Asked::Mail(vec![job]))
}

/// The user, under the names that templates know.
fn user(arguments: &Object<'_>, address: &str) -> Result<Value, Refusal> {
    Ok(json!({
        "id": arguments.text_or_none("userID")?,
        "name": arguments.text_or_none("displayName")?,
        "username": arguments.first_text(&["preferredLoginName", "userName"])?,
        "primaryEmail": address,
    }))
}

/// Zitadel tries again after a failure, later each time, and shows none.
pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    Answer::told(verdict)
}
