//! The host and the bundled component read a configuration alike: whatever plan the component makes
//! of any configuration, the host finds it to be the configuration's own.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::helpers::tenant::{bundled, local, templates};

/// A key of an object, and values for it as JSON.
type Member = (&'static str, &'static [&'static str]);

const BOOLEANS: &[&str] = &["true", "false", "null"];

const HOSTS: &[&str] = &[
    r#""mx.example""#,
    r#""MX.Example.""#,
    r#""bücher.example""#,
    r#""BÜCHER。example""#,
    r#""[::1]""#,
    r#""::ffff:192.0.2.1""#,
    r#""192.0.2.1""#,
    r#""１２７.１""#,
    r#""mail_dev""#,
    r#""xn--a.example""#,
    r#""a b""#,
    r#""""#,
    "null",
];

const PEM: &[&str] = &[
    r#""-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----""#,
    r#"["-----BEGIN CERTIFICATE-----\nA", "", "-----BEGIN CERTIFICATE-----\nB"]"#,
    r#"["-----BEGIN CERTIFICATE-----\nA", "-----BEGIN CERTIFICATE-----\nB"]"#,
    "[]",
    r#""""#,
];

const TEXTS: &[&str] = &[r#""one""#, r#""two@b.example""#, r#"" ""#, r#""""#, "null"];

const SECRETS: &[&str] = &[r#""s3cret""#, r#"{"env": "NOWHERE"}"#, r#""""#, "null"];

const MECHANISMS: &[&str] =
    &[r#""PLAIN""#, r#"" login ""#, r#""cram-md5""#, r#""XOAUTH2""#, r#""OAuthBearer""#, r#""""#];

const TLS: &[Member] = &[
    ("ca", PEM),
    ("maxVersion", &[r#""TLSv1.2""#, r#""TLSv1.3""#]),
    ("minVersion", &[r#""TLSv1""#, r#""TLSv1.2""#, r#""TLSv1.3""#]),
    ("rejectUnauthorized", BOOLEANS),
    ("secureProtocol", &[r#""TLSv1_2_method""#, r#""TLSv1_2_client_method""#, r#""TLS_method""#]),
    ("servername", HOSTS),
];

const AUTH: &[Member] = &[
    ("accessToken", SECRETS),
    (
        "accessUrl",
        &[
            r#""https://token.example/t""#,
            r#""https://BÜCHER.example""#,
            r#""http://localhost:80/t""#,
            r#""http://[::1]/t""#,
            r#""http://token.example/t""#,
        ],
    ),
    ("clientId", TEXTS),
    ("clientSecret", SECRETS),
    ("customHeaders", &[r#"{"X-A": "b", "X-B": {"env": "NOWHERE"}, "X-C": 5}"#, "{}"]),
    ("customParams", &[r#"{"a": "b", "n": 3.5, "t": true, "e": "", "s/~x": "y", "z": null}"#]),
    ("method", MECHANISMS),
    ("pass", SECRETS),
    ("privateKey", &[r#""s3cret""#, r#"{"key": "s3cret", "passphrase": "p4ss"}"#]),
    ("refreshToken", SECRETS),
    ("scope", TEXTS),
    ("serviceClient", TEXTS),
    ("type", &[r#""OAuth2""#, r#""login""#, "null"]),
    ("user", TEXTS),
];

const DKIM_KEY: &[Member] = &[
    ("domainName", HOSTS),
    ("keySelector", &[r#""s1""#, r#""s2.x""#]),
    ("privateKey", &[r#""s3cret""#, r#"{"key": "s3cret"}"#, r#"{"file": "/nowhere"}"#]),
];

const DKIM: &[Member] = &[
    ("headerFieldNames", &[r#""From: to :Subject""#, r#""From""#, r#"":""#]),
    ("skipFields", &[r#""Date:X-A""#, r#""""#]),
];

const ROOT: &[Member] = &[
    ("authMethod", MECHANISMS),
    ("forceAuth", BOOLEANS),
    ("host", HOSTS),
    ("host", HOSTS),
    ("ignoreTLS", BOOLEANS),
    ("lmtp", BOOLEANS),
    ("localAddress", &[r#""127.0.0.1""#, r#""::ffff:192.0.2.1""#, r#""2001:DB8::1""#, "null"]),
    ("maxConnections", &["1", "9", "2.0", "null"]),
    ("name", HOSTS),
    ("opportunisticTLS", BOOLEANS),
    ("pool", BOOLEANS),
    ("port", &["25", "465", "587", r#""465""#, r#"" 25 ""#, "587.0", "0", "null", r#""""#]),
    (
        "proxy",
        &[
            r#""http://p.example""#,
            r#""https://jo:pa%40ss@p.example:1/""#,
            r#""socks5://jo@[::1]""#,
            r#""socks4://jo:pass@p.example""#,
            r#""socks4a://a%40b:c@BÜCHER.example""#,
            r#""socks://:pass@p.example""#,
            r#""http://jo:caf%E9@p.example""#,
            r#""http://jo:p?w@p.example""#,
            "false",
            r#""""#,
        ],
    ),
    ("rateDelta", &["0", "0.5", "2000"]),
    ("rateLimit", &["0", "3", "null"]),
    ("requireTLS", BOOLEANS),
    ("secure", BOOLEANS),
    ("servername", HOSTS),
    (
        "service",
        &[
            r#""Gmail""#,
            r#""jo@qq.com""#,
            r#""Maildev""#,
            r#""hot.ee""#,
            r#""1und1""#,
            r#""someone@pm.me""#,
            r#""""#,
            "null",
        ],
    ),
];

/// A few of these members, any of them more than once.
fn members(of: &'static [Member], most: usize) -> impl Strategy<Value = Vec<String>> {
    let member = select(of).prop_flat_map(|(key, values)| {
        select(values).prop_map(move |value| format!("{key:?}: {value}"))
    });
    proptest::collection::vec(member, 0..=most)
}

fn object(of: &'static [Member], most: usize) -> impl Strategy<Value = String> {
    members(of, most).prop_map(|members| format!("{{{}}}", members.join(", ")))
}

fn auth() -> impl Strategy<Value = String> {
    (members(AUTH, 8), proptest::option::of(object(TLS, 3))).prop_map(|(mut members, tls)| {
        members.extend(tls.map(|tls| format!(r#""tls": {tls}"#)));
        format!(r#""auth": {{{}}}"#, members.join(", "))
    })
}

/// Each key of a signature once, so that some are whole.
fn signer() -> impl Strategy<Value = Vec<String>> {
    let each = DKIM_KEY.iter().map(|(key, values)| {
        select(*values).prop_map(move |value| format!("{key:?}: {value}")).boxed()
    });
    each.collect::<Vec<_>>()
}

fn dkim() -> impl Strategy<Value = String> {
    let keys = proptest::collection::vec(signer(), 0..4);
    (proptest::option::of(signer()), proptest::option::of(keys), members(DKIM, 2)).prop_map(
        |(single, keys, mut members)| {
            members.extend(single.into_iter().flatten());
            if let Some(keys) = keys {
                let keys: Vec<_> =
                    keys.iter().map(|key| format!("{{{}}}", key.join(", "))).collect();
                members.push(format!(r#""keys": [{}]"#, keys.join(", ")));
            }
            format!(r#""dkim": {{{}}}"#, members.join(", "))
        },
    )
}

const FIELDS: &[&str] = &[
    "port=25",
    "port=",
    "host=other.example",
    "service=gmail",
    "service=jo@gmail.com",
    "service=hot.ee",
    "tls.servername=a.example",
    "tls.servername=a@b",
    "tls.rejectUnauthorized=false",
    "tls.rejectUnauthorized=0",
    "tls.minVersion=TLSv1.3",
    "tls.ca=-----BEGIN+CERTIFICATE-----",
    "servername=b%C3%BCcher.example",
    "ignoreTLS=true",
    "requireTLS=true",
    "opportunisticTLS=true",
    "secure=true",
    "proxy=http%3A%2F%2Fp.example",
    "proxy=",
    "from=a@b.example",
    "authMethod=login",
    "forceAuth=true",
    "auth=x",
    "auth.user=x",
    "pool=false",
    "rateLimit=5",
    "maxConnections=2",
    "localAddress=127.0.0.1",
    "lmtp=true",
    "a=%",
    "",
];

fn url() -> impl Strategy<Value = String> {
    let scheme = select(&["smtp:", "smtps:", "SMTPS:", "smtp:", "direct:", "http:"][..]);
    let userinfo = select(
        &["", "", "jo@", "jo:pass@", "jo:p?w@", ":pass@", "a%40b:c/d@", "jo:%E9@", "%E9@"][..],
    );
    let host = select(
        &["mx.example", "MX.example", "bücher.example", "[::1]", "192.0.2.1", "", "a_b", "xn--a.b"]
            [..],
    );
    let port = select(&["", "", ":25", ":465", ":", ":0", ":x"][..]);
    let path = select(&["", "", "/", "/x"][..]);
    let fields = proptest::option::of(proptest::collection::vec(select(FIELDS), 0..5));
    let fragment = select(&["", "", "", "#x@y"][..]);
    (scheme, any::<bool>(), userinfo, host, port, path, fields, fragment).prop_map(
        |(scheme, slashes, userinfo, host, port, path, fields, fragment)| {
            let slashes = if slashes { "//" } else { "" };
            let query = fields.map(|fields| format!("?{}", fields.join("&"))).unwrap_or_default();
            let url = [scheme, slashes, userinfo, host, port, path, &query, fragment].concat();
            format!(r#""url": {url:?}"#)
        },
    )
}

fn configuration() -> impl Strategy<Value = String> {
    let url = proptest::option::weighted(0.3, url());
    let tls = object(TLS, 4).prop_map(|tls| format!(r#""tls": {tls}"#));
    let (tls, auth, dkim) = (
        proptest::collection::vec(tls, 0..=2),
        proptest::option::of(auth()),
        proptest::option::weighted(0.4, dkim()),
    );
    (members(ROOT, 8), url, tls, auth, dkim).prop_map(|(mut members, url, tls, auth, dkim)| {
        members.extend(tls.into_iter().chain(auth).chain(dkim).chain(url));
        members.push(r#""fromEmail": "a@b.example""#.to_owned());
        members.push(format!(r#""templates": {}"#, templates("{{code}}")));
        format!("{{{}}}", members.join(", "))
    })
}

#[test]
fn no_plan_of_an_honest_component_is_refused() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let connector = runtime.block_on(bundled());
    let (sound, all) = (Cell::new(0), Cell::new(0));
    let config = Config { cases: 1500, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&configuration(), |text| {
        let check = runtime.block_on(connector.check(&text, &local()));
        let check = check.map_err(|error| TestCaseError::fail(error.to_string()))?;
        let unusable = |code: &str| code.starts_with("unusable-") || code.starts_with("secret-");
        let found = |finding: &&smtp_connector::Diagnostic| finding.is_error();
        let errors = check.diagnostics.iter().filter(found);
        let is_sound = errors.into_iter().all(|error| unusable(&error.code));
        all.set(all.get() + 1);
        sound.set(sound.get() + usize::from(is_sound));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let (sound, all) = (sound.get(), all.get());
    assert!(sound * 20 > all, "only {sound} of {all} configurations led to a plan");
}
