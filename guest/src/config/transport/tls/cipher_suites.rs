//! The key `ciphers`: an OpenSSL cipher list becomes the IANA names of suites that rustls has.
//!
//! Tutorials spread lists such as `SSLv3` that name no suite but a class of them. They are
//! tolerated.

use super::super::plan::TlsVersion;
use crate::config::Object;
use crate::findings::Findings;

/// OpenSSL's names of the suites that rustls speaks with its `aws-lc-rs` provider, and IANA's.
/// Those of TLS 1.3 have one name only.
const SUITES: [(&str, &str); 9] = [
    ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    ("TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    ("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
];

/// OpenSSL's words for classes of suites, in upper case.
const CLASSES: &[&str] = &[
    "3DES",
    "AES",
    "AES128",
    "AES256",
    "AESCCM",
    "AESGCM",
    "ALL",
    "AECDH",
    "ADH",
    "ANULL",
    "AECDSA",
    "ARSA",
    "CAMELLIA",
    "CHACHA20",
    "COMPLEMENTOFALL",
    "COMPLEMENTOFDEFAULT",
    "DEFAULT",
    "DES",
    "DH",
    "DHE",
    "ECDH",
    "ECDHE",
    "ECDSA",
    "EDH",
    "EECDH",
    "ENULL",
    "EXP",
    "EXPORT",
    "FIPS",
    "HIGH",
    "KDHE",
    "KECDHE",
    "KEDH",
    "KEECDH",
    "KRSA",
    "LOW",
    "MD5",
    "MEDIUM",
    "NULL",
    "PSK",
    "RC4",
    "RSA",
    "SHA",
    "SHA1",
    "SHA256",
    "SHA384",
    "SSLV2",
    "SSLV3",
    "TLSV1",
    "TLSV1.0",
    "TLSV1.1",
    "TLSV1.2",
    "TLSV1.3",
];

/// What one member of a list is.
enum Member {
    Suite(&'static str),
    Class,
    Unknown,
}

/// Reads the key. The versions that the options allow decide which suites can be used at all.
pub(super) fn read(
    tls: &mut Object<'_>,
    minimum: Option<TlsVersion>,
    maximum: Option<TlsVersion>,
    findings: &mut Findings,
) -> Vec<String> {
    let Some(list) = tls.text("ciphers", findings) else {
        return vec![];
    };
    let members: Vec<_> =
        list.split([':', ',', ' ', '\n']).filter(|word| !word.is_empty()).map(member).collect();
    let mut suites: Vec<&'static str> = Vec::new();
    for member in &members {
        if let Member::Suite(name) = member
            && !suites.contains(name)
        {
            suites.push(name);
        }
    }
    let pointer = tls.pointer_to("ciphers");
    if suites.is_empty() {
        report_empty(&members, pointer, findings);
    } else if !fits(&suites, minimum, maximum) {
        findings
            .error(
                pointer,
                "contradiction",
                "names no suite of the versions that `minVersion` and `maxVersion` allow",
            )
            .help("remove `ciphers`");
    } else if members.iter().any(|member| !matches!(member, Member::Suite(_))) {
        findings
            .warning(
                pointer,
                "no-effect",
                "classes, exclusions and unknown names in the list have no effect",
            )
            .help(available());
    }
    suites.into_iter().map(str::to_owned).collect()
}

fn report_empty(members: &[Member], pointer: String, findings: &mut Findings) {
    if members.iter().any(|member| matches!(member, Member::Class)) {
        findings
            .no_effect(
                pointer,
                "its members are classes, not suites, and the usual suites are offered",
            )
            .help("remove it: the server and this product agree on a sound suite by themselves");
    } else {
        findings
            .error(pointer, "unsupported", "names no suite that can be spoken")
            .help(available());
    }
}

fn member(word: &str) -> Member {
    // A security level may follow a class without a separator, as in `DEFAULT@SECLEVEL=0`.
    let upper = word.split('@').next().unwrap_or(word).to_ascii_uppercase();
    if upper.is_empty() || upper.starts_with(['!', '-', '+']) {
        return Member::Class;
    }
    if let Some((_, iana)) =
        SUITES.iter().find(|(openssl, iana)| upper == *openssl || upper == *iana)
    {
        return Member::Suite(iana);
    }
    if upper.split('+').all(|class| CLASSES.contains(&class)) {
        Member::Class
    } else {
        Member::Unknown
    }
}

/// Whether some suite serves a version in the range. TLS 1.3 has suites of its own.
fn fits(suites: &[&str], minimum: Option<TlsVersion>, maximum: Option<TlsVersion>) -> bool {
    let newest = |suite: &&str| !suite.contains("_WITH_");
    match (minimum, maximum) {
        (Some(TlsVersion::Tls13), _) => suites.iter().any(newest),
        (_, Some(TlsVersion::Tls12)) => !suites.iter().all(newest),
        _ => true,
    }
}

fn available() -> String {
    let names: Vec<_> = SUITES.iter().map(|(openssl, _)| format!("`{openssl}`")).collect();
    format!("remove it, or choose among {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{codes, plan, warnings, with};
    use super::*;
    use serde_json::json;

    fn suites(list: &str) -> Vec<String> {
        plan(with(json!({"tls": {"ciphers": list}}))).tls_options.cipher_suites
    }

    #[test]
    fn suites_are_known_by_both_names() {
        for (openssl, iana) in SUITES {
            assert_eq!(suites(openssl), [iana]);
            assert_eq!(suites(iana), [iana]);
        }
        let document =
            with(json!({"tls": {"ciphers": "ECDHE-RSA-AES128-GCM-SHA256:tls_aes_128_gcm_sha256"}}));
        assert_eq!(warnings(&document), []);
        assert_eq!(
            plan(document).tls_options.cipher_suites,
            ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"]
        );
    }

    #[test]
    fn pasted_classes_are_tolerated() {
        for list in [
            "SSLv3",
            "HIGH:!aNULL:!MD5",
            "DEFAULT@SECLEVEL=0",
            "ALL",
            "ECDHE+AESGCM:kRSA",
            "@SECLEVEL=1",
        ] {
            let document = with(json!({"tls": {"ciphers": list}}));
            assert_eq!(warnings(&document), [("/tls/ciphers", "no-effect")], "{list}");
        }
        assert_eq!(suites("SSLv3"), Vec::<String>::new());
    }

    #[test]
    fn a_list_keeps_the_suites_that_exist() {
        let document =
            with(json!({"tls": {"ciphers": "AES256-SHA:ECDHE-RSA-AES256-GCM-SHA384:HIGH"}}));
        assert_eq!(warnings(&document), [("/tls/ciphers", "no-effect")]);
        assert_eq!(
            plan(document).tls_options.cipher_suites,
            ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]
        );
        for list in ["AES256-SHA", "DHE-RSA-AES128-SHA:NONSENSE", ":"] {
            assert_eq!(
                codes(&with(json!({"tls": {"ciphers": list}}))),
                [("/tls/ciphers", "unsupported")]
            );
        }
        assert_eq!(
            codes(&with(json!({"tls": {"ciphers": ["SSLv3"]}}))),
            [("/tls/ciphers", "wrong-type")]
        );
    }

    #[test]
    fn suites_must_serve_a_version_in_the_range() {
        for (version, value, list) in [
            ("minVersion", "TLSv1.3", "ECDHE-RSA-AES128-GCM-SHA256"),
            ("maxVersion", "TLSv1.2", "TLS_AES_128_GCM_SHA256"),
        ] {
            let document = with(json!({"tls": {version: value, "ciphers": list}}));
            assert_eq!(codes(&document), [("/tls/ciphers", "contradiction")]);
        }
    }
}
