//! JSON Web Tokens (RFC 7519) that a platform signs with a key that it publishes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// What platforms sign with. Nothing symmetric is among them: the keys are public.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

/// How far the platform's clock may be from ours.
const SKEW: Duration = Duration::from_secs(60);

const WRONG: Refusal = Refusal::Unauthorized("the token is missing or wrong");
const STALE: Refusal = Refusal::Unauthorized("the token is of another time; compare the clocks");

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) audience: &'a str,
    pub(super) issuer: Option<&'a str>,
    pub(super) subject: Option<&'a str>,
}

/// The claims of a token that one of the keys signed, and that says what is expected and is good
/// now.
pub(super) fn claims(
    token: &str,
    keys: &JwkSet,
    expected: &Expected<'_>,
    now: SystemTime,
) -> Result<Map<String, Value>, Refusal> {
    let header = decode_header(token).map_err(|_| WRONG)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(WRONG);
    }
    let id = header.kid.ok_or(WRONG)?;
    let key = keys.find(&id).ok_or(Refusal::UnknownKey)?;
    if !signs(key) {
        return Err(WRONG);
    }
    let key = DecodingKey::from_jwk(key).map_err(|_| WRONG)?;
    let claims = decode(token, &key, &validation(header.alg, expected)).map_err(|_| WRONG)?.claims;
    if is_current(&claims, now) { Ok(claims) } else { Err(STALE) }
}

/// Times are left to [`is_current`]: the library asks the clock itself.
fn validation(algorithm: Algorithm, expected: &Expected<'_>) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.set_audience(&[expected.audience]);
    let mut required = vec!["aud", "exp"];
    if let Some(issuer) = expected.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    if let Some(subject) = expected.subject {
        validation.sub = Some(subject.to_owned());
        required.push("sub");
    }
    validation.set_required_spec_claims(&required);
    validation
}

fn signs(key: &Jwk) -> bool {
    matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature))
}

fn is_current(claims: &Map<String, Value>, now: SystemTime) -> bool {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let skew = SKEW.as_secs_f64();
    let ends = claims.get("exp").and_then(Value::as_f64);
    let begins = claims.get("nbf").map_or(Some(0.0), Value::as_f64);
    ends.is_some_and(|ends| now < ends + skew) && begins.is_some_and(|begins| now + skew >= begins)
}
