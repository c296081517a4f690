//! OAuth 2.0 (RFC 6749): which grant the fields of `auth` mean, and what it lacks.
//!
//! Where fields of several grants stand together, the service account goes first, then the refresh
//! token, then the client's own credentials; a token that is given is the one to begin with.

use super::super::plan::{
    AccessToken, ClientCredentialsGrant, JwtGrant, Oauth2Grant, Oauth2Login, RefreshTokenGrant,
    SaslMechanism, TokenRequest,
};
use super::Fields;
use super::token_request::{Endpoint, GOOGLE_SCOPE, GOOGLE_URL};
use crate::config::{Object, wrong_type};
use crate::findings::Findings;

/// Moments before this are taken for lifetimes or seconds: as milliseconds it lies in 1973, as
/// seconds in 5138.
const PLAUSIBLE_EXPIRY_MS: u64 = 100_000_000_000;
/// nodemailer's, in seconds.
const DEFAULT_ASSERTION_LIFETIME: f64 = 300.0;
/// Google refuses assertions that live longer, in seconds.
const LONGEST_ASSERTION_LIFETIME: f64 = 3600.0;

/// The ways to a token.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Grant {
    Jwt,
    RefreshToken,
    ClientCredentials,
    GivenToken,
}

impl Grant {
    fn chosen(auth: &Object<'_>) -> Self {
        let service_account =
            auth.has("serviceClient") || auth.has("privateKey") && !auth.has("refreshToken");
        if service_account {
            Self::Jwt
        } else if auth.has("refreshToken") {
            Self::RefreshToken
        } else if auth.has("accessToken") {
            Self::GivenToken
        } else {
            Self::ClientCredentials
        }
    }

    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Jwt => &["serviceClient", "privateKey", "serviceRequestTimeout"],
            Self::RefreshToken => &["refreshToken", "clientId", "clientSecret"],
            Self::ClientCredentials => &["clientId", "clientSecret"],
            Self::GivenToken => &[],
        }
    }

    /// Why other fields are left unused.
    fn reason(self) -> &'static str {
        match self {
            Self::Jwt => "tokens come from the service account",
            Self::RefreshToken => "tokens come from the refresh token",
            Self::ClientCredentials => "tokens come from the client's own credentials",
            Self::GivenToken => "the token is given, and nothing here can obtain another",
        }
    }
}

/// Reads the login; none where it cannot be used.
pub(super) fn read(
    auth: &Object<'_>,
    fields: Fields<'_>,
    mechanism: Option<SaslMechanism>,
    findings: &mut Findings,
) -> Option<Oauth2Login> {
    let grant = Grant::chosen(auth);
    report_unused(auth, grant, fields.endpoint.is_clear(), findings);
    auth.require(
        "user",
        "the user is missing",
        "name the account that sends the mail, such as `noreply@example.com`",
        findings,
    );
    let Fields { user, client_id, client_secret, refresh_token, access_token, .. } = fields;
    let renewal = match grant {
        Grant::Jwt => {
            let jwt =
                jwt(auth, fields.service_client, fields.private_key, fields.lifetime_ms, findings);
            Some(request(jwt.map(Oauth2Grant::Jwt), fields.endpoint, Some(GOOGLE_SCOPE))?)
        }
        Grant::RefreshToken => {
            require_client_id(auth, &fields.endpoint, findings);
            let client_id = client_id.map(str::to_owned);
            let grant = refresh_token.map(|refresh_token| RefreshTokenGrant {
                client_id,
                client_secret,
                refresh_token,
            });
            Some(request(grant.map(Oauth2Grant::RefreshToken), fields.endpoint, None)?)
        }
        Grant::ClientCredentials => {
            require_client(auth, &fields.endpoint, findings);
            let grant = client_id.zip(client_secret).map(|(client_id, client_secret)| {
                ClientCredentialsGrant { client_id: client_id.to_owned(), client_secret }
            });
            Some(request(grant.map(Oauth2Grant::ClientCredentials), fields.endpoint, None)?)
        }
        Grant::GivenToken => None,
    };
    let access_token =
        access_token.map(|token| AccessToken { token, expires_at_ms: fields.expires_at_ms });
    Some(Oauth2Login { user: user?.to_owned(), mechanism, access_token, renewal })
}

fn request(
    grant: Option<Oauth2Grant>,
    endpoint: Endpoint,
    scope: Option<&str>,
) -> Option<TokenRequest> {
    Some(TokenRequest {
        url: endpoint.url.unwrap_or_else(|| GOOGLE_URL.to_owned()),
        grant: grant?,
        scope: endpoint.scope.or_else(|| scope.map(str::to_owned)),
        parameters: endpoint.parameters,
        headers: endpoint.headers,
        tls: endpoint.tls,
    })
}

fn jwt(
    auth: &Object<'_>,
    service_client: Option<&str>,
    key: Option<crate::config::secret::PrivateKey>,
    lifetime_ms: u32,
    findings: &mut Findings,
) -> Option<JwtGrant> {
    auth.require(
        "serviceClient",
        "the service account of `privateKey` is missing",
        "set it to the `client_email` or `client_id` of the key file",
        findings,
    );
    auth.require(
        "privateKey",
        "the private key of `serviceClient` is missing",
        "set it to the `private_key` of the key file",
        findings,
    );
    let key = key?;
    Some(JwtGrant {
        service_client: service_client?.to_owned(),
        private_key: key.key,
        passphrase: key.passphrase,
        lifetime_ms,
    })
}

fn require_client_id(auth: &Object<'_>, endpoint: &Endpoint, findings: &mut Findings) {
    if !endpoint.has_parameter("client_id") {
        auth.require(
            "clientId",
            "the client of `refreshToken` is missing",
            "set it to the identifier that the refresh token was issued to",
            findings,
        );
    }
}

fn require_client(auth: &Object<'_>, endpoint: &Endpoint, findings: &mut Findings) {
    if !auth.has("clientId") && !auth.has("clientSecret") {
        let pointer = auth.pointer_to("refreshToken");
        findings.error(pointer, "missing-key", "nothing here gives an access token").help(
            "set `refreshToken` with `clientId` and `clientSecret`; or `serviceClient` with \
             `privateKey`; or `clientId`, `clientSecret` and `accessUrl`; or `accessToken`",
        );
        return;
    }
    let help = "without a `refreshToken`, `clientId` and `clientSecret` together obtain tokens";
    auth.require("clientId", "the identifier of `clientSecret` is missing", help, findings);
    auth.require("clientSecret", "the secret of `clientId` is missing", help, findings);
    auth.require(
        "accessUrl",
        "client credentials need the token endpoint of their issuer",
        "for Microsoft 365, set it to \
         `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token` and `scope` to \
         `https://outlook.office365.com/.default`",
        findings,
    );
    let microsoft =
        endpoint.url.as_deref().is_some_and(|url| url.contains("//login.microsoftonline.com/"));
    if microsoft && endpoint.scope.is_none() && !endpoint.has_parameter("scope") {
        findings
            .warning(
                auth.pointer_to("scope"),
                "scope-missing",
                "Microsoft issues no token without a scope",
            )
            .help("set it to `https://outlook.office365.com/.default`");
    }
}

fn report_unused(auth: &Object<'_>, grant: Grant, clear: bool, findings: &mut Findings) {
    let mut used = vec!["type", "user", "method", "accessToken"];
    used.extend(grant.fields());
    if auth.has("accessToken") {
        used.push("expires");
    }
    if grant != Grant::GivenToken {
        used.extend(["accessUrl", "scope", "customParams", "customHeaders", "tls"]);
        if clear && auth.says("tls") {
            findings
                .no_effect(auth.pointer_to("tls"), "the token endpoint is asked in clear")
                .help("remove it, or write an https URL into `auth.accessUrl`");
        }
    }
    auth.report_unused(&used, grant.reason(), "remove it", findings);
}

/// The moment at which `accessToken` expires.
pub(super) fn expires(auth: &mut Object<'_>, findings: &mut Findings) -> Option<u64> {
    let value = auth.value("expires")?;
    let pointer = auth.pointer_to("expires");
    let Some(number) = value.as_f64() else {
        wrong_type(&pointer, "a number: milliseconds since 1970", value, findings);
        return None;
    };
    if !(0.0..1e18).contains(&number) {
        findings
            .error(
                pointer,
                "out-of-range",
                format!("`{value}` is no moment: expected milliseconds since 1970"),
            )
            .help("write the moment at which the token expires, or remove it");
        return None;
    }
    let moment = number as u64;
    if moment == 0 {
        return None;
    }
    if moment < PLAUSIBLE_EXPIRY_MS {
        findings
            .warning(
                pointer,
                "implausible-expiry",
                format!("`{value}` lies before 1974: the token counts as expired"),
            )
            .help(
                "write the moment in milliseconds since 1970, neither seconds nor a lifetime; or \
                remove it",
            );
    }
    Some(moment)
}

/// How long a signed assertion is valid: `serviceRequestTimeout`, in milliseconds.
pub(super) fn assertion_lifetime(auth: &mut Object<'_>, findings: &mut Findings) -> u32 {
    let seconds = match auth.value("serviceRequestTimeout") {
        None => 0.0,
        Some(value) => value.as_f64().unwrap_or_else(|| {
            wrong_type(
                &auth.pointer_to("serviceRequestTimeout"),
                "a number of seconds",
                value,
                findings,
            );
            0.0
        }),
    };
    let clamped = seconds.clamp(0.0, LONGEST_ASSERTION_LIFETIME);
    if clamped < seconds || seconds < 0.0 {
        findings
            .warning(
                auth.pointer_to("serviceRequestTimeout"),
                "clamped",
                "is out of range: an assertion is valid for 3600 seconds at most",
            )
            .help("write a number of seconds from 1 to 3600, or remove it");
    }
    let seconds = if clamped > 0.0 { clamped } else { DEFAULT_ASSERTION_LIFETIME };
    (seconds * 1000.0).ceil() as u32
}
