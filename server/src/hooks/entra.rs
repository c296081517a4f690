//! Microsoft Entra External ID's event `OnOtpSend`, with a token that Entra signs.

use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::answer::{Answer, Verdict};
use super::body::{self, Object};
use super::call::Reading;
use super::dialect::Dialect;
use super::job::Asked;
use super::refusal::Refusal;
use super::seal::Seal;
use super::secrets::bearer;
use super::token::{Expected, claims};
use super::usage::{CODE, Table, Usage};
use crate::place::Place;

const USAGES: &Table = &[
    ("forgotPassword", "ForgotPassword", CODE),
    ("passwordReset", "ForgotPassword", CODE),
    ("signIn", "SignIn", CODE),
    ("signUp", "Register", CODE),
];

/// The application that calls for Entra, in every tenant. Others can have a token for the same
/// audience.
const CALLER: &str = "99045fe1-7639-4a75-9d4a-577b6ca3810f";

/// The claim that names the caller: by version 2 of the tokens, and by version 1.
const CALLERS: [&str; 2] = ["azp", "appid"];

const EVENT: &str = "microsoft.graph.authenticationEvent.emailOtpSend";

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Members")]
pub(super) struct Settings {
    issuer: String,
    audience: String,
    keys: Place,
}

/// The settings as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    issuer: String,
    audience: String,
    keys: Option<Place>,
}

impl TryFrom<Members> for Settings {
    type Error = String;

    fn try_from(members: Members) -> Result<Self, String> {
        let Members { issuer, audience, keys } = members;
        let keys = match (keys, issuer.strip_suffix("/v2.0")) {
            (Some(keys), _) => keys,
            (None, Some(tenant)) => Place::try_from(format!("{tenant}/discovery/v2.0/keys"))?,
            (None, None) => {
                return Err(
                    "`issuer` does not end with `/v2.0`: say in `keys` where its keys are, \
                            the `jwks_uri` of its metadata"
                        .to_owned(),
                );
            }
        };
        Ok(Self { issuer, audience, keys })
    }
}

impl Settings {
    pub(super) fn keys_url(&self) -> &Url {
        self.keys.url()
    }
}

pub(super) fn read(settings: &Settings, reading: &Reading<'_>) -> Result<Asked, Refusal> {
    admit(settings, reading)?;
    let members = body::parse(reading.call.body)?;
    let body = Object::root(&members);
    if body.text("type")? != EVENT {
        return Err(Refusal::malformed("/type", "is no event that wants a mail"));
    }
    let data = body.object("data")?;
    let otp = data.object("otpContext")?;
    let to = otp.text("identifier")?;
    let code = code(&otp)?;
    let context = data.object("authenticationContext")?;
    let name = context.text_or_none("requestType")?.unwrap_or("Generic");
    let mut job = reading.job(to, Usage::of(name, USAGES));
    job.set("code", Some(code));
    job.set("application", application(&context)?);
    if let Some(client) = context.object_or_none("client")? {
        job.locale = client.first_text(&["locale", "market"])?.map(str::to_owned);
    }
    let correlation = context.text_or_none("correlationId")?;
    job.key = correlation.map(|id| Seal::new(id.as_bytes()).key(Dialect::Entra, &[to, code]));
    Ok(Asked::Mail(vec![job]))
}

/// Lets Entra in, and nobody else who has a token for the same audience.
fn admit(settings: &Settings, reading: &Reading<'_>) -> Result<(), Refusal> {
    const WRONG: Refusal = Refusal::Unauthorized("the token is missing or not Entra's");
    let token = bearer(reading.call.header(&AUTHORIZATION)).ok_or(WRONG)?;
    let token = std::str::from_utf8(token).map_err(|_| WRONG)?;
    let expected =
        Expected { audience: &settings.audience, issuer: Some(&settings.issuer), subject: None };
    let claims = claims(token, reading.keys, &expected, reading.call.now)?;
    let caller = CALLERS.iter().find_map(|name| claims.get(*name)).and_then(Value::as_str);
    if caller == Some(CALLER) { Ok(()) } else { Err(WRONG) }
}

/// The code, whose name the platform writes in more than one way.
fn code<'a>(otp: &Object<'a>) -> Result<&'a str, Refusal> {
    const NAME: &str = "oneTimeCode";
    let mut names = otp.members().keys().filter(|name| name.eq_ignore_ascii_case(NAME));
    otp.text(names.next().map_or(NAME, String::as_str))
}

/// The application that somebody signs in to, under the names that templates know.
fn application(context: &Object<'_>) -> Result<Option<Value>, Refusal> {
    let Some(application) = context.object_or_none("clientServicePrincipal")? else {
        return Ok(None);
    };
    let name = application.first_text(&["appDisplayName", "displayName"])?;
    let id = application.text_or_none("appId")?;
    Ok(Some(json!({ "id": id, "name": name, "displayName": name })))
}

/// Entra goes on when it reads this, word for word.
pub(super) fn answer(verdict: &Verdict<'_>) -> Answer {
    if !verdict.is_success() {
        return Answer::problem(verdict);
    }
    let action = json!({
        "@odata.type": "microsoft.graph.OtpSend.continueWithDefaultBehavior",
    });
    let data = json!({
        "@odata.type": "microsoft.graph.OnOtpSendResponseData",
        "actions": [action],
    });
    Answer::json(StatusCode::OK, &json!({ "data": data }))
}
