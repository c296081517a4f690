//! The JSON Schema and the check agree: a configuration is valid if and only if the check finds no
//! error. What no schema can say is listed in [`EXCUSES`].

use std::collections::HashSet;

use jsonschema::Validator;
use serde_json::{Value, json};
use smtp_connector::{Check, Connector, Diagnostic, Options};
use smtp_connector_tests::certificates::Authority;

use crate::helpers::tenant::{bundled, configuration};

/// One value of each JSON type, and some that are nearly right.
fn values() -> Vec<Value> {
    let objects = [json!({}), json!({ "env": "NAME" }), json!({ "unknown": 1 })];
    let arrays = [json!([]), json!([null]), json!(["x"]), json!([{}])];
    let texts =
        ["", " ", "x", "true", "587", "0", "70000", "a b", "a@b.test", "\n", "ü"].map(Value::from);
    let numbers =
        [json!(0), json!(1), json!(-1), json!(1.5), json!(2.0), json!(70_000), json!(5e9)];
    let rest = [json!(null), json!(true), json!(false)];
    objects.into_iter().chain(arrays).chain(texts).chain(numbers).chain(rest).collect()
}

#[tokio::test]
async fn a_configuration_is_valid_exactly_where_the_check_finds_no_error() {
    let judges = Judges::new().await;
    let mut excuses: HashSet<_> = EXCUSES.into_iter().collect();
    let mut disagreements = Vec::new();
    let mut count = 0;
    for (number, base) in bases(&judges.connector).into_iter().enumerate() {
        assert!(judges.validator.is_valid(&base), "a base is valid: {base}");
        // The templates of one configuration say as much as those of all.
        let places = pointers(&base)
            .into_iter()
            .filter(|place| number == 0 || !place.starts_with("/templates/"));
        for place in places {
            for mutant in mutants(&base, &place) {
                count += 1;
                match judges.compare(&mutant, &place).await {
                    Verdict::Agree => {}
                    Verdict::Excused(code) => excuses.retain(|excuse| excuse.0 != code),
                    Verdict::Disagree(report) => disagreements.push(report),
                }
            }
        }
    }
    assert!(count > 4_000, "only {count} configurations were compared");
    let shown = disagreements.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(disagreements.is_empty(), "{} of {count}:\n{shown}", disagreements.len());
    assert!(excuses.is_empty(), "nothing needs {excuses:?}");
}

#[tokio::test]
async fn an_unknown_key_is_a_warning_of_the_check_and_valid_everywhere() {
    let judges = Judges::new().await;
    for base in bases(&judges.connector) {
        for pointer in pointers(&base) {
            let mut mutant = base.clone();
            let Some(Value::Object(object)) = mutant.pointer_mut(&pointer) else { continue };
            object.insert("quiteUnknown".to_owned(), json!("x"));
            assert_eq!(judges.compare(&mutant, &pointer).await, Verdict::Agree);
        }
    }
}

#[tokio::test]
async fn what_is_no_object_is_invalid_for_both() {
    let judges = Judges::new().await;
    for value in values().into_iter().filter(|value| !value.is_object()) {
        assert!(!judges.validator.is_valid(&value), "{value}");
        let check = judges.check(&value).await;
        let [finding] = check.diagnostics.as_slice() else {
            panic!("{value}: {:?}", check.diagnostics)
        };
        assert!(finding.is_error() && finding.path.is_empty(), "{value}: {finding:?}");
    }
}

/// What only the check finds, by code, and why no schema can say it.
const EXCUSES: [(&str, &str); 5] = [
    ("unknown-service", "the services are a table"),
    ("unsupported", "ciphers are a table"),
    ("secret-source-not-allowed", "the host decides about sources of secrets"),
    ("unusable-key", "the host opens private keys"),
    ("invalid-host", "the grammar of host names is beyond a pattern"),
];

/// The schema and the check.
struct Judges {
    connector: Connector,
    validator: Validator,
}

impl Judges {
    async fn new() -> Self {
        let connector = bundled().await;
        let validator = jsonschema::draft202012::new(&connector.descriptor().configuration_schema);
        Self { connector, validator: validator.expect("the schema is sound") }
    }

    async fn check(&self, configuration: &Value) -> Check {
        let checked = self.connector.check(&configuration.to_string(), &Options::default()).await;
        checked.expect("the component works")
    }

    /// Whether both say the same; what was changed at `place` is for the report.
    async fn compare(&self, configuration: &Value, place: &str) -> Verdict {
        let check = self.check(configuration).await;
        let valid = self.validator.is_valid(configuration);
        if valid == check.is_ok() || service_decides(configuration, place) {
            return Verdict::Agree;
        }
        let errors: Vec<_> =
            check.diagnostics.iter().filter(|finding| finding.is_error()).collect();
        let excuse = |finding: &&Diagnostic| EXCUSES.iter().find(|(code, _)| *code == finding.code);
        if let [Some((code, _))] = errors.iter().map(excuse).collect::<Vec<_>>()[..] {
            return Verdict::Excused(code);
        }
        let found: Vec<_> = errors
            .iter()
            .map(|finding| format!("{} {} {}", finding.code, finding.path, finding.message))
            .collect();
        let objection =
            self.validator.iter_errors(configuration).next().map(|error| error.to_string());
        let value = configuration.pointer(place).map_or("nothing".to_owned(), Value::to_string);
        Verdict::Disagree(format!(
            "{place} = {value:.80}\n  check: {found:?}\n  schema: {objection:?}"
        ))
    }
}

/// How the schema and the check compare.
#[derive(Debug, PartialEq)]
enum Verdict {
    Agree,
    /// The check alone finds an error, with a code that is excused.
    Excused(&'static str),
    /// What each of them says.
    Disagree(String),
}

/// A service replaces host and port, and then the check does not read them.
fn service_decides(configuration: &Value, place: &str) -> bool {
    configuration["service"].as_str().is_some_and(|service| !service.is_empty())
        && ["/host", "/port"].contains(&place)
}

/// The examples, and one configuration for each branch of the schema that none of them is in.
fn bases(connector: &Connector) -> Vec<Value> {
    let mut bases: Vec<_> = connector
        .descriptor()
        .examples
        .iter()
        .map(|example| example.configuration.clone())
        .collect();
    for base in &mut bases {
        // A few templates say as much as all.
        let list = base["templates"].as_array_mut().expect("an example has templates");
        let mut seen = Vec::new();
        list.retain(|template| {
            let fresh = !seen.contains(&template["usageType"]) || template.get("locale").is_some();
            seen.push(template["usageType"].clone());
            fresh
        });
    }
    let with = |key: &str, value: Value| {
        let mut base = configuration(587);
        base[key] = value;
        base
    };
    let key = Authority::new().localhost_rsa().key_pem;
    bases.extend([
        with("service", json!("Gmail")),
        with("url", json!("smtps://jo:secret@mx.example:465")),
        with("proxy", json!("socks5://jo:secret@proxy.example:1080")),
        with("auth", json!({ "user": "jo", "pass": "x", "method": "LOGIN" })),
        with("auth", json!({ "type": "OAuth2", "user": "jo", "accessToken": "x", "expires": 1 })),
        with(
            "auth",
            json!({
                "type": "OAuth2", "user": "jo", "serviceClient": "x", "privateKey": key,
            }),
        ),
        with("customHeaders", json!({ "X-A": ["1", 2], "From": "x", "X-B": null })),
        with(
            "tls",
            json!({
                "servername": "mx.example", "ciphers": "SSLv3", "secureProtocol": "TLS_method",
            }),
        ),
    ]);
    bases
}

/// Every place in a document.
fn pointers(document: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut next = 0;
    while let Some(pointer) = found.get(next).cloned() {
        match document.pointer(&pointer).expect("the place was found in the document") {
            Value::Object(object) => {
                let token = |key: &String| key.replace('~', "~0").replace('/', "~1");
                found.extend(object.keys().map(|key| format!("{pointer}/{}", token(key))));
            }
            Value::Array(list) => {
                found.extend((0..list.len()).map(|index| format!("{pointer}/{index}")));
            }
            _ => {}
        }
        next += 1;
    }
    found
}

/// The document without the value at a place, and with every other value there.
fn mutants(document: &Value, pointer: &str) -> Vec<Value> {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return Vec::new() };
    let mut mutants = Vec::new();
    let mut without = document.clone();
    match without.pointer_mut(parent) {
        Some(Value::Object(object)) => drop(object.remove(key)),
        Some(Value::Array(list)) => {
            drop(list.remove(key.parse().expect("an element has a number")));
        }
        _ => {}
    }
    mutants.push(without);
    for value in values() {
        let mut mutant = document.clone();
        *mutant.pointer_mut(pointer).expect("the place is in the document") = value;
        mutants.push(mutant);
    }
    mutants
}
