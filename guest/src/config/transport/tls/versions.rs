//! The keys `minVersion`, `maxVersion` and `secureProtocol`: the versions of TLS to accept.
//!
//! The lowest that can be spoken is 1.2 (RFC 8996 ends 1.0 and 1.1).

use super::super::plan::TlsVersion;
use crate::config::Object;
use crate::findings::Findings;

/// A range of versions, open where there is none.
type Range = (Option<TlsVersion>, Option<TlsVersion>);

/// Reads the keys.
pub(super) fn read(tls: &mut Object<'_>, findings: &mut Findings) -> Range {
    let minimum = minimum(tls, findings);
    let maximum = maximum(tls, findings);
    let protocol = protocol(tls, findings);
    if tls.has("secureProtocol") && (tls.has("minVersion") || tls.has("maxVersion")) {
        findings
            .error(
                tls.pointer_to("secureProtocol"),
                "contradiction",
                "cannot stand beside `minVersion` or `maxVersion`",
            )
            .help("remove `secureProtocol`");
    }
    if (minimum, maximum) == (Some(TlsVersion::Tls13), Some(TlsVersion::Tls12)) {
        findings
            .error(tls.pointer_to("minVersion"), "contradiction", "is higher than `maxVersion`")
            .help("remove one of the two");
    }
    protocol.map_or((minimum, maximum), |only| (Some(only), Some(only)))
}

fn minimum(tls: &mut Object<'_>, findings: &mut Findings) -> Option<TlsVersion> {
    match tls.text("minVersion", findings)? {
        "TLSv1.2" => Some(TlsVersion::Tls12),
        "TLSv1.3" => Some(TlsVersion::Tls13),
        "TLSv1" | "TLSv1.1" => {
            findings
                .no_effect(
                    tls.pointer_to("minVersion"),
                    "the lowest version that can be spoken is TLS 1.2",
                )
                .help("remove it, or write `TLSv1.2`");
            None
        }
        _ => invalid(tls, "minVersion", findings),
    }
}

fn maximum(tls: &mut Object<'_>, findings: &mut Findings) -> Option<TlsVersion> {
    match tls.text("maxVersion", findings)? {
        "TLSv1.2" => Some(TlsVersion::Tls12),
        "TLSv1.3" => Some(TlsVersion::Tls13),
        "TLSv1" | "TLSv1.1" => {
            too_old(tls, "maxVersion", findings);
            None
        }
        _ => invalid(tls, "maxVersion", findings),
    }
}

/// OpenSSL's method names. Those that mean any version say nothing.
fn protocol(tls: &mut Object<'_>, findings: &mut Findings) -> Option<TlsVersion> {
    let name = tls.text("secureProtocol", findings)?;
    match name.trim_end_matches("_method").trim_end_matches("_client") {
        "TLSv1_2" => Some(TlsVersion::Tls12),
        "TLS" | "SSLv23" => None,
        "TLSv1" | "TLSv1_1" | "SSLv2" | "SSLv3" => {
            too_old(tls, "secureProtocol", findings);
            None
        }
        _ => {
            findings
                .error(
                    tls.pointer_to("secureProtocol"),
                    "invalid-value",
                    "is no method of OpenSSL's",
                )
                .help("remove it, or use `minVersion` and `maxVersion`");
            None
        }
    }
}

fn too_old(tls: &Object<'_>, key: &str, findings: &mut Findings) {
    findings
        .error(
            tls.pointer_to(key),
            "unsupported",
            "allows only versions below TLS 1.2, which cannot be spoken",
        )
        .help("remove it, or ask the server's operator for TLS 1.2");
}

fn invalid(tls: &Object<'_>, key: &str, findings: &mut Findings) -> Option<TlsVersion> {
    findings
        .error(tls.pointer_to(key), "invalid-value", "is no version of TLS")
        .help("write `TLSv1.2` or `TLSv1.3`, or remove it");
    None
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{check, codes, plan, warnings, with};
    use super::*;
    use serde_json::{Value, json};

    fn range(tls: Value) -> Range {
        let mut document = with(json!({}));
        document["tls"] = tls;
        let options = plan(document).tls_options;
        (options.minimum_version, options.maximum_version)
    }

    #[test]
    fn versions_bound_the_handshake() {
        use TlsVersion::{Tls12, Tls13};
        for (tls, expected) in [
            (json!({}), (None, None)),
            (json!({"minVersion": "TLSv1.3"}), (Some(Tls13), None)),
            (json!({"maxVersion": "TLSv1.2"}), (None, Some(Tls12))),
            (json!({"minVersion": "TLSv1.2", "maxVersion": "TLSv1.3"}), (Some(Tls12), Some(Tls13))),
            (json!({"minVersion": "TLSv1"}), (None, None)),
            (json!({"secureProtocol": "TLSv1_2_method"}), (Some(Tls12), Some(Tls12))),
            (json!({"secureProtocol": "TLS_method"}), (None, None)),
            (json!({"secureProtocol": "SSLv23_client_method"}), (None, None)),
        ] {
            assert_eq!(range(tls.clone()), expected, "{tls}");
        }
        assert_eq!(
            warnings(&with(json!({"tls": {"minVersion": "TLSv1.1"}}))),
            [("/tls/minVersion", "no-effect")]
        );
    }

    #[test]
    fn versions_that_cannot_be_spoken_are_errors() {
        for (tls, path, code) in [
            (json!({"maxVersion": "TLSv1"}), "/tls/maxVersion", "unsupported"),
            (json!({"maxVersion": "TLSv1.1"}), "/tls/maxVersion", "unsupported"),
            (json!({"secureProtocol": "TLSv1_method"}), "/tls/secureProtocol", "unsupported"),
            (json!({"secureProtocol": "SSLv3_method"}), "/tls/secureProtocol", "unsupported"),
            (json!({"secureProtocol": "tls13"}), "/tls/secureProtocol", "invalid-value"),
            (json!({"minVersion": "1.2"}), "/tls/minVersion", "invalid-value"),
            (json!({"maxVersion": 1.2}), "/tls/maxVersion", "wrong-type"),
            (
                json!({"minVersion": "TLSv1.3", "maxVersion": "TLSv1.2"}),
                "/tls/minVersion",
                "contradiction",
            ),
            (
                json!({"minVersion": "TLSv1.2", "secureProtocol": "TLS_method"}),
                "/tls/secureProtocol",
                "contradiction",
            ),
        ] {
            assert_eq!(codes(&with(json!({ "tls": tls }))), [(path, code)], "{tls}");
            assert!(check(&with(json!({ "tls": tls }))).0.is_none());
        }
    }
}
