//! What the keys of authentication mean, and what is said about those that mean nothing.

use super::super::fixture::{at, codes, plan, warnings, with};
use super::super::plan::{Authentication, Oauth2Grant, Oauth2Login, ParameterValue, SaslMechanism};
use serde_json::{Value, json};

const URL: &str = "https://login.microsoftonline.com/t/oauth2/v2.0/token";

fn auth(auth: Value) -> Value {
    let mut document = with(json!({}));
    document["auth"] = auth;
    document
}

fn oauth2(fields: Value) -> Oauth2Login {
    let document = auth(fields);
    match plan(document.clone()).authentication {
        Authentication::Oauth2(login) => login,
        other => panic!("{document}: {other:?}"),
    }
}

#[test]
fn empty_credentials_are_none() {
    for fields in [
        json!({}),
        json!(null),
        json!({"type": "login"}),
        json!({"type": "OAuth2"}),
        json!({"user": "", "pass": ""}),
        json!({"user": null, "pass": "", "type": "LOGIN"}),
        json!({"type": "OAuth2", "user": "", "clientId": "", "clientSecret": "",
            "refreshToken": ""}),
    ] {
        let document = auth(fields);
        assert_eq!(warnings(&document), [], "{document}");
        assert_eq!(plan(document).authentication, Authentication::None);
    }
    let idle = with(json!({"authMethod": "PLAIN", "forceAuth": true, "auth": {"method": "LOGIN"}}));
    assert_eq!(
        warnings(&idle),
        [("/authMethod", "no-effect"), ("/forceAuth", "no-effect"), ("/auth/method", "no-effect")]
    );
}

#[test]
fn a_user_and_a_password_log_in() {
    for fields in [
        json!({"user": "me", "pass": "ref"}),
        json!({"type": "login", "user": "me", "pass": {"env": "PASS"}}),
        json!({"type": "Login", "user": "me", "pass": {"file": "/pass"}}),
    ] {
        let Authentication::Password(login) = plan(auth(fields)).authentication else {
            panic!("no password")
        };
        assert_eq!((login.user.as_str(), login.password.pointer.as_str()), ("me", "/auth/pass"));
        assert_eq!(login.mechanism, None);
    }
    assert!(
        plan(with(json!({"forceAuth": true, "auth": {"user": "u", "pass": "p"}})))
            .force_authentication
    );
}

#[test]
fn half_a_login_is_an_error_at_the_missing_half() {
    assert_eq!(codes(&auth(json!({"user": "me"}))), [("/auth/pass", "missing-key")]);
    assert_eq!(codes(&auth(json!({"user": "me", "pass": ""}))), [("/auth/pass", "missing-key")]);
    assert_eq!(codes(&auth(json!({"pass": "ref"}))), [("/auth/user", "missing-key")]);
    assert_eq!(codes(&auth(json!({"user": "me", "pass": 1234}))), [("/auth/pass", "wrong-type")]);
    assert_eq!(
        codes(&auth(json!({"user": "me\r\n", "pass": "ref"}))),
        [("/auth/user", "control-character")]
    );
    assert_eq!(codes(&with(json!({"auth": "me:pass"}))), [("/auth", "wrong-type")]);
    assert_eq!(codes(&with(json!({"forceAuth": "yes"}))), [("/forceAuth", "wrong-type")]);
}

#[test]
fn a_mechanism_may_be_forced() {
    for (name, mechanism) in [
        ("PLAIN", SaslMechanism::Plain),
        (" login ", SaslMechanism::Login),
        ("cram-md5", SaslMechanism::CramMd5),
    ] {
        for document in [
            auth(json!({"user": "u", "pass": "p", "method": name})),
            with(json!({"authMethod": name, "auth": {"user": "u", "pass": "p"}})),
        ] {
            let Authentication::Password(login) = plan(document).authentication else {
                panic!("no password")
            };
            assert_eq!(login.mechanism, Some(mechanism));
        }
    }
    for (name, mechanism) in
        [("XOAUTH2", SaslMechanism::Xoauth2), ("OAuthBearer", SaslMechanism::Oauthbearer)]
    {
        let login = oauth2(json!({"user": "u", "accessToken": "t", "method": name}));
        assert_eq!(login.mechanism, Some(mechanism));
    }
}

#[test]
fn a_mechanism_that_does_not_fit_is_an_error() {
    assert_eq!(
        codes(&auth(json!({"user": "u", "pass": "p", "method": "XOAUTH2"}))),
        [("/auth/method", "contradiction")]
    );
    assert_eq!(
        codes(&with(json!({"authMethod": "LOGIN", "auth": {"user": "u", "accessToken": "t"}}))),
        [("/authMethod", "contradiction")]
    );
    assert_eq!(codes(&with(json!({"authMethod": "NTLM"}))), [("/authMethod", "invalid-value")]);
    let slip = with(json!({"authMethod": "cram_md5"}));
    assert_eq!(at(&slip, "/authMethod").help.as_deref(), Some("did you mean `CRAM-MD5`?"));
    let number = auth(json!({"user": "u", "pass": "p", "method": 5}));
    assert_eq!(codes(&number), [("/auth/method", "wrong-type")]);
    let both =
        with(json!({"authMethod": "LOGIN", "auth": {"user": "u", "pass": "p", "method": "PLAIN"}}));
    assert_eq!(warnings(&both), [("/authMethod", "no-effect")]);
    let service = json!({"service": "Zoho", "auth": {"user": "u", "accessToken": "t"}});
    assert_eq!(warnings(&service), []);
}

#[test]
fn a_type_decides_and_fields_decide_without_one() {
    assert_eq!(
        codes(&auth(json!({"type": "NTLM", "user": "u", "pass": "p"}))),
        [("/auth/type", "invalid-value")]
    );
    let password = auth(json!({"user": "u", "pass": "p", "clientId": "c", "accessUrl": URL}));
    assert_eq!(
        warnings(&password),
        [("/auth/clientId", "no-effect"), ("/auth/accessUrl", "no-effect")]
    );
    let token = auth(json!({"type": "oauth2", "user": "u", "pass": "p", "accessToken": "t"}));
    assert_eq!(warnings(&token), [("/auth/pass", "no-effect")]);
    assert!(matches!(plan(token).authentication, Authentication::Oauth2(_)));
    let login = auth(json!({"type": "login", "user": "u", "accessToken": "t"}));
    assert_eq!(codes(&login), [("/auth/accessToken", "no-effect"), ("/auth/pass", "missing-key")]);
}

#[test]
fn a_given_token_needs_nothing_else() {
    let login = oauth2(json!({"user": "u", "accessToken": "t", "expires": 1_900_000_000_000_u64}));
    let token = login.access_token.expect("a token");
    assert_eq!(
        (token.token.pointer.as_str(), token.expires_at_ms),
        ("/auth/accessToken", Some(1_900_000_000_000))
    );
    assert_eq!(login.renewal, None);
    let idle = auth(json!({
        "user": "u", "accessToken": "t", "clientId": "c", "clientSecret": "s", "accessUrl": URL,
        "scope": "s",
        "serviceRequestTimeout": 5
    }));
    let unused = ["clientId", "clientSecret", "accessUrl", "scope", "serviceRequestTimeout"];
    let found: Vec<_> =
        warnings(&idle).into_iter().map(|(path, _)| path.trim_start_matches("/auth/")).collect();
    assert_eq!(found, unused);
}

#[test]
fn expiry_is_a_moment() {
    let expires =
        |value: Value| codes(&auth(json!({"user": "u", "accessToken": "t", "expires": value})));
    assert_eq!(expires(json!(3600)), [("/auth/expires", "implausible-expiry")]);
    assert_eq!(expires(json!(1_700_000_000)), [("/auth/expires", "implausible-expiry")]);
    assert_eq!(expires(json!("1900000000000")), [("/auth/expires", "wrong-type")]);
    assert_eq!(expires(json!(-1)), [("/auth/expires", "out-of-range")]);
    assert_eq!(expires(json!(0)), []);
    let lifetime = auth(json!({"user": "u", "accessToken": "t", "timeout": 3600}));
    assert_eq!(warnings(&lifetime), [("/auth/timeout", "no-effect")]);
    let alone = auth(json!({"user": "u", "refreshToken": "r", "clientId": "c",
            "expires": 1_900_000_000_000_u64}));
    assert_eq!(warnings(&alone), [("/auth/expires", "no-effect")]);
}

#[test]
fn a_refresh_token_renews() {
    let login = oauth2(json!({
        "type": "OAuth2", "user": "u", "clientId": "c", "clientSecret": "s", "refreshToken": "r",
        "accessToken": "t"
    }));
    assert_eq!(
        login.access_token.map(|token| token.token.pointer),
        Some("/auth/accessToken".to_owned())
    );
    let renewal = login.renewal.expect("a renewal");
    assert_eq!(renewal.url, "https://accounts.google.com/o/oauth2/token");
    assert_eq!(renewal.scope, None);
    let Oauth2Grant::RefreshToken(grant) = renewal.grant else { panic!("another grant") };
    assert_eq!(grant.client_id.as_deref(), Some("c"));
    assert_eq!(
        grant.client_secret.map(|secret| secret.pointer),
        Some("/auth/clientSecret".to_owned())
    );
    assert_eq!(grant.refresh_token.pointer, "/auth/refreshToken");
    assert_eq!(
        codes(&auth(json!({"user": "u", "refreshToken": "r"}))),
        [("/auth/clientId", "missing-key")]
    );
    let elsewhere =
        auth(json!({"user": "u", "refreshToken": "r", "customParams": {"client_id": "c"}}));
    assert_eq!(warnings(&elsewhere), []);
}

#[test]
fn a_service_account_signs_assertions() {
    for (key, pointer, passphrase) in [
        (json!("ref"), "/auth/privateKey", None),
        (json!({"file": "key.pem"}), "/auth/privateKey", None),
        (
            json!({"key": "ref", "passphrase": "ref"}),
            "/auth/privateKey/key",
            Some("/auth/privateKey/passphrase"),
        ),
    ] {
        let login = oauth2(json!({
            "user": "u", "serviceClient": "113", "privateKey": key, "serviceRequestTimeout": 60
        }));
        let renewal = login.renewal.expect("a renewal");
        assert_eq!(renewal.scope.as_deref(), Some("https://mail.google.com/"));
        let Oauth2Grant::Jwt(jwt) = renewal.grant else { panic!("another grant") };
        assert_eq!((jwt.service_client.as_str(), jwt.lifetime_ms), ("113", 60_000));
        assert_eq!(jwt.private_key.pointer, pointer);
        assert_eq!(jwt.passphrase.map(|secret| secret.pointer), passphrase.map(str::to_owned));
    }
    let first = auth(json!({
        "user": "u", "serviceClient": "s", "privateKey": "k", "refreshToken": "r", "clientId": "c"
    }));
    assert_eq!(
        warnings(&first),
        [("/auth/refreshToken", "no-effect"), ("/auth/clientId", "no-effect")]
    );
    assert_eq!(
        codes(&auth(json!({"user": "u", "serviceClient": "s"}))),
        [("/auth/privateKey", "missing-key")]
    );
    assert_eq!(
        codes(&auth(json!({"user": "u", "privateKey": "k"}))),
        [("/auth/serviceClient", "missing-key")]
    );
}

#[test]
fn assertions_live_five_minutes_unless_told_otherwise() {
    let with_lifetime = |value: Value| {
        auth(json!({"user": "u", "serviceClient": "s", "privateKey": "k",
                "serviceRequestTimeout": value}))
    };
    for (value, lifetime) in [
        (json!(null), 300_000),
        (json!(0), 300_000),
        (json!(7200), 3_600_000),
        (json!(-5), 300_000),
    ] {
        let Authentication::Oauth2(login) = plan(with_lifetime(value)).authentication else {
            panic!("no login")
        };
        let Some(Oauth2Grant::Jwt(jwt)) = login.renewal.map(|renewal| renewal.grant) else {
            panic!("no grant")
        };
        assert_eq!(jwt.lifetime_ms, lifetime);
    }
    assert_eq!(warnings(&with_lifetime(json!(7200))), [("/auth/serviceRequestTimeout", "clamped")]);
    assert_eq!(codes(&with_lifetime(json!("60"))), [("/auth/serviceRequestTimeout", "wrong-type")]);
}

#[test]
fn a_client_without_a_user_grant_uses_its_own_credentials() {
    let login = oauth2(json!({
        "user": "u", "clientId": "c", "clientSecret": {"env": "S"}, "accessUrl": URL,
        "scope": "https://outlook.office365.com/.default"
    }));
    let renewal = login.renewal.expect("a renewal");
    assert_eq!(
        (renewal.url.as_str(), renewal.scope.as_deref()),
        (URL, Some("https://outlook.office365.com/.default"))
    );
    let Oauth2Grant::ClientCredentials(grant) = renewal.grant else { panic!("another grant") };
    assert_eq!(
        (grant.client_id.as_str(), grant.client_secret.pointer.as_str()),
        ("c", "/auth/clientSecret")
    );
    let nowhere = auth(json!({"user": "u", "clientId": "c", "clientSecret": "s"}));
    assert_eq!(codes(&nowhere), [("/auth/accessUrl", "missing-key")]);
    let help = at(&nowhere, "/auth/accessUrl").help.unwrap_or_default();
    assert!(help.contains("https://login.microsoftonline.com/TENANT/oauth2/v2.0/token"), "{help}");
    let scopeless =
        auth(json!({"user": "u", "clientId": "c", "clientSecret": "s", "accessUrl": URL}));
    assert_eq!(warnings(&scopeless), [("/auth/scope", "scope-missing")]);
    assert_eq!(
        codes(&auth(json!({"clientId": "c", "accessUrl": "https://a.example"}))),
        [("/auth/user", "missing-key"), ("/auth/clientSecret", "missing-key")]
    );
    assert_eq!(
        codes(&auth(json!({"type": "OAuth2", "user": "u"}))),
        [("/auth/refreshToken", "missing-key")]
    );
}

#[test]
fn token_endpoints_are_https_or_this_machine() {
    let document = |url: &str| {
        auth(json!({"user": "u", "clientId": "c", "clientSecret": "s", "accessUrl": url}))
    };
    for url in [
        "https://a.example/token?x=1",
        "http://localhost:8080/t",
        "http://127.0.0.1/t",
        "http://[::1]:9/t",
    ] {
        assert_eq!(warnings(&document(url)), [], "{url}");
    }
    for (url, code) in [
        ("http://a.example/token", "insecure-url"),
        ("http://localhost.a.example/", "insecure-url"),
        ("ftp://a.example/", "invalid-url"),
        ("a.example/token", "invalid-url"),
        ("https://user:pass@a.example/", "invalid-url"),
        ("https:///token", "invalid-url"),
        ("https://a.example/\n", "invalid-url"),
        ("https://a.example/?client_secret=secret%3A%2Fauth%2FaccessUrl", "unsupported"),
    ] {
        assert_eq!(codes(&document(url)), [("/auth/accessUrl", code)], "{url}");
    }
    let mut clear = document("http://localhost:8080/t");
    clear["auth"]["tls"] = json!({"servername": "a.example"});
    assert_eq!(warnings(&clear), [("/auth/tls", "no-effect")]);
}

#[test]
fn further_fields_are_references_or_plain_numbers() {
    let document = auth(json!({
        "user": "u", "refreshToken": "r", "clientId": "c",
        "customParams": {"resource": "ref", "n": 5, "b": true, "gone": null, "e": "",
        "env": {"env": "X"}},
        "customHeaders": {"X-Tenant": "ref"},
        "tls": {"rejectUnauthorized": false}
    }));
    assert_eq!(warnings(&document), [("/auth/tls/rejectUnauthorized", "certificate-not-verified")]);
    let Authentication::Oauth2(login) = plan(document).authentication else { panic!("no login") };
    let renewal = login.renewal.expect("a renewal");
    let parameters: Vec<_> = renewal
        .parameters
        .iter()
        .map(|parameter| match &parameter.value {
            ParameterValue::Text(text) => (parameter.name.as_str(), text.as_str()),
            ParameterValue::Secret(secret) => (parameter.name.as_str(), secret.pointer.as_str()),
        })
        .collect();
    assert_eq!(
        parameters,
        [
            ("resource", "/auth/customParams/resource"),
            ("n", "5"),
            ("b", "true"),
            ("e", ""),
            ("env", "/auth/customParams/env")
        ]
    );
    assert_eq!(renewal.headers[0].name, "X-Tenant");
    assert!(!renewal.tls.verify_certificate);
    let wrong = auth(json!({
        "user": "u", "refreshToken": "r", "clientId": "c", "scope": 5,
        "customParams": {"a": [1], "b": {}},
        "customHeaders": {"bad name": "x", "Content-Length": "5"}
    }));
    assert_eq!(
        codes(&wrong),
        [
            ("/auth/scope", "wrong-type"),
            ("/auth/customParams/a", "wrong-type"),
            ("/auth/customParams/b", "invalid-secret"),
            ("/auth/customHeaders/bad name", "invalid-header-name"),
            ("/auth/customHeaders/Content-Length", "unsupported")
        ]
    );
}

#[test]
fn other_names_for_the_fields_come_with_the_right_ones() {
    let document =
        auth(json!({"username": "u", "password": "p", "user": "u", "pass": "p", "usr": "x"}));
    assert_eq!(
        warnings(&document),
        [
            ("/auth/username", "unknown-key"),
            ("/auth/password", "unknown-key"),
            ("/auth/usr", "unknown-key")
        ]
    );
    assert_eq!(at(&document, "/auth/password").help.as_deref(), Some("did you mean `pass`?"));
    assert_eq!(at(&document, "/auth/usr").help.as_deref(), Some("did you mean `user`?"));
    let functions =
        auth(json!({"user": "u", "pass": "p", "options": {}, "provisionCallback": "f"}));
    assert_eq!(
        warnings(&functions),
        [("/auth/options", "no-effect"), ("/auth/provisionCallback", "no-effect")]
    );
}

#[test]
fn credentials_by_other_names_alone_do_not_send_without_login() {
    let document = auth(json!({"username": "u", "password": "p"}));
    assert_eq!(
        codes(&document),
        [("/auth/username", "unknown-key"), ("/auth/password", "unknown-key")]
    );
    assert_eq!(at(&document, "/auth/username").help.as_deref(), Some("did you mean `user`?"));
    let empty = auth(json!({"username": "", "user": ""}));
    assert_eq!(warnings(&empty), [("/auth/username", "unknown-key")]);
}
