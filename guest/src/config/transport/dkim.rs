//! The object `dkim`: the keys that sign messages (RFC 6376).
//!
//! Whether a private key can be used is for the host to say, who alone sees it.

use super::plan::{Dkim, DkimSigner};
use crate::config::object::Misplaced;
use crate::config::{Object, host_name};
use crate::findings::Findings;

const SINGLE: [&str; 3] = ["domainName", "keySelector", "privateKey"];

const SLIPS: &[Misplaced] = &[
    ("domain", "did you mean `domainName`?"),
    ("selector", "did you mean `keySelector`?"),
    ("cacheThreshold", "remove it: nothing is written to disk"),
];

/// The longest selector in octets (RFC 1035 §2.3.4).
const MAX_SELECTOR: usize = 253;

/// How many keys sign a message: more than anyone has, and few enough for the slowest to take less
/// than a second.
const MAX_KEYS: usize = 8;

/// Reads the object; none where it is absent or empty, or cannot be used.
pub(super) fn read(root: &mut Object<'_>, findings: &mut Findings) -> Option<Dkim> {
    let mut dkim = root.object("dkim", findings)?;
    hash_algorithm(&mut dkim, findings);
    report_cache(&mut dkim, findings);
    let header_fields = field_list(&mut dkim, "headerFieldNames", findings);
    let skip_fields = field_list(&mut dkim, "skipFields", findings).unwrap_or_default();
    report_omitted_from(&dkim, header_fields.as_deref(), &skip_fields, findings);
    let signers =
        if dkim.has("keys") { several(&mut dkim, findings) } else { single(&mut dkim, findings) };
    dkim.finish_with(SLIPS, findings);
    (!signers.is_empty()).then_some(Dkim { signers, header_fields, skip_fields })
}

fn single(dkim: &mut Object<'_>, findings: &mut Findings) -> Vec<DkimSigner> {
    dkim.value("keys");
    // An object that a form has left empty, or in which all is absent, asks for nothing.
    if dkim.members().next().is_none() {
        for key in SINGLE {
            dkim.value(key);
        }
        return vec![];
    }
    signer(dkim, findings).into_iter().collect()
}

fn several(dkim: &mut Object<'_>, findings: &mut Findings) -> Vec<DkimSigner> {
    for key in SINGLE {
        if dkim.value(key).is_some() && dkim.has(key) {
            findings
                .no_effect(dkim.pointer_to(key), "`keys` goes before it")
                .help("move it into `keys`, or remove it");
        }
    }
    let Some(keys) = dkim.array("keys", findings) else {
        return vec![];
    };
    if keys.is_empty() {
        findings.error(dkim.pointer_to("keys"), "missing-key", "holds no key to sign with").help(
            "add an object of `domainName`, `keySelector` and `privateKey`, or remove `dkim`",
        );
    }
    if keys.len() > MAX_KEYS {
        let problem =
            format!("holds {} keys, and at most {MAX_KEYS} can sign a message", keys.len());
        findings
            .error(dkim.pointer_to("keys"), "too-complex", problem)
            .help("keep those that verifiers ask for");
        return vec![];
    }
    let mut signers = Vec::new();
    for (pointer, value) in keys {
        if let Some(mut key) = Object::read(value, pointer, findings) {
            signers.extend(signer(&mut key, findings));
            key.finish_with(SLIPS, findings);
        }
    }
    signers
}

fn signer(key: &mut Object<'_>, findings: &mut Findings) -> Option<DkimSigner> {
    let domain = domain(key, findings);
    let selector = selector(key, findings);
    let private_key = key.private_key("privateKey", findings);
    let help = "a signature needs `domainName`, `keySelector` and `privateKey`";
    key.require("domainName", "the signing domain is missing", help, findings);
    key.require("keySelector", "the selector is missing", help, findings);
    key.require("privateKey", "the private key is missing", help, findings);
    let private_key = private_key?;
    Some(DkimSigner {
        domain: domain?,
        selector: selector?,
        private_key: private_key.key,
        passphrase: private_key.passphrase,
    })
}

fn domain(key: &mut Object<'_>, findings: &mut Findings) -> Option<String> {
    let name = key.text("domainName", findings)?;
    if host_name::parse(name).is_ok_and(|name| name.parse::<std::net::IpAddr>().is_err()) {
        return Some(name.strip_suffix('.').unwrap_or(name).to_owned());
    }
    findings
        .error(key.pointer_to("domainName"), "invalid-host", "is no domain name")
        .help("write the domain under which the public key is published, such as `example.com`");
    None
}

fn selector(key: &mut Object<'_>, findings: &mut Findings) -> Option<String> {
    let name = key.text("keySelector", findings)?;
    if name.len() <= MAX_SELECTOR && name.is_ascii() && name.split('.').all(host_name::is_label) {
        return Some(name.to_owned());
    }
    findings
        .error(
            key.pointer_to("keySelector"),
            "invalid-value",
            "is no selector: expected letters, digits, `-` and dots",
        )
        .help("write what stands before `._domainkey` in the name of the DNS record");
    None
}

fn hash_algorithm(dkim: &mut Object<'_>, findings: &mut Findings) {
    let Some(name) = dkim.text("hashAlgo", findings) else {
        return;
    };
    if !name.eq_ignore_ascii_case("sha256") {
        findings
            .error(
                dkim.pointer_to("hashAlgo"),
                "unsupported",
                "only `sha256` is supported: verifiers refuse others",
            )
            .help("remove it");
    }
}

fn report_cache(dkim: &mut Object<'_>, findings: &mut Findings) {
    super::inert::report(
        dkim,
        &[
            ("cacheDir", "messages are signed in memory", "remove it"),
            ("cacheTreshold", "messages are signed in memory", "remove it"),
        ],
        findings,
    );
}

/// The names at `key`, separated by colons, in lower case.
fn field_list(
    dkim: &mut Object<'_>,
    key: &'static str,
    findings: &mut Findings,
) -> Option<Vec<String>> {
    let list = dkim.text(key, findings)?;
    let names: Vec<_> = list
        .split(':')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    // A semicolon may stand in a name, but would end the list of a signature.
    if names.iter().any(|name| !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')) {
        findings
            .error(
                dkim.pointer_to(key),
                "invalid-header-name",
                "holds what is no name of a header field",
            )
            .help("separate the names by colons, as in `From:To:Subject`");
        return None;
    }
    (!names.is_empty()).then_some(names)
}

/// The host signs `From` whatever the lists say: RFC 6376 §5.4 wants it, and verifiers refuse
/// signatures without it.
fn report_omitted_from(
    dkim: &Object<'_>,
    signed: Option<&[String]>,
    skipped: &[String],
    findings: &mut Findings,
) {
    let (key, help) = if signed.is_some_and(|names| !names.iter().any(|name| name == "from")) {
        ("headerFieldNames", "add `From`")
    } else if skipped.iter().any(|name| name == "from") {
        ("skipFields", "remove `From`")
    } else {
        return;
    };
    findings
        .warning(
            dkim.pointer_to(key),
            "no-effect",
            "does not keep `From` from being signed: verifiers refuse signatures without it",
        )
        .help(help);
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{at, codes, plan, warnings, with};
    use super::super::plan::Secret;
    use super::*;
    use serde_json::{Value, json};

    fn dkim(keys: Value) -> Value {
        let mut dkim =
            json!({"domainName": "example.com", "keySelector": "2024", "privateKey": "ref"});
        if let (Some(all), Value::Object(keys)) = (dkim.as_object_mut(), keys) {
            all.extend(keys);
        }
        with(json!({ "dkim": dkim }))
    }

    #[test]
    fn one_key_signs() {
        let read = plan(dkim(json!({}))).dkim.expect("a signer");
        let signer = DkimSigner {
            domain: "example.com".into(),
            selector: "2024".into(),
            private_key: Secret { pointer: "/dkim/privateKey".into() },
            passphrase: None,
        };
        assert_eq!(read, Dkim { signers: vec![signer], header_fields: None, skip_fields: vec![] });
    }

    #[test]
    fn several_keys_sign_in_order() {
        let document = with(json!({"dkim": {
            "keys": [
                {"domainName": "a.example", "keySelector": "s1", "privateKey": {"env": "K"}},
                {"domainName": "b.example", "keySelector": "s2.x", "privateKey": {"key": "ref",
                "passphrase": "ref"}}
            ],
            "headerFieldNames": "From:To: Subject :", "skipFields": "Message-ID:Date",
            "hashAlgo": "sha256"
        }}));
        assert_eq!(warnings(&document), []);
        let read = plan(document).dkim.expect("signers");
        assert_eq!(read.header_fields, Some(vec!["from".into(), "to".into(), "subject".into()]));
        assert_eq!(read.skip_fields, ["message-id", "date"]);
        let places: Vec<_> =
            read.signers.iter().map(|signer| signer.private_key.pointer.as_str()).collect();
        assert_eq!(places, ["/dkim/keys/0/privateKey", "/dkim/keys/1/privateKey/key"]);
        assert!(read.signers[1].passphrase.is_some());
    }

    #[test]
    fn nothing_asked_for_is_nothing_signed() {
        for value in [json!({}), json!(null), json!({"domainName": null})] {
            let document = with(json!({ "dkim": value }));
            assert_eq!(warnings(&document), []);
            assert_eq!(plan(document).dkim, None);
        }
    }

    #[test]
    fn half_a_key_is_an_error_at_the_missing_half() {
        assert_eq!(codes(&dkim(json!({"domainName": ""}))), [("/dkim/domainName", "missing-key")]);
        assert_eq!(
            codes(&with(json!({"dkim": {"keySelector": "s"}}))),
            [("/dkim/domainName", "missing-key"), ("/dkim/privateKey", "missing-key")]
        );
        let keys = json!({"dkim": {"keys": [{"domainName": "a.example"}, 5]}});
        assert_eq!(
            codes(&with(keys)),
            [
                ("/dkim/keys/0/keySelector", "missing-key"),
                ("/dkim/keys/0/privateKey", "missing-key"),
                ("/dkim/keys/1", "wrong-type")
            ]
        );
        assert_eq!(codes(&with(json!({"dkim": {"keys": []}}))), [("/dkim/keys", "missing-key")]);
        let key =
            json!({"domainName": "a.example", "keySelector": "mail.2024", "privateKey": "ref"});
        assert_eq!(codes(&with(json!({"dkim": {"keys": vec![key.clone(); 8]}}))), []);
        assert_eq!(
            codes(&with(json!({"dkim": {"keys": vec![key; 9]}}))),
            [("/dkim/keys", "too-complex")]
        );
    }

    #[test]
    fn what_cannot_be_signed_with_is_told() {
        for (keys, path, code) in [
            (json!({"hashAlgo": "sha1"}), "/dkim/hashAlgo", "unsupported"),
            (json!({"domainName": "a;b"}), "/dkim/domainName", "invalid-host"),
            (json!({"domainName": "192.0.2.1"}), "/dkim/domainName", "invalid-host"),
            (json!({"keySelector": "a b"}), "/dkim/keySelector", "invalid-value"),
            (json!({"keySelector": "a..b"}), "/dkim/keySelector", "invalid-value"),
            (json!({"keySelector": "[::1]"}), "/dkim/keySelector", "invalid-value"),
            (json!({"keySelector": "ü"}), "/dkim/keySelector", "invalid-value"),
            (json!({"keySelector": 2024}), "/dkim/keySelector", "wrong-type"),
            (json!({"privateKey": 5}), "/dkim/privateKey", "wrong-type"),
            (json!({"headerFieldNames": ["From"]}), "/dkim/headerFieldNames", "wrong-type"),
            (json!({"headerFieldNames": "From:To\r\n"}), "", ""),
            (json!({"skipFields": "a b"}), "/dkim/skipFields", "invalid-header-name"),
            (
                json!({"headerFieldNames": "From:X;Y"}),
                "/dkim/headerFieldNames",
                "invalid-header-name",
            ),
        ] {
            let expected: &[_] = if code.is_empty() { &[] } else { &[(path, code)] };
            assert_eq!(codes(&dkim(keys.clone())), expected, "{keys}");
        }
        assert_eq!(codes(&with(json!({"dkim": true}))), [("/dkim", "wrong-type")]);
    }

    #[test]
    fn what_changes_little_is_a_warning() {
        for (keys, path, code) in [
            (json!({"cacheDir": "/tmp"}), "/dkim/cacheDir", "no-effect"),
            (json!({"cacheTreshold": 5}), "/dkim/cacheTreshold", "no-effect"),
            (json!({"headerFieldNames": "To:Subject"}), "/dkim/headerFieldNames", "no-effect"),
            (json!({"skipFields": "from"}), "/dkim/skipFields", "no-effect"),
            (json!({"selector": "s"}), "/dkim/selector", "unknown-key"),
        ] {
            assert_eq!(warnings(&dkim(keys)), [(path, code)]);
        }
        let both = dkim(
            json!({"keys": [{"domainName": "a.example", "keySelector": "s", "privateKey": "r"}]}),
        );
        let idle = ["/dkim/domainName", "/dkim/keySelector", "/dkim/privateKey"]
            .map(|path| (path, "no-effect"));
        assert_eq!(warnings(&both), idle);
        assert_eq!(
            at(&dkim(json!({"domain": "x"})), "/dkim/domain").help.as_deref(),
            Some("did you mean `domainName`?")
        );
    }
}
