//! The plan as a whole: what an ordinary configuration gives, and what many faults at once are
//! told.

use super::fixture::{check, codes, plan, warnings, with};
use super::plan::{Logging, Protocol, TlsMode};
use crate::findings::Severity;
use serde_json::{Value, json};

/// Every key that a reader knows, at the top level.
const TOP: &[&str] = &[
    "host",
    "port",
    "secure",
    "servername",
    "name",
    "localAddress",
    "dnsTimeout",
    "connectionTimeout",
    "greetingTimeout",
    "socketTimeout",
    "lmtp",
    "ignoreTLS",
    "requireTLS",
    "opportunisticTLS",
    "tls",
    "auth",
    "authMethod",
    "forceAuth",
    "proxy",
    "logger",
    "debug",
    "transactionLog",
    "disableFileAccess",
    "disableUrlAccess",
    "dkim",
    "pool",
    "maxConnections",
    "maxMessages",
    "maxRequeues",
    "rateLimit",
    "rateDelta",
    "pipelining",
    "service",
    "url",
    "sendmail",
    "streamTransport",
    "jsonTransport",
    "SES",
    "component",
    "getSocket",
    "from",
    "headers",
    "dnsTtl",
    "allowInternalNetworkInterfaces",
    "attachDataUrls",
    "unheardOf",
];

/// Every key that a reader knows inside an object.
const NESTED: &[(&str, &[&str])] = &[
    (
        "auth",
        &[
            "type",
            "user",
            "pass",
            "method",
            "clientId",
            "clientSecret",
            "refreshToken",
            "accessToken",
            "expires",
            "timeout",
            "serviceClient",
            "privateKey",
            "scope",
            "serviceRequestTimeout",
            "accessUrl",
            "customHeaders",
            "customParams",
            "tls",
            "options",
            "provisionCallback",
            "password",
            "unheardOf",
        ],
    ),
    (
        "tls",
        &[
            "rejectUnauthorized",
            "ca",
            "cert",
            "key",
            "passphrase",
            "pfx",
            "servername",
            "minVersion",
            "maxVersion",
            "secureProtocol",
            "ciphers",
            "crl",
            "host",
            "port",
            "ecdhCurve",
            "unheardOf",
        ],
    ),
    (
        "dkim",
        &[
            "domainName",
            "keySelector",
            "privateKey",
            "keys",
            "hashAlgo",
            "headerFieldNames",
            "skipFields",
            "cacheDir",
            "cacheTreshold",
            "unheardOf",
        ],
    ),
];

#[test]
fn an_ordinary_configuration_is_clean() {
    let document = json!({
        "host": "smtp.example.com", "port": 465, "auth": {"type": "login", "user": "u",
        "pass": "ref"},
        "secure": true, "tls": {}, "servername": "", "ignoreTLS": false, "requireTLS": false,
        "logger": false,
        "debug": false, "disableFileAccess": true, "disableUrlAccess": true, "name": "",
        "localAddress": "",
        "connectionTimeout": 120000, "greetingTimeout": 30000, "socketTimeout": 600000,
        "dnsTimeout": 30000
    });
    assert_eq!(warnings(&document), []);
    let plan = plan(document);
    assert_eq!(
        (plan.tls, plan.protocol, plan.logging),
        (TlsMode::Implicit, Protocol::Smtp, Logging::None)
    );
    assert_eq!(plan.tls_options, super::tls::standard());
}

#[test]
fn lmtp_is_another_protocol() {
    assert_eq!(plan(with(json!({"lmtp": true}))).protocol, Protocol::Lmtp);
    assert_eq!(plan(with(json!({"lmtp": false}))).protocol, Protocol::Smtp);
    assert_eq!(codes(&with(json!({"lmtp": 1}))), [("/lmtp", "wrong-type")]);
}

#[test]
fn every_fault_is_told_at_its_place() {
    let document = json!({
        "host": "smtp.example.com:587", "port": 70000, "secure": "false", "name": "a b",
        "greetingTimeout": "soon",
        "ignoreTLS": true, "requireTLS": true, "tls": {"ca": "/etc/ca.pem", "minVersion": "TLS9"},
        "auth": {"user": "u", "password": "p"}, "proxy": "localhost:3128",
        "dkim": {"domainName": "example.com"},
        "sendmail": true, "maxConections": 5, "fromm": 1
    });
    assert_eq!(
        codes(&document),
        [
            ("/host", "invalid-host"),
            ("/port", "invalid-port"),
            ("/secure", "wrong-type"),
            ("/name", "invalid-value"),
            ("/greetingTimeout", "wrong-type"),
            ("/ignoreTLS", "contradiction"),
            ("/tls", "no-effect"),
            ("/tls/ca", "not-pem"),
            ("/tls/minVersion", "invalid-value"),
            ("/auth/password", "unknown-key"),
            ("/auth/pass", "missing-key"),
            ("/proxy", "invalid-url"),
            ("/dkim/keySelector", "missing-key"),
            ("/dkim/privateKey", "missing-key"),
            ("/sendmail", "unsupported"),
            ("/maxConections", "unknown-key"),
            ("/fromm", "unknown-key"),
        ]
    );
}

#[test]
fn every_finding_says_what_to_change() {
    for document in hostile() {
        for finding in check(&document).1 {
            assert!(finding.help.as_deref().is_some_and(|help| !help.is_empty()), "{finding:?}");
            let first = finding.message.split(' ').next().unwrap_or_default();
            let name =
                first == "Microsoft" || first.chars().filter(|c| c.is_uppercase()).count() > 1;
            let lower = !first.starts_with(char::is_uppercase);
            let fragment = !finding.message.ends_with('.') && (lower || name);
            assert!(fragment, "{finding:?}");
            assert!(
                finding
                    .code
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
        }
    }
}

#[test]
fn no_value_is_ever_quoted() {
    for document in hostile() {
        for finding in check(&document).1 {
            let told = format!("{} {}", finding.message, finding.help.unwrap_or_default());
            assert!(!told.contains("MARKER"), "{document}: {told}");
        }
    }
}

#[test]
fn null_is_absent_everywhere() {
    let mut document = with(json!({}));
    for key in TOP.iter().filter(|key| !["host", "port"].contains(key)) {
        document[*key] = Value::Null;
    }
    assert_eq!(codes(&document), []);
    for (object, keys) in NESTED {
        let nested: Value = keys.iter().map(|key| ((*key).to_owned(), Value::Null)).collect();
        assert_eq!(codes(&with(json!({ *object: nested }))), []);
    }
}

#[test]
fn wrong_types_are_errors_at_their_places() {
    for key in TOP.iter().filter(|key| {
        !["unheardOf", "url", "sendmail", "streamTransport", "jsonTransport", "SES"].contains(key)
    }) {
        let document = with(json!({ *key: [["MARKER"]] }));
        let found = check(&document).1;
        let inert = found.iter().any(|finding| finding.code == "no-effect");
        let wrong = found.iter().any(|f| f.code == "wrong-type" && f.severity == Severity::Error);
        assert!(inert || wrong, "{key}: {found:?}");
        assert!(found.iter().all(|finding| finding.path == format!("/{key}")), "{key}: {found:?}");
    }
}

/// Documents with a marker in every place, as text, as wrong type and in objects.
fn hostile() -> Vec<Value> {
    let values = [
        json!("MARKER"),
        json!("MARKER MARKER"),
        json!("MARKER\r\n"),
        json!("smtp://MARKER:MARKER@MARKER:x"),
        json!(
            "smtp://MARKER:MARKER@h.example?MARKER=MARKER&tls.ciphers=MARKER&service=MARKER\
             &name=MARKER%20"
        ),
        json!("http://MARKER:MARKER@MARKER/MARKER?MARKER"),
        json!(["MARKER"]),
        json!({"MARKER": "MARKER"}),
        json!({"env": ["MARKER"]}),
        json!({"key": ["MARKER"], "passphrase": "MARKER"}),
        json!(true),
        json!(-5.5),
    ];
    let mut documents = Vec::new();
    for value in &values {
        documents.extend(TOP.iter().map(|key| with(json!({ *key: value }))));
        for (object, keys) in NESTED {
            documents.extend(keys.iter().map(|key| with(json!({ *object: { *key: value } }))));
        }
        documents.push(with(
            json!({"auth": {"type": "OAuth2", "clientId": value, "customParams": {"a": value}}}),
        ));
        documents.push(with(
            json!({"dkim": {"keys": [value, {"domainName": value, "privateKey": value}]}}),
        ));
    }
    documents
}
