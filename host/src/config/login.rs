//! As whom a configuration logs in, and what it has the token endpoint told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::departure::departs;
use super::locate::escape;
use super::scalars::Scalars;
use super::service::Service;
use crate::error::Result;
use crate::plan::{
    Authentication, Grant, Mechanism, OAuth2Login, ParameterValue, TokenRequest, TransportPlan,
};

/// Google's scope for mail, which service accounts ask for where none is named.
const GOOGLE_SCOPE: &str = "https://mail.google.com/";

/// The login that a configuration describes, without its secrets.
#[derive(Debug)]
pub(super) struct Login {
    user: Option<String>,
    /// `auth.method`.
    inner: Option<Mechanism>,
    /// `authMethod`.
    outer: Option<Mechanism>,
    /// What the service wants.
    preset: Option<Mechanism>,
    is_forced: bool,
    client_id: Option<String>,
    service_client: Option<String>,
    scope: Option<String>,
    parameters: Fields,
    headers: Fields,
}

/// The fields that `auth.customParams` or `auth.customHeaders` adds to a request.
#[derive(Debug)]
struct Fields {
    key: &'static str,
    texts: BTreeMap<String, String>,
}

impl Login {
    /// Reads `auth`, `authMethod` and `forceAuth`.
    pub(super) fn read(scalars: &Scalars, service: Option<Service>) -> Self {
        let text = |pointer: &str| scalars.text(pointer).map(str::to_owned);
        let mechanism = |pointer: &str| scalars.text(pointer).and_then(by_name);
        Self {
            user: text("/auth/user"),
            inner: mechanism("/auth/method"),
            outer: mechanism("/authMethod"),
            preset: service.and_then(|service| service.auth_method).and_then(by_name),
            is_forced: scalars.is_true("/forceAuth"),
            client_id: text("/auth/clientId"),
            service_client: text("/auth/serviceClient"),
            scope: text("/auth/scope"),
            parameters: Fields::read(scalars, "customParams"),
            headers: Fields::read(scalars, "customHeaders"),
        }
    }

    /// Refuses a plan that logs in as somebody else or in another way.
    pub(super) fn check(&self, plan: &TransportPlan) -> Result<()> {
        if plan.authentication == Authentication::None {
            return Ok(());
        }
        if plan.authentication.user() != self.user.as_deref() {
            return Err(departs("authentication.user", "logs in as another user"));
        }
        let by_token = matches!(plan.authentication, Authentication::OAuth2(_));
        if plan.authentication.mechanism() != self.mechanism(by_token) {
            return Err(departs("authentication.mechanism", "uses another mechanism"));
        }
        if self.is_forced && !plan.force_authentication {
            return Err(departs("force-authentication", "sends mail without the login"));
        }
        match &plan.authentication {
            Authentication::OAuth2(login) => self.check_request(login),
            _ => Ok(()),
        }
    }

    /// The mechanism that the configuration insists on for such credentials.
    fn mechanism(&self, by_token: bool) -> Option<Mechanism> {
        let is_bearer =
            |name: Mechanism| matches!(name, Mechanism::Oauthbearer | Mechanism::Xoauth2);
        self.inner.or_else(|| match self.preset {
            Some(preset) => Some(preset).filter(|preset| is_bearer(*preset) == by_token),
            None => self.outer,
        })
    }

    fn check_request(&self, login: &OAuth2Login) -> Result<()> {
        let Some(request) = &login.renewal else { return Ok(()) };
        let TokenRequest { grant, scope, parameters, headers, .. } = request;
        let client_id = match grant {
            Grant::ClientCredentials { client_id, .. } => Some(Some(client_id)),
            Grant::RefreshToken { client_id, .. } => Some(client_id.as_ref()),
            Grant::Jwt { .. } => None,
        };
        if client_id.is_some_and(|client_id| client_id != self.client_id.as_ref()) {
            return Err(departs("token-request.grant", "names another client"));
        }
        let mut declared_scope = self.scope.as_deref();
        if let Grant::Jwt { service_client, .. } = grant {
            declared_scope = declared_scope.or(Some(GOOGLE_SCOPE));
            if Some(service_client) != self.service_client.as_ref() {
                return Err(departs("token-request.grant", "names another service account"));
            }
        }
        if scope.as_deref() != declared_scope {
            return Err(departs("token-request.scope", "asks for another scope"));
        }
        self.parameters.check(parameters, "token-request.parameters")?;
        self.headers.check(headers, "token-request.headers")
    }
}

impl Fields {
    fn read(scalars: &Scalars, key: &'static str) -> Self {
        let object = format!("/auth/{key}");
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let texts =
            scalars.below(&object).map(|(name, value)| (name.to_owned(), text(value))).collect();
        Self { key, texts }
    }

    /// Refuses fields beside those of the configuration, and one that is missing.
    fn check(&self, planned: &[(String, ParameterValue)], member: &str) -> Result<()> {
        for (name, value) in planned {
            let is_declared = match value {
                ParameterValue::Text(text) => self.texts.get(&escape(name)) == Some(text),
                ParameterValue::Secret(place) => {
                    place.0 == format!("/auth/{}/{}", self.key, escape(name))
                }
            };
            if !is_declared {
                let key = self.key;
                let what = format!("adds a field `{name}` that `auth.{key}` does not hold");
                return Err(departs(member, what));
            }
        }
        let names: BTreeSet<_> = planned.iter().map(|(name, _)| escape(name)).collect();
        match self.texts.keys().find(|key| !names.contains(*key)) {
            None => Ok(()),
            Some(missing) => Err(departs(member, format!("leaves out the field `{missing}`"))),
        }
    }
}

fn by_name(name: &str) -> Option<Mechanism> {
    match name.trim().to_ascii_uppercase().as_str() {
        "PLAIN" => Some(Mechanism::Plain),
        "LOGIN" => Some(Mechanism::Login),
        "CRAM-MD5" => Some(Mechanism::CramMd5),
        "XOAUTH2" => Some(Mechanism::Xoauth2),
        "OAUTHBEARER" => Some(Mechanism::Oauthbearer),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretPaths;

    #[test]
    fn the_nearest_mechanism_goes_first_and_fits_the_credentials() {
        let (login, plain) = (Some(Mechanism::Login), Some(Mechanism::Plain));
        let bearer = Some(Mechanism::Xoauth2);
        for (text, by_password, by_token) in [
            (r#"{}"#, None, None),
            (r#"{"authMethod": " login "}"#, login, login),
            (r#"{"authMethod": "LOGIN", "auth": {"method": "plain"}}"#, plain, plain),
            (r#"{"auth": {"method": "xoauth2"}, "service": "1und1"}"#, bearer, bearer),
            (r#"{"authMethod": "PLAIN", "service": "1und1"}"#, login, None),
            (r#"{"url": "smtp://h?authMethod=LOGIN", "authMethod": "PLAIN"}"#, login, login),
            (r#"{"url": "smtp://h", "auth": {"method": "PLAIN"}}"#, None, None),
        ] {
            let declared = SecretPaths::new([]).mask(text).expect("the text is JSON").declared;
            let found = (declared.login.mechanism(false), declared.login.mechanism(true));
            assert_eq!(found, (by_password, by_token), "{text}");
        }
    }

    #[test]
    fn fields_are_texts_by_their_names() {
        let text = r#"{"auth": {"customParams": {"a/b~": "x", "n": 3.50, "t": true, "z": null}}}"#;
        let declared = SecretPaths::new([]).mask(text).expect("the text is JSON").declared;
        let planned =
            |name: &str, value: &str| (name.to_owned(), ParameterValue::Text(value.to_owned()));
        let all = [planned("a/b~", "x"), planned("n", "3.5"), planned("t", "true")];
        let check = |planned: &[_]| declared.login.parameters.check(planned, "x").is_ok();
        assert!(check(&all));
        assert!(!check(&all[1..]));
        assert!(!check(&[all.as_slice(), &[planned("z", "null")]].concat()));
    }
}
