//! The signed assertion of a service account (RFC 7523), as Google takes it.

use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};

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
    /// Signs the assertion with RS256; the key is an RSA key in DER, PKCS #1.
    pub(super) fn sign(&self, key: &[u8], now: SystemTime) -> Result<Zeroizing<String>> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = Claims {
            iss: self.service_client,
            scope: self.scope,
            sub: self.user,
            aud: self.endpoint,
            iat: now,
            exp: now + self.lifetime.as_secs(),
        };
        let signed =
            encode(&Header::new(Algorithm::RS256), &claims, &EncodingKey::from_rsa_der(key));
        signed.map(Zeroizing::new).map_err(|_| {
            let message =
                "the private key at `/auth/privateKey` cannot sign: RSA keys need 2048 bits at \
                least";
            Error::new(ErrorKind::Configuration, message)
        })
    }
}
