//! Keys of Node's TLS options that this product does not follow, each with the reason.

use super::super::inert::{Inert, is_off};
use crate::config::Object;
use crate::findings::Findings;

/// Keys without which a connection is no less safe.
const HARMLESS: &[Inert] = &[
    ("ALPNProtocols", "mail protocols do not negotiate an application protocol", "remove it"),
    ("allowPartialTrustChain", "every certificate in `ca` is trusted as it stands", "remove it"),
    ("dhparam", "finite-field key exchange is never used", "remove it"),
    ("dnsTtl", "names are resolved for every connection", "remove it"),
    ("ecdhCurve", "the key exchange groups are fixed: X25519, P-256 and P-384", "remove it"),
    ("enableTrace", "handshakes are not traced", "use `debug` with `logger` at the top level"),
    (
        "handshakeTimeout",
        "the handshake has the deadlines of the session",
        "use `connectionTimeout` or `socketTimeout`",
    ),
    ("honorCipherOrder", "it concerns servers only", "remove it"),
    ("minDHSize", "finite-field key exchange is never used", "remove it"),
    ("requestCert", "it concerns servers only", "remove it"),
    ("requestOCSP", "certificate status is not asked for", "remove it"),
    (
        "secureOptions",
        "OpenSSL's options do not exist here",
        "use `minVersion`, `maxVersion` and `ciphers`",
    ),
    ("session", "sessions are resumed by themselves", "remove it"),
    ("sessionIdContext", "it concerns servers only", "remove it"),
    ("sessionTimeout", "it concerns servers only", "remove it"),
    ("sigalgs", "the signature algorithms are fixed, and all of them are sound", "remove it"),
    ("ticketKeys", "it concerns servers only", "remove it"),
    (
        "timeout",
        "the handshake has the deadlines of the session",
        "use `connectionTimeout` or `socketTimeout`",
    ),
    // Functions, which JSON cannot hold.
    ("ALPNCallback", "it takes a function, which JSON cannot hold", "remove it"),
    ("SNICallback", "it takes a function, which JSON cannot hold", "remove it"),
    ("checkServerIdentity", "it takes a function, which JSON cannot hold", "remove it"),
    ("pskCallback", "it takes a function, which JSON cannot hold", "remove it"),
    ("secureContext", "it takes an object of Node's, which JSON cannot hold", "remove it"),
];

/// Keys that would send the connection to another place than the configuration's endpoint.
const REDIRECTING: &[&str] =
    &["family", "hints", "host", "localAddress", "localPort", "lookup", "path", "port", "socket"];

/// Keys whose loss would make a connection less safe than its owner believes, and what to do.
const NEEDED: &[Inert] = &[
    (
        "crl",
        "revocation lists are not supported",
        "remove it, and replace `ca` when a certificate is revoked",
    ),
    (
        "pfx",
        "PKCS #12 files are not supported",
        "convert it to PEM, and set `cert`, `key` and `passphrase`",
    ),
    ("clientCertEngine", "OpenSSL engines are not supported", "set `cert` and `key`"),
    ("privateKeyEngine", "OpenSSL engines are not supported", "set `cert` and `key`"),
    ("privateKeyIdentifier", "OpenSSL engines are not supported", "set `cert` and `key`"),
];

/// Reports the keys that are there.
pub(super) fn read(tls: &mut Object<'_>, findings: &mut Findings) {
    super::super::inert::report(tls, HARMLESS, findings);
    for key in REDIRECTING {
        if tls.inert(key).is_some_and(|value| !is_off(value)) {
            findings
                .error(
                    tls.pointer_to(key),
                    "unsupported",
                    "would send the connection elsewhere, and is refused",
                )
                .help(
                    "remove it; `host`, `port`, `localAddress` and `proxy` at the top level say \
                    where to connect",
                );
        }
    }
    for (key, message, help) in NEEDED {
        if tls.inert(key).is_some_and(|value| !is_off(value)) {
            findings.error(tls.pointer_to(key), "unsupported", *message).help(*help);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{codes, warnings, with};
    use super::*;
    use serde_json::json;

    #[test]
    fn harmless_keys_are_warnings() {
        for (key, _, _) in HARMLESS {
            let path: &str = format!("/tls/{key}").leak();
            assert_eq!(warnings(&with(json!({"tls": { *key: "x" }}))), [(path, "no-effect")]);
        }
        assert_eq!(
            warnings(&with(json!({"tls": {"honorCipherOrder": false, "session": null}}))),
            []
        );
    }

    #[test]
    fn keys_that_redirect_or_weaken_are_errors() {
        for key in REDIRECTING.iter().chain(NEEDED.iter().map(|(key, _, _)| key)) {
            let path: &str = format!("/tls/{key}").leak();
            assert_eq!(codes(&with(json!({"tls": { *key: "x" }}))), [(path, "unsupported")]);
            for nothing in [json!(""), json!(0), json!(false), json!(null)] {
                assert_eq!(codes(&with(json!({"tls": { *key: nothing }}))), []);
            }
        }
    }
}
