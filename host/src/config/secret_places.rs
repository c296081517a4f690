//! Whom each secret is for: a plan that gives it to somebody else is refused.

use super::departure::departs;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{
    AccessToken, Authentication, Grant, ParameterValue, SecretRef, TlsOptions, TokenRequest,
    TransportPlan,
};

/// The place of the proxy's password.
const PROXY: &str = "/proxy";

/// The place of the password of the mail server.
const PASSWORD: &str = "/auth/pass";

/// The places of secrets that are the token endpoint's, and of what is below them.
const ENDPOINTS_OWN: [&str; 6] = [
    "/auth/clientSecret",
    "/auth/customHeaders",
    "/auth/customParams",
    "/auth/privateKey",
    "/auth/refreshToken",
    "/auth/tls",
];

/// The places of keys that sign or prove who the client is, and are never sent.
const KEYS: [&str; 2] = ["/dkim", "/tls"];

/// Refuses a plan that gives somebody a secret that is another's.
pub(super) fn check(plan: &TransportPlan) -> Result<()> {
    let is_key = |place: &SecretRef| KEYS.iter().any(|key| is_at(place, key));
    let for_proxy = |place: &SecretRef| place.0 == PROXY;
    let for_server = |place: &SecretRef| {
        place.0 != PROXY && !is_key(place) && !ENDPOINTS_OWN.iter().any(|own| is_at(place, own))
    };
    let for_endpoint = |place: &SecretRef| is_at(place, "/auth") && !is_at(place, PASSWORD);
    let check = |place: &SecretRef, allowed: bool, whom: &str| match allowed {
        true => Ok(()),
        false => {
            let place = &place.0;
            let message =
                format!("the component's plan gives the secret at `{place}` to the {whom}");
            Err(Error::new(ErrorKind::Component, message))
        }
    };
    if let Some(place) = plan.proxy.as_ref().and_then(|proxy| proxy.password.as_ref()) {
        check(place, for_proxy(place), "proxy")?;
    }
    check_identity(&plan.tls_options, "/tls", "tls-options")?;
    match &plan.authentication {
        Authentication::None => {}
        Authentication::Password(login) => {
            check(&login.password, for_server(&login.password), "mail server")?;
        }
        Authentication::OAuth2(login) => {
            if let Some(AccessToken { token, .. }) = &login.access_token {
                check(token, for_server(token), "mail server")?;
            }
            for place in login.renewal.iter().flat_map(secrets_of) {
                check(place, for_endpoint(place), "token endpoint")?;
            }
            if let Some(request) = &login.renewal {
                check_identity(&request.tls, "/auth/tls", "token-request.tls")?;
            }
        }
    }
    Ok(())
}

/// A client certificate is for the peer whose TLS options hold it.
fn check_identity(options: &TlsOptions, pointer: &str, member: &str) -> Result<()> {
    let Some(identity) = &options.identity else { return Ok(()) };
    let is_own = identity.private_key.0 == format!("{pointer}/key")
        && identity
            .passphrase
            .as_ref()
            .is_none_or(|place| place.0 == format!("{pointer}/passphrase"));
    match is_own {
        true => Ok(()),
        false => Err(departs(
            &format!("{member}.identity"),
            format_args!("has another private key than the one at `{pointer}/key`"),
        )),
    }
}

/// The secrets that a request for a token carries, or is signed with.
fn secrets_of(request: &TokenRequest) -> Vec<&SecretRef> {
    let mut places = match &request.grant {
        Grant::ClientCredentials { client_secret, .. } => vec![client_secret],
        Grant::RefreshToken { client_secret, refresh_token, .. } => {
            client_secret.iter().chain([refresh_token]).collect()
        }
        Grant::Jwt { private_key, passphrase, .. } => {
            passphrase.iter().chain([private_key]).collect()
        }
    };
    let fields = request.parameters.iter().chain(&request.headers);
    places.extend(fields.filter_map(|(_, value)| match value {
        ParameterValue::Secret(place) => Some(place),
        ParameterValue::Text(_) => None,
    }));
    places
}

/// Whether a secret stands at a pointer or below it.
fn is_at(place: &SecretRef, pointer: &str) -> bool {
    place.0.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
