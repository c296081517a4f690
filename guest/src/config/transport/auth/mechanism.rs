//! The keys `auth.method` and `authMethod`: the SASL mechanism to use, advertised or not.

use super::super::endpoint::overridden;
use super::super::plan::SaslMechanism;
use super::super::service::Service;
use super::Kind;
use crate::config::{Object, nearest};
use crate::findings::Findings;

/// A mechanism that the configuration or its service asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mechanism {
    /// Which.
    pub(super) name: SaslMechanism,
    /// Whether the service asks for it.
    pub(super) preset: bool,
}

/// Reads `authMethod`, over which a service's own goes.
pub(super) fn outer(
    root: &mut Object<'_>,
    service: Service,
    findings: &mut Findings,
) -> Option<Mechanism> {
    let given = read(root, "authMethod", findings);
    let Some(preset) = service.auth_method.and_then(by_name) else {
        return given.map(|name| Mechanism { name, preset: false });
    };
    if given.is_some_and(|given| given != preset) {
        overridden(root, "authMethod", findings);
    }
    Some(Mechanism { name: preset, preset: true })
}

/// Reads `auth.method`.
pub(super) fn inner(auth: &mut Object<'_>, findings: &mut Findings) -> Option<SaslMechanism> {
    read(auth, "method", findings)
}

/// The mechanism for credentials of one kind: `auth.method`, else the outer one.
pub(super) fn choose(
    auth: &mut Object<'_>,
    outer: Option<Mechanism>,
    kind: Kind,
    findings: &mut Findings,
) -> Option<SaslMechanism> {
    let inner = inner(auth, findings);
    if let Some(inner) = inner {
        if outer.is_some_and(|outer| !outer.preset && outer.name != inner) {
            findings
                .no_effect("/authMethod", "`auth.method` goes before it")
                .help("remove one of the two");
        }
        report_misfit(auth.pointer_to("method"), inner, kind, findings);
        return Some(inner);
    }
    let outer = outer?;
    // A service's mechanism is meant for passwords; whoever brings a token has chosen another.
    if outer.preset && !fits(outer.name, kind) {
        return None;
    }
    report_misfit("/authMethod".to_owned(), outer.name, kind, findings);
    Some(outer.name)
}

fn read(
    object: &mut Object<'_>,
    key: &'static str,
    findings: &mut Findings,
) -> Option<SaslMechanism> {
    let name = object.text(key, findings)?;
    let mechanism = by_name(&name.trim().to_ascii_uppercase());
    if mechanism.is_none() {
        let help = nearest(name.trim(), &NAMES).map_or_else(
            || {
                "remove it: a mechanism is then chosen among those that the server advertises"
                    .to_owned()
            },
            |name| format!("did you mean `{name}`?"),
        );
        findings
            .error(
                object.pointer_to(key),
                "invalid-value",
                "is no mechanism: expected `PLAIN`, `LOGIN`, `CRAM-MD5`, `XOAUTH2` or \
                `OAUTHBEARER`",
            )
            .help(help);
    }
    mechanism
}

const NAMES: [&str; 5] = ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"];

fn by_name(name: &str) -> Option<SaslMechanism> {
    match name {
        "PLAIN" => Some(SaslMechanism::Plain),
        "LOGIN" => Some(SaslMechanism::Login),
        "CRAM-MD5" => Some(SaslMechanism::CramMd5),
        "XOAUTH2" => Some(SaslMechanism::Xoauth2),
        "OAUTHBEARER" => Some(SaslMechanism::Oauthbearer),
        _ => None,
    }
}

fn fits(mechanism: SaslMechanism, kind: Kind) -> bool {
    let bearer = matches!(mechanism, SaslMechanism::Xoauth2 | SaslMechanism::Oauthbearer);
    bearer == (kind == Kind::OAuth2)
}

fn report_misfit(pointer: String, mechanism: SaslMechanism, kind: Kind, findings: &mut Findings) {
    if fits(mechanism, kind) {
        return;
    }
    let (message, help) = match kind {
        Kind::Password => (
            "is a mechanism for access tokens, but the credentials are a user and a password",
            "remove it, or give OAuth2 credentials",
        ),
        Kind::OAuth2 => (
            "is a mechanism for passwords, but the credentials are OAuth2",
            "remove it, or write `XOAUTH2` or `OAUTHBEARER`",
        ),
    };
    findings.error(pointer, "contradiction", message).help(help);
}
