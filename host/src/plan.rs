//! The transport plan as the host trusts it: what a component proposed, parsed into types that
//! cannot hold nonsense.

mod token_endpoint;

use std::net::IpAddr;
use std::time::Duration;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

pub use self::token_endpoint::{NoTokenEndpoint, TokenEndpoint};
use crate::host::Host;

/// Everything needed to reach a submission server. Secrets stand here as references only.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TransportPlan {
    /// The submission server.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// What the server speaks.
    pub protocol: Protocol,
    /// When the connection becomes encrypted.
    pub tls: TlsMode,
    /// Whether the session goes on in clear where the server refuses the STARTTLS command.
    pub plaintext_after_refusal: bool,
    /// How TLS is negotiated.
    pub tls_options: TlsOptions,
    /// The kind of authentication, and with it who logs in.
    #[serde(flatten)]
    pub authentication: Authentication,
    /// Whether the session authenticates even where AUTH is not advertised.
    pub force_authentication: bool,
    /// The name said in EHLO; a safe choice where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ehlo_name: Option<String>,
    /// The local address to connect from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_address: Option<IpAddr>,
    /// The proxy to go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
    /// The deadlines.
    pub timeouts: Timeouts,
    /// How connections are reused; one message each where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// Whether commands go out together where the server offers PIPELINING.
    pub pipelining: bool,
    /// How messages are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dkim: Option<Dkim>,
    /// What is logged.
    pub logging: Logging,
}

/// A host and a port to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Endpoint {
    /// The host.
    pub host: Host,
    /// The TCP port.
    pub port: u16,
}

/// The place of a secret in the configuration: a JSON Pointer. Only the secret store turns it into
/// a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct SecretRef(pub String);

/// What the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Protocol {
    /// LMTP (RFC 2033).
    Lmtp,
    /// SMTP (RFC 5321).
    Smtp,
}

/// When the connection becomes encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TlsMode {
    /// TLS from the first byte.
    Implicit,
    /// Never.
    None,
    /// STARTTLS where the server offers it.
    OpportunisticStarttls,
    /// STARTTLS, or the session ends.
    RequiredStarttls,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2.
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

/// How TLS is negotiated and the server verified.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TlsOptions {
    /// The name sent and verified; the endpoint's host where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<Host>,
    /// Whether the certificate's chain and name are verified.
    pub verify_certificate: bool,
    /// Certificates in PEM that replace the trusted roots, where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<String>,
    /// The client's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<ClientIdentity>,
    /// The lowest version to accept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_version: Option<TlsVersion>,
    /// The highest version to accept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_version: Option<TlsVersion>,
    /// The cipher suites to offer, by their IANA names; the host's choice where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cipher_suites: Vec<String>,
}

/// A client certificate and its private key.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ClientIdentity {
    /// The chain in PEM, the client's own certificate first.
    pub certificate_chain: String,
    /// The private key in PEM.
    pub private_key: SecretRef,
    /// The passphrase of an encrypted key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretRef>,
}

/// A SASL mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
#[non_exhaustive]
pub enum Mechanism {
    /// RFC 2195.
    CramMd5,
    /// LOGIN.
    Login,
    /// RFC 7628.
    Oauthbearer,
    /// RFC 4616.
    Plain,
    /// Google's and Microsoft's bearer mechanism.
    Xoauth2,
}

/// How the session authenticates.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Authentication {
    /// Not at all.
    None,
    /// With an OAuth 2.0 access token.
    OAuth2(Box<OAuth2Login>),
    /// With a password.
    Password(PasswordLogin),
}

impl Authentication {
    /// The name under which reports know this kind of authentication.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password(_) => "password",
            Self::OAuth2(login) => match login.renewal.as_ref().map(|request| &request.grant) {
                None => "oauth2-token",
                Some(Grant::ClientCredentials { .. }) => "oauth2-client-credentials",
                Some(Grant::Jwt { .. }) => "oauth2-jwt",
                Some(Grant::RefreshToken { .. }) => "oauth2-refresh",
            },
        }
    }

    /// The user who logs in.
    pub fn user(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::OAuth2(login) => Some(&login.user),
            Self::Password(login) => Some(&login.user),
        }
    }

    /// The mechanism that the configuration insists on.
    pub fn mechanism(&self) -> Option<Mechanism> {
        match self {
            Self::None => None,
            Self::OAuth2(login) => login.mechanism,
            Self::Password(login) => login.mechanism,
        }
    }
}

impl Serialize for Authentication {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("auth", self.name())?;
        if let Some(user) = self.user() {
            map.serialize_entry("user", user)?;
        }
        if let Some(mechanism) = self.mechanism() {
            map.serialize_entry("authMethod", &mechanism)?;
        }
        if let Self::OAuth2(login) = self
            && let Some(request) = &login.renewal
        {
            map.serialize_entry("tokenEndpoint", &request.endpoint)?;
        }
        map.end()
    }
}

/// A user and a password.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PasswordLogin {
    /// The user name, as it is sent.
    pub user: String,
    /// The password.
    pub password: SecretRef,
    /// The mechanism to use even where it is not advertised.
    pub mechanism: Option<Mechanism>,
}

/// A login by access token.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OAuth2Login {
    /// The user whose mailbox the token opens.
    pub user: String,
    /// The mechanism to use even where it is not advertised.
    pub mechanism: Option<Mechanism>,
    /// The token to begin with.
    pub access_token: Option<AccessToken>,
    /// How to obtain another.
    pub renewal: Option<TokenRequest>,
}

/// An access token that the configuration holds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AccessToken {
    /// The token.
    pub token: SecretRef,
    /// When it expires, since the Unix epoch.
    pub expires_at: Option<Duration>,
}

/// The token endpoint, and what is sent to it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TokenRequest {
    /// The endpoint.
    pub endpoint: TokenEndpoint,
    /// The grant.
    pub grant: Grant,
    /// The scope to ask for.
    pub scope: Option<String>,
    /// Further fields of the form.
    pub parameters: Vec<(String, ParameterValue)>,
    /// Further header fields.
    pub headers: Vec<(String, ParameterValue)>,
    /// How TLS to the endpoint is negotiated.
    pub tls: TlsOptions,
}

/// How a new access token is obtained.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Grant {
    /// By the client's own credentials (RFC 6749 §4.4).
    ClientCredentials {
        /// The client's identifier.
        client_id: String,
        /// The client's secret.
        client_secret: SecretRef,
    },
    /// By a signed assertion (RFC 7523).
    Jwt {
        /// The assertion's issuer.
        service_client: String,
        /// The RSA key in PEM that signs it.
        private_key: SecretRef,
        /// The passphrase of an encrypted key.
        passphrase: Option<SecretRef>,
        /// How long it is valid.
        lifetime: Duration,
    },
    /// By refresh token (RFC 6749 §6).
    RefreshToken {
        /// The client's identifier.
        client_id: Option<String>,
        /// The client's secret.
        client_secret: Option<SecretRef>,
        /// The refresh token.
        refresh_token: SecretRef,
    },
}

/// The value of a field of a token request.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ParameterValue {
    /// A text that may be secret.
    Secret(SecretRef),
    /// A text.
    Text(String),
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ProxyProtocol {
    /// HTTP CONNECT.
    Http,
    /// HTTP CONNECT inside TLS.
    Https,
    /// SOCKS 4.
    Socks4,
    /// SOCKS 4a.
    Socks4a,
    /// SOCKS 5.
    Socks5,
}

/// A proxy on the way to the server.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Proxy {
    /// What the proxy speaks.
    pub protocol: ProxyProtocol,
    /// Where it is.
    #[serde(flatten)]
    pub endpoint: Endpoint,
    /// The user name for the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password for the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretRef>,
}

/// How long each step may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Timeouts {
    /// Resolving the name.
    #[serde(rename = "dnsMs", serialize_with = "milliseconds")]
    pub dns: Duration,
    /// The TCP connect to each address, the proxy's dialogue, and the handshake of implicit TLS.
    #[serde(rename = "connectionMs", serialize_with = "milliseconds")]
    pub connection: Duration,
    /// The complete greeting.
    #[serde(rename = "greetingMs", serialize_with = "milliseconds")]
    pub greeting: Duration,
    /// Each complete reply, the handshake after STARTTLS, and each stall of the body.
    #[serde(rename = "socketMs", serialize_with = "milliseconds")]
    pub socket: Duration,
}

/// How many messages may be sent in a window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of messages in one window.
    pub messages: u32,
    /// The length of the window.
    #[serde(rename = "windowMs", serialize_with = "milliseconds")]
    pub window: Duration,
}

/// How connections are kept and reused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Pool {
    /// How many connections may be open at once.
    pub max_connections: u32,
    /// How many messages one connection carries.
    pub max_messages: u32,
    /// How often a message is tried again after its connection was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_requeues: Option<u32>,
    /// The rate limit across the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
}

/// One key that signs messages.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DkimSigner {
    /// The signing domain.
    pub domain: String,
    /// The selector.
    pub selector: String,
    /// The private key in PEM.
    pub private_key: SecretRef,
    /// The passphrase of an encrypted key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<SecretRef>,
}

/// How messages are signed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Dkim {
    /// The keys, one signature each.
    pub signers: Vec<DkimSigner>,
    /// The header fields to sign; the host's list where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_fields: Option<Vec<String>>,
    /// Header fields never to sign.
    pub skip_fields: Vec<String>,
}

/// What is logged of a session, secrets always masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Logging {
    /// Nothing beyond the host's own events.
    None,
    /// The commands and replies.
    Dialogue,
    /// The commands and replies, and the size of what else is exchanged.
    Debug,
}

fn milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
