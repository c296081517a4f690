//! How well a configuration protects the session: a plan that encrypts later, verifies less or
//! trusts more is refused. Better protection than was asked for is no harm.

use std::collections::BTreeSet;

use super::departure::departs;
use super::endpoints::{host_of, is_implicit};
use super::scalars::Scalars;
use super::service::Service;
use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::host::Host;
use crate::plan::{Authentication, TlsMode, TlsOptions, TlsVersion, TransportPlan};

/// The protection that a configuration asks for.
#[derive(Debug)]
pub(super) struct Protection {
    mode: TlsMode,
    plaintext_after_refusal: bool,
    /// Of the session, and of an HTTPS proxy on the way.
    session: Verification,
    /// Of requests to the token endpoint.
    token: Verification,
}

/// How the peer of a TLS session is verified.
#[derive(Debug)]
struct Verification {
    verify: bool,
    roots: BTreeSet<String>,
    server_name: Option<Host>,
    minimum: TlsVersion,
    maximum: TlsVersion,
}

impl Protection {
    /// Reads `secure`, the keys of STARTTLS, `tls` and `auth.tls`.
    pub(super) fn read(
        scalars: &Scalars,
        service: Option<Service>,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let service = service.unwrap_or_default();
        let ignores = service.ignore_tls || scalars.is_true("/ignoreTLS");
        let requires = service.require_tls || scalars.is_true("/requireTLS");
        let mode = match (is_implicit(scalars, service), requires, ignores) {
            (true, ..) => TlsMode::Implicit,
            (false, true, _) => TlsMode::RequiredStarttls,
            (false, false, true) => TlsMode::None,
            (false, false, false) => TlsMode::OpportunisticStarttls,
        };
        let mut session = Verification::read(scalars, "/tls", findings);
        if scalars.text("/tls/servername").is_none() {
            let outer = scalars.text("/servername");
            session.server_name =
                outer.and_then(|name| host_of(name, "/servername", scalars, findings));
        }
        Self {
            mode,
            plaintext_after_refusal: scalars.is_true("/opportunisticTLS"),
            session,
            token: Verification::read(scalars, "/auth/tls", findings),
        }
    }

    /// Refuses a plan that protects less.
    pub(super) fn check(&self, plan: &TransportPlan) -> Result<()> {
        if rank(plan.tls) < rank(self.mode) {
            return Err(departs("tls", weakness(plan.tls)));
        }
        if plan.plaintext_after_refusal
            && (!self.plaintext_after_refusal || self.mode == TlsMode::Implicit)
        {
            let what = "goes on in clear where the server refuses STARTTLS";
            return Err(departs("plaintext-after-refusal", what));
        }
        self.session.check(&plan.tls_options, &plan.endpoint.host, "tls-options")?;
        if let Authentication::OAuth2(login) = &plan.authentication
            && let Some(request) = &login.renewal
        {
            let host = &request.endpoint.endpoint().host;
            self.token.check(&request.tls, host, "token-request.tls")?;
        }
        Ok(())
    }
}

/// How much a mode protects: whoever is on the way can answer STARTTLS in the server's place, but
/// cannot complete a handshake that must be.
fn rank(mode: TlsMode) -> u8 {
    match mode {
        TlsMode::None => 0,
        TlsMode::OpportunisticStarttls => 1,
        TlsMode::RequiredStarttls | TlsMode::Implicit => 2,
    }
}

fn weakness(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::None => "never encrypts",
        _ => "encrypts only where the server offers it",
    }
}

impl Verification {
    fn read(scalars: &Scalars, object: &str, findings: &mut Vec<Diagnostic>) -> Self {
        let at = |key: &str| format!("{object}/{key}");
        let method = scalars.text(&at("secureProtocol")).unwrap_or_default();
        let only = method.trim_end_matches("_method").trim_end_matches("_client") == "TLSv1_2";
        let is_tls13 = scalars.text(&at("minVersion")) == Some("TLSv1.3");
        let is_tls12 = only || scalars.text(&at("maxVersion")) == Some("TLSv1.2");
        let elements = at("ca");
        let alone = scalars.text(&elements).into_iter();
        let listed = scalars.below(&elements).filter_map(|(_, value)| value.as_str());
        let roots = alone.chain(listed).map(str::to_owned).collect();
        let pointer = at("servername");
        let name = scalars.text(&pointer);
        Self {
            verify: scalars.boolean(&at("rejectUnauthorized")) != Some(false),
            roots,
            server_name: name.and_then(|name| host_of(name, &pointer, scalars, findings)),
            minimum: if is_tls13 && !only { TlsVersion::Tls13 } else { TlsVersion::Tls12 },
            maximum: if is_tls12 { TlsVersion::Tls12 } else { TlsVersion::Tls13 },
        }
    }

    /// Refuses TLS options that protect a session with a host less.
    fn check(&self, planned: &TlsOptions, host: &Host, member: &str) -> Result<()> {
        let departs = |option: &str, what| Err(departs(&format!("{member}.{option}"), what));
        if self.verify && !planned.verify_certificate {
            return departs("verify-certificate", "does not verify the certificate");
        }
        if planned.roots.iter().any(|root| !self.roots.contains(root)) {
            return departs("roots", "trusts certificates that stand nowhere in it");
        }
        if planned.roots.is_empty() && !self.roots.is_empty() {
            return departs("roots", "trusts the system's roots in the place of its own");
        }
        let declared = self.server_name.as_ref().unwrap_or(host);
        if planned.server_name.as_ref().unwrap_or(host) != declared {
            return departs("server-name", "verifies another name");
        }
        if planned.minimum_version.unwrap_or(TlsVersion::Tls12) < self.minimum {
            return departs("minimum-version", "accepts a lower version");
        }
        if planned.maximum_version.unwrap_or(TlsVersion::Tls13) < self.maximum {
            return departs("maximum-version", "refuses a higher version");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretPaths;

    fn read(text: &str) -> Protection {
        SecretPaths::new([]).mask(text).expect("the text is JSON").declared.protection
    }

    #[test]
    fn the_mode_follows_from_ports_keys_and_services() {
        let (opportunistic, required) = (TlsMode::OpportunisticStarttls, TlsMode::RequiredStarttls);
        for (text, mode) in [
            (r#"{}"#, opportunistic),
            (r#"{"port": 465}"#, TlsMode::Implicit),
            (r#"{"port": " 465 "}"#, TlsMode::Implicit),
            (r#"{"port": 465, "secure": false}"#, opportunistic),
            (r#"{"port": 465, "secure": null}"#, TlsMode::Implicit),
            (r#"{"port": 25, "secure": true, "ignoreTLS": true}"#, TlsMode::Implicit),
            (r#"{"ignoreTLS": true}"#, TlsMode::None),
            (r#"{"ignoreTLS": "true"}"#, opportunistic),
            (r#"{"ignoreTLS": true, "ignoreTLS": false}"#, opportunistic),
            (r#"{"requireTLS": true}"#, required),
            (r#"{"requireTLS": true, "opportunisticTLS": true}"#, required),
            (r#"{"requireTLS": true, "ignoreTLS": true}"#, required),
            (r#"{"service": "Gmail", "secure": false, "ignoreTLS": true}"#, TlsMode::Implicit),
            (r#"{"service": "BOL", "requireTLS": false}"#, required),
            (r#"{"service": "Maildev"}"#, TlsMode::None),
            (r#"{"url": "smtps://h:25", "secure": false}"#, TlsMode::Implicit),
            (r#"{"url": "smtp://h:465"}"#, opportunistic),
            (r#"{"url": "smtp://h", "ignoreTLS": true}"#, opportunistic),
            (r#"{"url": "smtp://h?ignoreTLS=true"}"#, TlsMode::None),
            (r#"{"url": "smtp://h?ignoreTLS=false&ignoreTLS=true"}"#, opportunistic),
            (r#"{"url": "smtp://h?requireTLS=true", "requireTLS": false}"#, required),
        ] {
            assert_eq!(read(text).mode, mode, "{text}");
        }
    }

    #[test]
    fn certificates_are_verified_unless_the_word_is_false() {
        for (text, verify) in [
            (r#"{"tls": {"rejectUnauthorized": false}}"#, false),
            (r#"{"tls": {"rejectUnauthorized": "false"}}"#, true),
            (r#"{"tls": {"rejectUnauthorized": 0}}"#, true),
            (r#"{"tls": {"rejectUnauthorized": false}, "tls": {}}"#, true),
            (r#"{"tls": {"rejectUnauthorized": false, "rejectUnauthorized": true}}"#, true),
            (r#"{"rejectUnauthorized": false}"#, true),
            (r#"{"auth": {"tls": {"rejectUnauthorized": false}}}"#, true),
            (r#"{"url": "smtp://h", "tls": {"rejectUnauthorized": false}}"#, true),
            (r#"{"url": "smtp://h?tls.rejectUnauthorized=false"}"#, false),
        ] {
            assert_eq!(read(text).session.verify, verify, "{text}");
        }
        let token = read(r#"{"auth": {"tls": {"rejectUnauthorized": false}}}"#).token;
        assert!(!token.verify);
    }

    #[test]
    fn names_roots_and_versions_are_those_of_the_session() {
        let name = |text| read(text).session.server_name.map(|host| host.to_string());
        for (text, expected) in [
            (r#"{"servername": "a.example"}"#, Some("a.example")),
            (
                r#"{"servername": "a.example", "tls": {"servername": "B.example"}}"#,
                Some("b.example"),
            ),
            (r#"{"tls": {"servername": ""}, "servername": "a.example"}"#, Some("a.example")),
            (r#"{"auth": {"tls": {"servername": "a.example"}}}"#, None),
        ] {
            assert_eq!(name(text).as_deref(), expected, "{text}");
        }
        for (text, roots) in [
            (r#"{"tls": {"ca": "a"}}"#, vec!["a"]),
            (r#"{"tls": {"ca": ["a", "b"]}}"#, vec!["a", "b"]),
            (r#"{"tls": {"ca": ["a", "b"], "ca": ["c"]}}"#, vec!["c"]),
            (r#"{"tls": {"ca": ""}, "auth": {"tls": {"ca": "b"}}}"#, vec![]),
        ] {
            let found = read(text).session.roots;
            assert!(found.iter().eq(roots.iter()), "{text}: {found:?}");
        }
        let (older, newer) = (TlsVersion::Tls12, TlsVersion::Tls13);
        for (text, range) in [
            (r#"{}"#, (older, newer)),
            (r#"{"tls": {"minVersion": "TLSv1.3"}}"#, (newer, newer)),
            (r#"{"tls": {"minVersion": "TLSv1"}}"#, (older, newer)),
            (r#"{"tls": {"maxVersion": "TLSv1.2"}}"#, (older, older)),
            (r#"{"tls": {"secureProtocol": "TLSv1_2_client_method"}}"#, (older, older)),
            (r#"{"tls": {"secureProtocol": "TLS_method"}}"#, (older, newer)),
        ] {
            let Verification { minimum, maximum, .. } = read(text).session;
            assert_eq!((minimum, maximum), range, "{text}");
        }
    }
}
