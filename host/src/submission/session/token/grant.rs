//! What a token endpoint answered (RFC 6749 §5): a token, or why there is none.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use super::is_token;
use crate::error::{Error, ErrorKind, Result};
use crate::secrets::Secret;
use crate::submission::network::http::FormAnswer;
use crate::submission::record::Record;

/// How much of the endpoint's words is shown.
const SHOWN: usize = 400;

/// A token and what comes with it.
pub(super) struct Granted {
    pub(super) token: Secret,
    pub(super) expires: Option<SystemTime>,
    /// A refresh token that replaces the one that was used.
    pub(super) refresh_token: Option<Secret>,
}

/// Reads an answer that came at `now`.
pub(super) fn read(answer: &FormAnswer, record: &Record, now: SystemTime) -> Result<Granted> {
    let status = answer.status;
    let Some(body) = &answer.body else {
        let message = "the token endpoint's answer is too large";
        return Err(Error::new(ErrorKind::Protocol, message));
    };
    let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
        return Err(not_json(status));
    };
    let text =
        |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if members.contains_key("error") {
        return Err(refused(status, &members, record));
    }
    let Some(token) = text("access_token").filter(|_| (200..300).contains(&status)) else {
        let message = format!("the token endpoint answered {status} without an access token");
        return Err(Error::new(kind(status, ErrorKind::Protocol), message));
    };
    let token = Secret::new(token);
    record.redaction.redact([token.expose()]);
    if !is_token(token.expose()) {
        let message = "the access token holds a character that no token has";
        return Err(Error::new(ErrorKind::Protocol, message));
    }
    let refresh_token = text("refresh_token").map(Secret::new);
    if let Some(refresh_token) = &refresh_token {
        record.redaction.redact([refresh_token.expose()]);
    }
    let expires =
        members.get("expires_in").and_then(seconds).and_then(|lifetime| now.checked_add(lifetime));
    Ok(Granted { token, expires, refresh_token })
}

/// Some endpoints write the number as a text.
fn seconds(value: &Value) -> Option<Duration> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// An endpoint that is down or busy may be up later; any other status has the given kind.
fn kind(status: u16, otherwise: ErrorKind) -> ErrorKind {
    match status {
        408 | 429 | 500.. => ErrorKind::Temporary,
        _ => otherwise,
    }
}

fn not_json(status: u16) -> Error {
    let message =
        format!("the token endpoint answered {status} with something other than a JSON object");
    let error = Error::new(kind(status, ErrorKind::Protocol), message);
    match error.kind() {
        ErrorKind::Protocol => error
            .with_hint("Check `auth.accessUrl`: it must be the URL of the token endpoint itself."),
        _ => error,
    }
}

/// A refusal in the endpoint's words, masked: `error`, `error_description`, `error_uri`.
fn refused(status: u16, members: &Map<String, Value>, record: &Record) -> Error {
    let text = |name: &str| {
        let text = match members.get(name)? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(record.redaction.excerpt(&text, SHOWN))
    };
    let code = text("error").unwrap_or_default();
    let description = text("error_description").map(|text| format!(": {text}")).unwrap_or_default();
    let place = text("error_uri").map(|text| format!(" ({text})")).unwrap_or_default();
    let passing = matches!(code.as_str(), "server_error" | "slow_down" | "temporarily_unavailable");
    let kind = if passing { ErrorKind::Temporary } else { kind(status, ErrorKind::Credentials) };
    let error = Error::new(kind, format!("the token endpoint refuses: {code}{description}{place}"));
    match hint(&code) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// What to change after the error codes of RFC 6749 §5.2.
fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "invalid_client" => {
            "Check `auth.clientId` and `auth.clientSecret`; secrets expire at some providers."
        }
        "invalid_grant" => {
            "The refresh token expired, was revoked or belongs to another client: obtain a new \
             one. With a service account, check `auth.user`, the clock of this machine, and the \
             account's delegation."
        }
        "invalid_request" => {
            "Check `auth.accessUrl`, `auth.scope` and `auth.customParams` for what this endpoint \
             asks."
        }
        "invalid_scope" => "Check `auth.scope`.",
        "unauthorized_client" => {
            "Allow the client this grant at the provider: for a service account, domain-wide \
             delegation with `auth.scope`."
        }
        "unsupported_grant_type" => "Use another grant: the endpoint does not know this one.",
        _ => return None,
    })
}
