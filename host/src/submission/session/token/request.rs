//! One request to the token endpoint, from the name's resolution to the last byte within one
//! deadline. The endpoint is reached by https, or by http on this machine alone.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use form_urlencoded::Serializer;
use tokio::time::timeout;
use url::Url;
use zeroize::Zeroizing;

use super::assertion::Assertion;
use super::grant::{self, Granted};
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{Grant, ParameterValue, SecretRef, Timeouts, TokenRequest};
use crate::secrets::{
    Secret, SecretStore,
    private_key::{self, KeyPlace, Purpose},
};
use crate::submission::network::Stream;
use crate::submission::network::dial::Dialler;
use crate::submission::network::http::{self, FormAnswer, Headers};
use crate::submission::network::tls::Tls;
use crate::submission::record::Record;

/// The longest that a whole request may take, whatever `socketTimeout` says: messages wait for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many redirects within one server are followed.
const REDIRECTS: usize = 3;

/// Where tokens come from.
#[derive(Debug)]
pub(super) struct Source {
    user: String,
    request: TokenRequest,
    tls: Tls,
    dialler: Dialler,
    patience: Duration,
    secrets: Arc<SecretStore>,
}

impl Source {
    /// Checks what requests will need.
    pub(super) fn new(
        user: &str,
        request: &TokenRequest,
        timeouts: &Timeouts,
        dialler: Dialler,
        secrets: Arc<SecretStore>,
    ) -> Result<Self> {
        let host = &request.endpoint.endpoint().host;
        let tls = Tls::new(&request.tls, host, &secrets, "/auth/tls")?;
        let patience = timeouts.socket.min(PATIENCE);
        Ok(Self {
            user: user.to_owned(),
            request: request.clone(),
            tls,
            dialler,
            patience,
            secrets,
        })
    }

    /// Asks for a token. `refresh_token` goes before the configuration's.
    pub(super) async fn request(
        &self,
        refresh_token: Option<&Secret>,
        record: &Record,
    ) -> Result<Granted> {
        let exchange = async {
            let form = self.form(refresh_token, record)?;
            let answer = self.post(&form, record).await?;
            grant::read(&answer, record, SystemTime::now())
        };
        match timeout(self.patience, exchange).await {
            Ok(outcome) => outcome.map_err(|error| error.at(Stage::Auth)),
            Err(_) => {
                let message = format!(
                    "the token endpoint gave no complete answer within {:?}",
                    self.patience
                );
                Err(Error::new(ErrorKind::Timeout, message).at(Stage::Auth))
            }
        }
    }

    /// Whether a refresh token takes the place of the one that requests carry; some endpoints send
    /// that back.
    pub(super) fn is_replaced_by(&self, token: &Secret, rotated: Option<&Secret>) -> bool {
        let Grant::RefreshToken { refresh_token, .. } = &self.request.grant else { return false };
        let used = rotated.cloned().map_or_else(|| self.secrets.resolve(refresh_token), Ok);
        used.is_ok_and(|used| used.expose() != token.expose())
    }

    /// The fields of the request. The configuration's own replace those of the grant.
    fn form(&self, refresh_token: Option<&Secret>, record: &Record) -> Result<Zeroizing<String>> {
        let mut fields: Vec<(&str, Zeroizing<String>)> = Vec::new();
        let mut set =
            |name, value: &str| fields.push((name, Zeroizing::new(value.trim().to_owned())));
        let scope = self.request.scope.as_deref();
        match &self.request.grant {
            Grant::RefreshToken { client_id, client_secret, refresh_token: given } => {
                if let Some(client_id) = client_id {
                    set("client_id", client_id);
                }
                if let Some(client_secret) = client_secret {
                    set("client_secret", self.secret(client_secret, record)?.expose());
                }
                let refresh_token = match refresh_token {
                    Some(rotated) => rotated.clone(),
                    None => self.secrets.resolve(given)?,
                };
                record.redaction.redact([refresh_token.expose()]);
                set("refresh_token", refresh_token.expose());
                set("grant_type", "refresh_token");
            }
            Grant::ClientCredentials { client_id, client_secret } => {
                set("client_id", client_id);
                set("client_secret", self.secret(client_secret, record)?.expose());
                set("grant_type", "client_credentials");
            }
            Grant::Jwt { service_client, private_key: key, passphrase, lifetime } => {
                let assertion = Assertion {
                    service_client,
                    user: &self.user,
                    scope,
                    endpoint: self.request.endpoint.as_written(),
                    lifetime: *lifetime,
                };
                let place = KeyPlace { key, passphrase: passphrase.as_ref() };
                let key = private_key::load(&self.secrets, place)?;
                let key = private_key::signer(&key, Purpose::Assertion)
                    .map_err(|unusable| unusable.error(place))?;
                let assertion = assertion.sign(&key, SystemTime::now())?;
                record.redaction.redact([assertion.as_str()]);
                set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
                set("assertion", &assertion);
            }
        }
        // An assertion carries its scope itself.
        if let Some(scope) = scope.filter(|_| !matches!(self.request.grant, Grant::Jwt { .. })) {
            set("scope", scope);
        }
        for (name, value) in &self.request.parameters {
            let value = self.text(value, record)?;
            fields.retain(|(known, _)| known != name);
            fields.push((name, Zeroizing::new(value.trim().to_owned())));
        }
        let mut form = Serializer::new(String::new());
        for (name, value) in &fields {
            form.append_pair(name, value);
        }
        Ok(Zeroizing::new(form.finish()))
    }

    fn text(&self, value: &ParameterValue, record: &Record) -> Result<Zeroizing<String>> {
        Ok(Zeroizing::new(match value {
            ParameterValue::Text(text) => text.clone(),
            ParameterValue::Secret(place) => self.secret(place, record)?.expose().to_owned(),
        }))
    }

    /// The value of a secret, which is not shown from here on: a file may hold another one than
    /// when the configuration was read.
    fn secret(&self, place: &SecretRef, record: &Record) -> Result<Secret> {
        let secret = self.secrets.resolve(place)?;
        record.redaction.redact([secret.expose()]);
        Ok(secret)
    }

    fn headers(&self, record: &Record) -> Result<Headers> {
        let mut headers = Headers::default();
        for (name, value) in &self.request.headers {
            headers.add(name, &self.text(value, record)?).map_err(|_| {
                let message = format!(
                    "`auth.customHeaders` has a field `{name}` that a request cannot carry"
                );
                Error::new(ErrorKind::Configuration, message)
            })?;
        }
        Ok(headers)
    }

    /// Posts the form, and posts it again where the same server sends elsewhere on itself. Another
    /// host or scheme must not come to know the client's secret.
    async fn post(&self, form: &str, record: &Record) -> Result<FormAnswer> {
        let headers = self.headers(record)?;
        let server = self.request.endpoint.url().origin();
        let mut url = self.request.endpoint.url().clone();
        for _ in 0..=REDIRECTS {
            let stream = self.connect(record).await?;
            record.remark(&format!("asking {} for an access token", place(&url)));
            let answer = http::post(stream, &url, &headers, form).await.map_err(|error| {
                let problem = record.redaction.mask(&error.to_string());
                let message = format!(
                    "the exchange with the token endpoint {} failed: {problem}",
                    place(&url)
                );
                Error::new(ErrorKind::Lost, message)
            })?;
            if !matches!(answer.status, 301 | 302 | 307 | 308) {
                return Ok(answer);
            }
            let target = answer.location.as_deref().and_then(|location| url.join(location).ok());
            match target.filter(|target| target.origin() == server) {
                Some(target) => url = target,
                None => {
                    let message =
                        "the token endpoint redirects to another server, which is not followed";
                    return Err(Error::new(ErrorKind::Protocol, message).with_hint(
                        "Set `auth.accessUrl` to the URL of the token endpoint itself.",
                    ));
                }
            }
        }
        Err(Error::new(ErrorKind::Protocol, "the token endpoint redirects without end"))
    }

    async fn connect(&self, record: &Record) -> Result<Box<dyn Stream>> {
        let (endpoint, clear) =
            (self.request.endpoint.endpoint(), self.request.endpoint.is_clear());
        let about = |error: Error| error.prefixed("the token endpoint").at(Stage::Auth);
        let mut addresses = self.dialler.resolve(endpoint).await.map_err(about)?;
        if clear {
            addresses.retain(|address| address.ip().to_canonical().is_loopback());
            if addresses.is_empty() {
                let message =
                    "the token endpoint is reached by http, and it is not on this machine";
                return Err(Error::new(ErrorKind::Egress, message));
            }
        }
        let connected = self.dialler.connect(endpoint, &addresses, record).await.map_err(about)?;
        if clear {
            return Ok(connected.stream);
        }
        let (stream, _) =
            self.tls.negotiate(connected.stream, self.patience, record).await.map_err(about)?;
        Ok(stream)
    }
}

/// The server of a URL, as it may be shown.
fn place(url: &Url) -> String {
    url.origin().ascii_serialization()
}
