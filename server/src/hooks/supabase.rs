//! Supabase's Send Email hook, signed by Standard Webhooks. It sends values and no links: these are
//! built here.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use super::answer::{Answer, Concern, Verdict};
use super::body::{self, Object};
use super::call::Reading;
use super::dialect::Dialect;
use super::job::{Asked, Job};
use super::refusal::Refusal;
use super::signature::webhook::Keys;
use super::usage::{CODE, INVITATION, NOTICE, Table, Usage};

const USAGES: &Table = &[
    ("email", "SignIn", CODE),
    ("email_change", "BindNewIdentifier", NOTICE),
    ("email_changed_notification", "Generic", NOTICE),
    ("identity_linked_notification", "Generic", NOTICE),
    ("identity_unlinked_notification", "Generic", NOTICE),
    ("invite", "OrganizationInvitation", INVITATION),
    ("magiclink", "SignIn", CODE),
    ("mfa_factor_enrolled_notification", "Generic", NOTICE),
    ("mfa_factor_unenrolled_notification", "Generic", NOTICE),
    ("password_changed_notification", "Generic", NOTICE),
    ("phone_changed_notification", "Generic", NOTICE),
    ("reauthentication", "UserPermissionValidation", CODE),
    ("recovery", "ForgotPassword", NOTICE),
    ("signup", "Register", NOTICE),
];

/// The values that a template gets under the platform's names. Its tokens are not among them: they
/// are the `code`, or in the `link`.
const VALUES: [&str; 6] =
    ["factor_type", "old_email", "old_phone", "provider", "redirect_to", "site_url"];

/// Where applications keep a user's language, by convention.
const LANGUAGES: [&str; 3] = ["locale", "language", "lang"];

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Settings {
    secrets: Keys,
    /// Where links lead, if not to `verify` below the address that the platform names.
    verify_url: Option<WebUrl>,
}

/// An address that a browser opens.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct WebUrl(Url);

impl TryFrom<String> for WebUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.map(Self).ok_or_else(|| format!("`{text}` is no URL of the web"))
    }
}

/// One of the mails of a call.
struct Mail<'a> {
    to: &'a str,
    code: Option<&'a str>,
    hash: Option<&'a str>,
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    let signed = settings.secrets.admit(reading.call)?;
    let members = body::parse(reading.call.body)?;
    let body = Object::root(&members);
    let (user, data) = (body.object("user")?, body.object("email_data")?);
    let metadata = body.object_or_none("metadata")?;
    let uuid = metadata.map(|metadata| metadata.text_or_none("uuid")).transpose()?.flatten();
    // The id of the webhook is another one for each attempt.
    let uuid = uuid.unwrap_or(signed.id);
    let job = |(index, mail): (usize, Mail<'_>)| {
        let mut job = job(settings, reading, &user, &data, &mail)?;
        job.key = Some(format!("{}:{uuid}:{index}", Dialect::Supabase));
        Ok(job)
    };
    mails(&user, &data)?.into_iter().enumerate().map(job).collect::<Result<_, _>>().map(Asked::Mail)
}

/// Whom a call wants mailed, with what. To confirm a change of address from both sides it wants two
/// mails, and each has the hash that belongs to the other one's token: that is how the platform
/// checks them.
fn mails<'a>(user: &Object<'a>, data: &Object<'a>) -> Result<Vec<Mail<'a>>, Refusal> {
    let code = data.text_or_none("token")?;
    let hash = data.text_or_none("token_hash")?;
    if data.text("email_action_type")? != "email_change" {
        return Ok(vec![Mail { to: user.text("email")?, code, hash }]);
    }
    let new = user.text("new_email")?;
    let new_code = data.text_or_none("token_new")?;
    if new_code.is_none() {
        return Ok(vec![Mail { to: new, code, hash }]);
    }
    let current_hash = data.text_or_none("token_hash_new")?;
    Ok(vec![
        Mail { to: user.text("email")?, code, hash: current_hash },
        Mail { to: new, code: new_code, hash },
    ])
}

fn job(
    settings: &Settings,
    reading: &Reading<'_>,
    user: &Object<'_>,
    data: &Object<'_>,
    mail: &Mail<'_>,
) -> Result<Job, Refusal> {
    let action = data.text("email_action_type")?;
    let mut job = reading.job(mail.to, Usage::of(action, USAGES));
    job.set("user", Some(user.members().clone()));
    job.set("new_email", user.text_or_none("new_email")?);
    for name in VALUES {
        job.set(name, data.text_or_none(name)?);
    }
    job.set("code", mail.code);
    if let Some(hash) = mail.hash {
        job.set("link", Some(link(settings, data, hash, action)?));
    }
    if let Some(metadata) = user.object_or_none("user_metadata")? {
        // Applications put what they like there.
        let texts = LANGUAGES.iter().filter_map(|name| metadata.value(name)?.as_str());
        job.locale = texts.map(str::to_owned).next();
    }
    Ok(job)
}

/// The link that confirms: the platform's own address, with the token as a hash.
fn link(
    settings: &Settings,
    data: &Object<'_>,
    hash: &str,
    action: &str,
) -> Result<String, Refusal> {
    let mut url = match &settings.verify_url {
        Some(WebUrl(url)) => url.clone(),
        None => {
            let site = data.text("site_url")?.trim_end_matches('/');
            let wrong = |_| Refusal::malformed(data.pointer("site_url"), "is no URL");
            Url::parse(&format!("{site}/verify")).map_err(wrong)?
        }
    };
    url.query_pairs_mut().append_pair("token", hash).append_pair("type", action);
    if let Some(target) = data.text_or_none("redirect_to")? {
        url.query_pairs_mut().append_pair("redirect_to", target);
    }
    Ok(url.into())
}

/// A success has no body. What the user can do something about is a success that tells of an error,
/// which the platform shows. Nothing is 429 or 503: the platform would call again at once.
pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    if verdict.is_success() {
        return Answer::empty(StatusCode::NO_CONTENT);
    }
    if verdict.concern() == Concern::Recipient {
        let error = json!({
            "http_code": verdict.status().as_u16(),
            "message": verdict.line(),
        });
        return Answer::json(StatusCode::OK, &json!({ "error": error }));
    }
    let status = match verdict.status() {
        StatusCode::SERVICE_UNAVAILABLE => StatusCode::INTERNAL_SERVER_ERROR,
        status => status,
    };
    Answer::json(status, &json!({ "error": { "message": verdict.line() } }))
}
