//! The object `tls`, which nodemailer hands to Node: certificates, names, versions and cipher
//! suites.
//!
//! One reader serves the session (`tls`) and the token endpoint (`auth.tls`).

mod cipher_suites;
mod inert;
mod versions;

use serde_json::Value;

use super::plan::{ClientIdentity, TlsOptions};
use crate::config::object::Misplaced;
use crate::config::{Object, host_name, wrong_type};
use crate::findings::{Findings, join};

/// Keys that belong beside `tls`, and how people write others.
const SLIPS: &[Misplaced] = &[
    ("rejectUnauthorised", "did you mean `rejectUnauthorized`?"),
    ("secure", "write it beside `tls`, at the top level"),
    ("requireTLS", "write it beside `tls`, at the top level"),
    ("ignoreTLS", "write it beside `tls`, at the top level"),
    ("opportunisticTLS", "write it beside `tls`, at the top level"),
];

/// The options where a configuration has no such object.
pub(super) fn standard() -> TlsOptions {
    TlsOptions {
        server_name: None,
        verify_certificate: true,
        roots: vec![],
        identity: None,
        minimum_version: None,
        maximum_version: None,
        cipher_suites: vec![],
    }
}

/// Reads the object `tls` of `parent`.
pub(super) fn read(parent: &mut Object<'_>, findings: &mut Findings) -> TlsOptions {
    let Some(mut tls) = parent.object("tls", findings) else {
        return standard();
    };
    let (minimum_version, maximum_version) = versions::read(&mut tls, findings);
    let options = TlsOptions {
        server_name: server_name(&mut tls, findings),
        verify_certificate: verify_certificate(&mut tls, findings),
        roots: pem_list(&mut tls, "ca", findings),
        identity: identity(&mut tls, findings),
        minimum_version,
        maximum_version,
        cipher_suites: cipher_suites::read(&mut tls, minimum_version, maximum_version, findings),
    };
    inert::read(&mut tls, findings);
    tls.finish_with(SLIPS, findings);
    options
}

/// The key `servername` of an object: the name to say and to look for in the certificate.
pub(super) fn server_name(object: &mut Object<'_>, findings: &mut Findings) -> Option<String> {
    let name = object.text("servername", findings)?;
    match host_name::parse(name) {
        Ok(name) => Some(name.to_owned()),
        Err(fault) => {
            findings
                .error(object.pointer_to("servername"), "invalid-host", fault.to_string())
                .help(fault.help());
            None
        }
    }
}

fn verify_certificate(tls: &mut Object<'_>, findings: &mut Findings) -> bool {
    let verify = tls.boolean("rejectUnauthorized", findings).unwrap_or(true);
    if !verify {
        findings
            .warning(
                tls.pointer_to("rejectUnauthorized"),
                "certificate-not-verified",
                "the server's certificate is not verified: anyone on the way can read the mail and \
                the password",
            )
            .help(
                "remove it, and name the certificate's issuer, or the certificate itself, in \
                `ca`",
            );
    }
    verify
}

/// The certificates at `key`: one text in PEM or several.
fn pem_list(tls: &mut Object<'_>, key: &'static str, findings: &mut Findings) -> Vec<String> {
    let Some(value) = tls.value(key) else {
        return vec![];
    };
    let pointer = tls.pointer_to(key);
    match value {
        Value::String(text) if text.is_empty() => vec![],
        Value::String(text) => pem(text, &pointer, findings).into_iter().collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .filter_map(|(index, element)| {
                let pointer = join(&pointer, &index.to_string());
                let Some(text) = element.as_str() else {
                    wrong_type(&pointer, "a certificate in PEM", element, findings);
                    return None;
                };
                pem(text, &pointer, findings)
            })
            .collect(),
        other => {
            wrong_type(&pointer, "a certificate in PEM, or an array of them", other, findings);
            vec![]
        }
    }
}

fn pem(text: &str, pointer: &str, findings: &mut Findings) -> Option<String> {
    if text.contains("-----BEGIN ") && text.contains("CERTIFICATE-----") {
        return Some(text.to_owned());
    }
    findings
        .error(
            pointer,
            "not-pem",
            "is no certificate in PEM: there is no `-----BEGIN CERTIFICATE-----` in it",
        )
        .help("write the text of the certificate itself, not the path of its file");
    None
}

fn identity(tls: &mut Object<'_>, findings: &mut Findings) -> Option<ClientIdentity> {
    let chain = pem_list(tls, "cert", findings);
    let private_key = tls.secret("key", findings);
    let passphrase = tls.secret("passphrase", findings);
    if tls.has("cert") {
        tls.require(
            "key",
            "the private key of `cert` is missing",
            "give the key in PEM, or remove `cert`",
            findings,
        );
    }
    if tls.has("key") {
        tls.require(
            "cert",
            "the certificate of `key` is missing",
            "give it in PEM, or remove `key`",
            findings,
        );
    } else if tls.has("passphrase") {
        findings
            .no_effect(tls.pointer_to("passphrase"), "there is no `key` that it could open")
            .help("remove it");
    }
    let certificate_chain = chain.join("\n");
    Some(ClientIdentity { certificate_chain, private_key: private_key?, passphrase })
        .filter(|identity| !identity.certificate_chain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{at, codes, plan, warnings, with};
    use super::super::plan::Secret;
    use serde_json::json;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

    #[test]
    fn certificates_replace_the_roots() {
        for (ca, roots) in [
            (json!(CERTIFICATE), vec![CERTIFICATE]),
            (json!([CERTIFICATE, CERTIFICATE]), vec![CERTIFICATE, CERTIFICATE]),
            (json!(""), vec![]),
            (json!([]), vec![]),
        ] {
            assert_eq!(plan(with(json!({"tls": {"ca": ca}}))).tls_options.roots, roots);
        }
        for (ca, path, code) in [
            (json!("/etc/ssl/ca.pem"), "/tls/ca", "not-pem"),
            (json!({"file": "ca.pem"}), "/tls/ca", "wrong-type"),
            (json!([CERTIFICATE, "x"]), "/tls/ca/1", "not-pem"),
            (json!([5]), "/tls/ca/0", "wrong-type"),
        ] {
            assert_eq!(codes(&with(json!({"tls": {"ca": ca}}))), [(path, code)]);
        }
    }

    #[test]
    fn verification_ends_only_by_the_word_false() {
        let open = with(json!({"tls": {"rejectUnauthorized": false}}));
        assert_eq!(warnings(&open), [("/tls/rejectUnauthorized", "certificate-not-verified")]);
        assert!(!plan(open).tls_options.verify_certificate);
        assert!(
            plan(with(json!({"tls": {"rejectUnauthorized": true}}))).tls_options.verify_certificate
        );
        let text = with(json!({"tls": {"rejectUnauthorized": "false"}}));
        assert_eq!(codes(&text), [("/tls/rejectUnauthorized", "wrong-type")]);
    }

    #[test]
    fn a_client_certificate_needs_its_key() {
        let document =
            with(json!({"tls": {"cert": CERTIFICATE, "key": "ref", "passphrase": {"env": "P"}}}));
        let identity = plan(document).tls_options.identity.expect("an identity");
        assert_eq!(identity.certificate_chain, CERTIFICATE);
        assert_eq!(identity.private_key, Secret { pointer: "/tls/key".into() });
        assert_eq!(identity.passphrase, Some(Secret { pointer: "/tls/passphrase".into() }));
        assert_eq!(
            codes(&with(json!({"tls": {"cert": CERTIFICATE}}))),
            [("/tls/key", "missing-key")]
        );
        assert_eq!(codes(&with(json!({"tls": {"key": "ref"}}))), [("/tls/cert", "missing-key")]);
        assert_eq!(
            codes(&with(json!({"tls": {"cert": "x", "key": "ref"}}))),
            [("/tls/cert", "not-pem")]
        );
        assert_eq!(
            warnings(&with(json!({"tls": {"passphrase": "ref"}}))),
            [("/tls/passphrase", "no-effect")]
        );
    }

    #[test]
    fn the_inner_server_name_goes_before_the_outer_one() {
        let name = |document| plan(document).tls_options.server_name;
        assert_eq!(name(with(json!({"servername": "a.example"}))).as_deref(), Some("a.example"));
        assert_eq!(
            name(with(json!({"tls": {"servername": "b.example"}}))).as_deref(),
            Some("b.example")
        );
        let same = with(json!({"servername": "a.example", "tls": {"servername": "a.example"}}));
        assert_eq!(warnings(&same), []);
        let both = with(json!({"servername": "a.example", "tls": {"servername": "b.example"}}));
        assert_eq!(warnings(&both), [("/servername", "no-effect")]);
        assert_eq!(name(both).as_deref(), Some("b.example"));
        assert_eq!(codes(&with(json!({"servername": "a b"}))), [("/servername", "invalid-host")]);
        assert_eq!(
            codes(&with(json!({"tls": {"servername": 1}}))),
            [("/tls/servername", "wrong-type")]
        );
    }

    #[test]
    fn keys_from_elsewhere_are_sent_home() {
        let document = with(json!({"tls": {"requireTLS": true, "severname": "x"}}));
        assert_eq!(
            warnings(&document),
            [("/tls/requireTLS", "unknown-key"), ("/tls/severname", "unknown-key")]
        );
        assert_eq!(
            at(&document, "/tls/requireTLS").help.as_deref(),
            Some("write it beside `tls`, at the top level")
        );
        assert_eq!(
            at(&document, "/tls/severname").help.as_deref(),
            Some("did you mean `servername`?")
        );
    }
}
