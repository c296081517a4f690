//! The keys `ignoreTLS`, `requireTLS` and `opportunisticTLS`: what becomes of a connection that
//! begins in clear (RFC 3207).

use super::endpoint::overridden;
use super::plan::TlsMode;
use super::service::Service;
use crate::config::Object;
use crate::findings::Findings;

/// When the connection becomes encrypted.
#[derive(Debug, PartialEq)]
pub(super) struct Encryption {
    /// The mode.
    pub(super) mode: TlsMode,
    /// Whether a refused STARTTLS command is forgiven.
    pub(super) plaintext_after_refusal: bool,
}

/// Reads the keys.
pub(super) fn read(
    root: &mut Object<'_>,
    service: Service,
    implicit_tls: bool,
    findings: &mut Findings,
) -> Encryption {
    let ignore = flag(root, "ignoreTLS", service.ignore_tls, findings);
    let require = flag(root, "requireTLS", service.require_tls, findings);
    let opportunistic = root.flag("opportunisticTLS", findings);
    let set = [("ignoreTLS", ignore), ("requireTLS", require), ("opportunisticTLS", opportunistic)];
    if implicit_tls {
        report(
            root,
            &set,
            "TLS begins with the first byte here, and STARTTLS is never used",
            findings,
        );
        return Encryption { mode: TlsMode::Implicit, plaintext_after_refusal: false };
    }
    if ignore && require {
        findings
            .error(
                root.pointer_to("ignoreTLS"),
                "contradiction",
                "contradicts `requireTLS`: both are true",
            )
            .help("keep `requireTLS` to encrypt, or `ignoreTLS` to send in clear");
    }
    if ignore {
        report(root, &set[2..], "`ignoreTLS` is true, and STARTTLS is never used", findings);
    }
    let mode = match (ignore, require) {
        (true, _) => TlsMode::None,
        (false, true) => TlsMode::RequiredStarttls,
        (false, false) => TlsMode::OpportunisticStarttls,
    };
    Encryption { mode, plaintext_after_refusal: opportunistic && !ignore }
}

fn flag(root: &mut Object<'_>, key: &'static str, service: bool, findings: &mut Findings) -> bool {
    let given = root.boolean(key, findings);
    if service && given == Some(false) {
        overridden(root, key, findings);
    }
    service || given.unwrap_or(false)
}

fn report(root: &Object<'_>, set: &[(&str, bool)], reason: &str, findings: &mut Findings) {
    for (key, _) in set.iter().filter(|(key, set)| *set && root.has(key)) {
        findings.no_effect(root.pointer_to(key), reason).help("remove it");
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{check, codes, plan, warnings, with};
    use super::super::plan::TlsMode;
    use serde_json::json;

    /// Every combination of the three keys on a port that begins in clear.
    #[test]
    fn the_three_keys_decide_together() {
        for (ignore, require, opportunistic, expected) in [
            (false, false, false, Some((TlsMode::OpportunisticStarttls, false))),
            (false, false, true, Some((TlsMode::OpportunisticStarttls, true))),
            (false, true, false, Some((TlsMode::RequiredStarttls, false))),
            (false, true, true, Some((TlsMode::RequiredStarttls, true))),
            (true, false, false, Some((TlsMode::None, false))),
            (true, false, true, Some((TlsMode::None, false))),
            (true, true, false, None),
            (true, true, true, None),
        ] {
            let document = with(json!({"ignoreTLS": ignore, "requireTLS": require,
                    "opportunisticTLS": opportunistic}));
            let found = check(&document).0.map(|plan| (plan.tls, plan.plaintext_after_refusal));
            assert_eq!(found, expected, "{document}");
        }
    }

    #[test]
    fn contradictions_are_told() {
        let both = with(json!({"ignoreTLS": true, "requireTLS": true}));
        assert_eq!(codes(&both), [("/ignoreTLS", "contradiction")]);
        let idle = with(json!({"ignoreTLS": true, "opportunisticTLS": true}));
        assert_eq!(warnings(&idle), [("/opportunisticTLS", "no-effect")]);
        for key in ["ignoreTLS", "requireTLS", "opportunisticTLS"] {
            let path: &str = format!("/{key}").leak();
            assert_eq!(codes(&with(json!({ key: "true" }))), [(path, "wrong-type")]);
        }
    }

    #[test]
    fn nothing_of_it_matters_under_implicit_tls() {
        let document = with(json!({
            "port": 465, "ignoreTLS": true, "requireTLS": true, "opportunisticTLS": true
        }));
        assert_eq!(
            warnings(&document),
            [
                ("/ignoreTLS", "no-effect"),
                ("/requireTLS", "no-effect"),
                ("/opportunisticTLS", "no-effect")
            ]
        );
        assert_eq!(plan(document).tls, TlsMode::Implicit);
        let quiet = with(
            json!({"port": 465, "ignoreTLS": false, "requireTLS": false, "opportunisticTLS": null}),
        );
        assert_eq!(warnings(&quiet), []);
    }
}
