//! The signed assertion of a service account (RFC 7523), as Google takes it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use rustls::SignatureScheme;
use rustls::sign::SigningKey;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

/// The header of a token that is signed with RS256 (RFC 7515 §4, RFC 7518 §3.3).
const HEADER: &str = r#"{"typ":"JWT","alg":"RS256"}"#;

/// What the assertion says.
#[derive(Debug, Serialize)]
struct Claims<'a> {
    /// The service account.
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    /// The user for whom it acts.
    sub: &'a str,
    /// The token endpoint.
    aud: &'a str,
    iat: u64,
    exp: u64,
}

/// Who asserts what to whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assertion<'a> {
    pub(super) service_client: &'a str,
    pub(super) user: &'a str,
    pub(super) scope: Option<&'a str>,
    pub(super) endpoint: &'a str,
    pub(super) lifetime: Duration,
}

impl Assertion<'_> {
    /// Signs the assertion with RS256, as a compact token (RFC 7515 §7.1).
    pub(super) fn sign(
        &self,
        key: &Arc<dyn SigningKey>,
        now: SystemTime,
    ) -> Result<Zeroizing<String>> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            iss: self.service_client,
            scope: self.scope,
            sub: self.user,
            aud: self.endpoint,
            iat: now,
            exp: now.saturating_add(self.lifetime.as_secs()),
        };
        let claims = serde_json::to_vec(&claims).map_err(|_| unsigned())?;
        let signer =
            key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).ok_or_else(unsigned)?;
        let mut token =
            Zeroizing::new(format!("{}.{}", BASE64URL.encode(HEADER), BASE64URL.encode(claims)));
        let signature = signer.sign(token.as_bytes()).map_err(|_| unsigned())?;
        token.push('.');
        token.push_str(&BASE64URL.encode(signature));
        Ok(token)
    }
}

fn unsigned() -> Error {
    let message = "the private key at `/auth/privateKey` cannot sign the assertion";
    Error::new(ErrorKind::Configuration, message)
}
