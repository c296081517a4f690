//! The keys `auth`, `authMethod` and `forceAuth`: how the session authenticates.
//!
//! Which credentials are meant follows from `auth.type`, or from the fields that are there. Fields
//! that the choice leaves unused are reported.

mod mechanism;
mod oauth2;
mod token_request;

use super::plan::{Authentication, PasswordLogin, Secret};
use super::service::Service;
use super::tls;
use crate::config::Object;
use crate::config::object::Misplaced;
use crate::config::secret::PrivateKey;
use crate::findings::Findings;
use mechanism::Mechanism;

/// How people write the fields of `auth` otherwise.
const SLIPS: &[Misplaced] = &[
    ("password", "did you mean `pass`?"),
    ("passwd", "did you mean `pass`?"),
    ("pwd", "did you mean `pass`?"),
    ("username", "did you mean `user`?"),
    ("login", "did you mean `user`?"),
    ("email", "did you mean `user`?"),
    ("client_id", "did you mean `clientId`?"),
    ("client_secret", "did you mean `clientSecret`?"),
    ("refresh_token", "did you mean `refreshToken`?"),
    ("access_token", "did you mean `accessToken`?"),
    ("token", "did you mean `accessToken`?"),
    ("tokenUrl", "did you mean `accessUrl`?"),
    ("authMethod", "did you mean `method`?"),
    (
        "tenantId",
        "write the tenant into `accessUrl`: \
        `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`",
    ),
];

/// The slips that stand for `user` and `pass`.
const LOGIN_SLIPS: [&str; 6] = ["username", "login", "email", "password", "passwd", "pwd"];

/// The fields of which any means that there are credentials.
const CREDENTIALS: [&str; 8] = [
    "user",
    "pass",
    "clientId",
    "clientSecret",
    "refreshToken",
    "accessToken",
    "serviceClient",
    "privateKey",
];

/// The credentials by which a login with tokens is recognised where `type` is absent.
const OAUTH2_CREDENTIALS: [&str; 6] =
    ["clientId", "clientSecret", "refreshToken", "accessToken", "serviceClient", "privateKey"];

/// How the session authenticates.
#[derive(Debug)]
pub(super) struct Login {
    /// The credentials.
    pub(super) authentication: Authentication,
    /// Whether they are used even where AUTH is not advertised.
    pub(super) force: bool,
}

/// What `auth.type` says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Password,
    OAuth2,
}

/// All fields of `auth`, read; of a field that is wrong nothing remains but its finding.
struct Fields<'a> {
    user: Option<&'a str>,
    pass: Option<Secret>,
    client_id: Option<&'a str>,
    client_secret: Option<Secret>,
    refresh_token: Option<Secret>,
    access_token: Option<Secret>,
    expires_at_ms: Option<u64>,
    service_client: Option<&'a str>,
    private_key: Option<PrivateKey>,
    lifetime_ms: u32,
    endpoint: token_request::Endpoint,
}

/// Reads the keys; none where the credentials cannot be used.
pub(super) fn read(
    root: &mut Object<'_>,
    service: Service,
    findings: &mut Findings,
) -> Option<Login> {
    let outer = mechanism::outer(root, service, findings);
    let force = root.flag("forceAuth", findings);
    let mut auth = root.object("auth", findings);
    let malformed = auth.is_none() && root.has("auth");
    let authentication = match &mut auth {
        _ if malformed => return None,
        Some(auth) if CREDENTIALS.iter().any(|key| auth.has(key)) => {
            credentials(auth, outer, findings)
        }
        auth => {
            anonymous(root, auth.as_mut(), outer, force, findings);
            Some(Authentication::None)
        }
    };
    if let Some(auth) = auth {
        auth.finish_with(SLIPS, findings);
    }
    Some(Login { authentication: authentication?, force })
}

/// Empty credentials are what forms leave behind for a server without authentication.
fn anonymous(
    root: &Object<'_>,
    auth: Option<&mut Object<'_>>,
    outer: Option<Mechanism>,
    force: bool,
    findings: &mut Findings,
) {
    const REASON: &str = "there are no credentials";
    const HELP: &str = "set `auth.user` and `auth.pass`, or remove it";
    if let Some(auth) = auth {
        kind(auth, findings);
        mechanism::inner(auth, findings);
        fields(auth, findings);
        report_slips(auth, findings);
        auth.report_unused(&["type"], REASON, HELP, findings);
    }
    if outer.is_some_and(|outer| !outer.preset) {
        findings.no_effect(root.pointer_to("authMethod"), REASON).help(HELP);
    }
    if force {
        findings.no_effect(root.pointer_to("forceAuth"), REASON).help(HELP);
    }
}

/// Without this, mail would go without a login that somebody wrote down.
fn report_slips(auth: &mut Object<'_>, findings: &mut Findings) {
    for (key, help) in SLIPS.iter().filter(|(key, _)| LOGIN_SLIPS.contains(key)) {
        if auth.has(key) {
            auth.inert(key);
            findings
                .error(
                    auth.pointer_to(key),
                    "unknown-key",
                    "this key is unknown, and the session would not authenticate",
                )
                .help(*help);
        }
    }
}

fn credentials(
    auth: &mut Object<'_>,
    outer: Option<Mechanism>,
    findings: &mut Findings,
) -> Option<Authentication> {
    let kind = kind(auth, findings).unwrap_or_else(|| recognise(auth));
    let mechanism = mechanism::choose(auth, outer, kind, findings);
    let fields = fields(auth, findings);
    match kind {
        Kind::Password => {
            auth.report_unused(
                &["type", "user", "pass", "method"],
                "the session authenticates with a password, and only OAuth2 uses this",
                "remove it, or set `auth.type` to `OAuth2`",
                findings,
            );
            password(auth, fields, mechanism, findings).map(Authentication::Password)
        }
        Kind::OAuth2 => oauth2::read(auth, fields, mechanism, findings).map(Authentication::Oauth2),
    }
}

fn password(
    auth: &Object<'_>,
    fields: Fields<'_>,
    mechanism: Option<super::plan::SaslMechanism>,
    findings: &mut Findings,
) -> Option<PasswordLogin> {
    auth.require(
        "user",
        "the user of `pass` is missing",
        "set it, or empty `pass` for no authentication",
        findings,
    );
    auth.require(
        "pass",
        "the password of `user` is missing",
        "set it, or empty `user` for no authentication",
        findings,
    );
    Some(PasswordLogin { user: fields.user?.to_owned(), password: fields.pass?, mechanism })
}

/// What `type` says; none where it is absent or wrong, which is then reported.
fn kind(auth: &mut Object<'_>, findings: &mut Findings) -> Option<Kind> {
    let name = auth.text("type", findings)?;
    if name.eq_ignore_ascii_case("login") {
        return Some(Kind::Password);
    }
    if name.eq_ignore_ascii_case("oauth2") {
        return Some(Kind::OAuth2);
    }
    findings
        .error(
            auth.pointer_to("type"),
            "invalid-value",
            "is no type of credentials: expected `login` or `OAuth2`",
        )
        .help("a mechanism such as PLAIN or XOAUTH2 goes into `auth.method`");
    None
}

fn recognise(auth: &Object<'_>) -> Kind {
    let oauth2 = !auth.has("pass") && OAUTH2_CREDENTIALS.iter().any(|key| auth.has(key));
    if oauth2 { Kind::OAuth2 } else { Kind::Password }
}

fn fields<'a>(auth: &mut Object<'a>, findings: &mut Findings) -> Fields<'a> {
    report_functions(auth, findings);
    Fields {
        user: auth.line("user", findings),
        pass: auth.secret("pass", findings),
        client_id: auth.line("clientId", findings),
        client_secret: auth.secret("clientSecret", findings),
        refresh_token: auth.secret("refreshToken", findings),
        access_token: auth.secret("accessToken", findings),
        expires_at_ms: oauth2::expires(auth, findings),
        service_client: auth.line("serviceClient", findings),
        private_key: auth.private_key("privateKey", findings),
        lifetime_ms: oauth2::assertion_lifetime(auth, findings),
        endpoint: token_request::endpoint(auth, findings),
    }
}

fn report_functions(auth: &mut Object<'_>, findings: &mut Findings) {
    super::inert::report(
        auth,
        &[
            (
                "options",
                "it is for authentication handlers, which are functions, and JSON cannot hold them",
                "remove it",
            ),
            (
                "provisionCallback",
                "it takes a function, which JSON cannot hold",
                "set `refreshToken` or `privateKey`",
            ),
            (
                "timeout",
                "a lifetime that begins at an unknown moment says nothing about when the token \
                expires",
                "set `auth.expires` to the moment in milliseconds since 1970",
            ),
        ],
        findings,
    );
}

#[cfg(test)]
mod tests;
