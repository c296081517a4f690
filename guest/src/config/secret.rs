//! Reads the places where secrets stand. The values never come here: the host has put references in
//! their place, so a secret is known by its JSON Pointer alone.
//!
//! A secret is a string, `{"env":"NAME"}` or `{"file":"path"}`; the empty string is none.

use serde_json::{Map, Value};

use super::object::{Object, wrong_type};
use crate::bindings::exports::smtp_connector::contract::transport::Secret;
use crate::findings::{Findings, join};

/// What a secret may be written as, for the messages of all readers.
const FORMS: &str = "write a string, `{\"env\": \"NAME\"}` or `{\"file\": \"path\"}`";

/// A private key, and its passphrase where it is encrypted.
#[derive(Debug, PartialEq)]
pub(super) struct PrivateKey {
    pub(super) key: Secret,
    pub(super) passphrase: Option<Secret>,
}

impl Object<'_> {
    /// The secret at `key`.
    pub(super) fn secret(&mut self, key: &'static str, findings: &mut Findings) -> Option<Secret> {
        let value = self.value(key)?;
        at(value, self.pointer_to(key), findings)
    }

    /// The private key at `key`: a secret, or an object of a `key` and its `passphrase`.
    pub(super) fn private_key(
        &mut self,
        key: &'static str,
        findings: &mut Findings,
    ) -> Option<PrivateKey> {
        let value = self.value(key)?;
        let pointer = self.pointer_to(key);
        if value.get("key").or(value.get("passphrase")).is_none() {
            return Some(PrivateKey { key: at(value, pointer, findings)?, passphrase: None });
        }
        let mut pair = Object::read(value, pointer, findings)?;
        let secret = pair.secret("key", findings);
        let passphrase = pair.secret("passphrase", findings);
        pair.require("key", "the private key is missing", "give the key in PEM", findings);
        pair.finish(findings);
        Some(PrivateKey { key: secret?, passphrase })
    }
}

/// The secret that `value`, which stands at `pointer`, refers to.
pub(super) fn at(value: &Value, pointer: String, findings: &mut Findings) -> Option<Secret> {
    match value {
        Value::String(reference) => (!reference.is_empty()).then_some(Secret { pointer }),
        Value::Object(map) => reference(map, pointer, findings),
        other => {
            wrong_type(&pointer, "a string", other, findings);
            findings.help(format!("{FORMS}; a secret of digits needs its quotes"));
            None
        }
    }
}

fn reference(map: &Map<String, Value>, pointer: String, findings: &mut Findings) -> Option<Secret> {
    let only = if map.len() == 1 { map.iter().next() } else { None };
    let message = match only {
        Some((kind, Value::String(name))) if kind == "env" || kind == "file" => {
            if !name.is_empty() {
                return Some(Secret { pointer });
            }
            "names nothing: the member is empty"
        }
        Some((kind, _)) if kind == "env" || kind == "file" => {
            findings
                .error(
                    join(&pointer, kind),
                    "wrong-type",
                    "expected a string: the name of the variable or file",
                )
                .help(FORMS);
            return None;
        }
        _ => "an object in place of a secret has exactly one member, `env` or `file`",
    };
    findings.error(pointer, "invalid-secret", message).help(FORMS);
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codes(findings: Findings) -> Vec<(String, String)> {
        findings.into_vec().into_iter().map(|d| (d.path, d.code)).collect()
    }

    #[test]
    fn a_secret_is_known_by_its_place() {
        for value in
            [json!("ref"), json!({"env": "SMTP_PASS"}), json!({"file": "/run/secrets/pass"})]
        {
            let document = json!({ "pass": value });
            let mut findings = Findings::default();
            let mut object = Object::read(&document, "/auth", &mut findings).expect("an object");
            let secret = object.secret("pass", &mut findings);
            assert_eq!(secret, Some(Secret { pointer: "/auth/pass".into() }), "{value}");
            assert_eq!(codes(findings), []);
        }
    }

    #[test]
    fn what_is_no_secret_is_told() {
        for (value, path, code) in [
            (json!(5), "/pass", "wrong-type"),
            (json!(["x"]), "/pass", "wrong-type"),
            (json!({}), "/pass", "invalid-secret"),
            (json!({"env": ""}), "/pass", "invalid-secret"),
            (json!({"env": "A", "file": "b"}), "/pass", "invalid-secret"),
            (json!({"vault": "x"}), "/pass", "invalid-secret"),
            (json!({"env": 5}), "/pass/env", "wrong-type"),
        ] {
            let document = json!({ "pass": value });
            let mut findings = Findings::default();
            let mut object = Object::read(&document, "", &mut findings).expect("an object");
            assert_eq!(object.secret("pass", &mut findings), None);
            assert_eq!(codes(findings), [(path.to_owned(), code.to_owned())], "{value}");
        }
    }

    #[test]
    fn private_keys_come_alone_or_with_a_passphrase() {
        for (value, key, passphrase) in [
            (json!("ref"), "/k", None),
            (json!({"file": "key.pem"}), "/k", None),
            (json!({"key": "ref"}), "/k/key", None),
            (json!({"key": "ref", "passphrase": ""}), "/k/key", None),
            (
                json!({"key": {"env": "K"}, "passphrase": {"env": "P"}}),
                "/k/key",
                Some("/k/passphrase"),
            ),
        ] {
            let document = json!({ "k": value });
            let mut findings = Findings::default();
            let mut object = Object::read(&document, "", &mut findings).expect("an object");
            let read = object.private_key("k", &mut findings).expect("a key");
            assert_eq!(read.key.pointer, key, "{value}");
            assert_eq!(
                read.passphrase.as_ref().map(|secret| secret.pointer.as_str()),
                passphrase,
                "{value}"
            );
            assert_eq!(codes(findings), []);
        }
    }

    #[test]
    fn a_passphrase_without_its_key_is_told_at_the_missing_place() {
        let document = json!({ "k": {"passphrase": "ref"} });
        let mut findings = Findings::default();
        let mut object = Object::read(&document, "", &mut findings).expect("an object");
        assert_eq!(object.private_key("k", &mut findings), None);
        assert_eq!(codes(findings), [("/k/key".to_owned(), "missing-key".to_owned())]);
    }
}
