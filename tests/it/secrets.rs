//! Secrets never enter the component, and nothing that the library shows prints one. The component
//! here is the real one, and it searches its own memory.

use serde_json::{Value, json};
use smtp_connector::{Connector, ErrorKind, Options, Request};
use smtp_connector_catch_all::{self as catch_all, CatchAll};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::guests::Guest;
use tokio::time::timeout;

use crate::helpers::tenant::{
    PATIENCE, bundled, configuration, engine, local, mailer, sign_in, templates,
};

/// A secret that needs no encoding anywhere.
const NEEDLE: &str = "n33dle-Zq7x-Wv";

/// A secret that a URL holds percent-encoded, and how.
const SPECIAL: &str = "n33dle/Z@q:7x%";
const ENCODED: &str = "n33dle%2FZ%40q%3A7x%25";

/// Every place in which a component of this contract takes a secret.
const PLACES: [&str; 29] = [
    "/auth/pass",
    "/auth/accessToken",
    "/auth/refreshToken",
    "/auth/clientSecret",
    "/auth/privateKey",
    "/auth/privateKey/key",
    "/auth/privateKey/passphrase",
    "/auth/customParams/assertion",
    "/auth/customHeaders/Authorization",
    "/auth/tls/key",
    "/auth/tls/key/0",
    "/auth/tls/key/0/pem",
    "/auth/tls/key/0/passphrase",
    "/auth/tls/passphrase",
    "/auth/tls/pfx",
    "/tls/key",
    "/tls/key/0",
    "/tls/key/0/pem",
    "/tls/key/0/passphrase",
    "/tls/passphrase",
    "/tls/pfx",
    "/dkim/privateKey",
    "/dkim/privateKey/key",
    "/dkim/privateKey/passphrase",
    "/dkim/keys/0/privateKey",
    "/dkim/keys/0/privateKey/key",
    "/dkim/keys/0/privateKey/passphrase",
    "/url",
    "/proxy",
];

/// Places in which nobody looks for a secret but a person may have put one, known by their names.
const STRAY_PLACES: [&str; 9] = [
    "/password",
    "/smtp/pass",
    "/auth/password",
    "/auth/apiKey",
    "/auth/API_KEY",
    "/auth/oauth2/client-secret",
    "/transport/0/auth/pass",
    "/tokens/0/token",
    "/tls/secret/deeper/0",
];

#[tokio::test]
async fn a_check_finds_no_secret_in_the_component() {
    let spy = spy().await;
    for place in
        PLACES.into_iter().chain(STRAY_PLACES).filter(|place| !["/url", "/proxy"].contains(place))
    {
        check_unseen(&spy, &with(place, NEEDLE), NEEDLE).await;
    }
}

#[tokio::test]
async fn a_check_finds_no_secret_of_a_url_in_the_component() {
    let spy = spy().await;
    let rows = [
        ("/proxy", "socks5://jo:SECRET@proxy.example:1080"),
        ("/proxy", "http://jo:SECRET@proxy.example"),
        ("/proxy", "jo:SECRET@proxy.example:3128"),
        ("/url", "smtps://jo:SECRET@mx.example"),
        ("/url", "smtp:jo:SECRET@mx.example:587"),
        ("/url", "smtp://mx.example/?auth.user=jo&auth.pass=SECRET"),
        ("/url", "smtp://jo:other@mx.example/?tls.passphrase=SECRET&tls.key=SECRET"),
        ("/url", "smtp://mx.example/?proxy=socks5%3A%2F%2Fjo%3ASECRET%40proxy.example"),
        ("/auth/accessUrl", "https://jo:SECRET@token.example/"),
        ("/auth/accessUrl", "https://token.example/?client_secret=SECRET"),
        ("/host", "smtp://jo:SECRET@mx.example"),
        ("/unknown/0", "https://jo:SECRET@mx.example"),
    ];
    for (place, url) in rows {
        check_unseen(&spy, &with(place, &url.replace("SECRET", NEEDLE)), NEEDLE).await;
        let encoded = with(place, &url.replace("SECRET", ENCODED));
        check_unseen(&spy, &encoded, ENCODED).await;
        check_unseen(&spy, &encoded, SPECIAL).await;
    }
}

#[tokio::test]
async fn a_secret_is_taken_out_however_the_text_spells_it() {
    let spy = spy().await;
    let rest = configuration(587).to_string();
    let rest = rest.trim_start_matches('{');
    let escaped: String = NEEDLE.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    for auth in [
        format!(r#""auth":{{"user":"jo","pass":"{NEEDLE}","pass":"other"}}"#),
        format!(r#""auth":{{"user":"jo","pass":"other","pass":"{NEEDLE}"}}"#),
        format!(r#""auth":{{"pass":"{NEEDLE}"}},"auth":{{"user":"jo","pass":"other"}}"#),
        format!(r#""auth":{{"user":"jo","p\u0061ss":"{NEEDLE}"}}"#),
        format!(r#""auth":{{"user":"jo","pass":"{escaped}"}}"#),
    ] {
        let text = format!(r#"{{"spy":"{}",{auth},{rest}"#, inverted(NEEDLE));
        let check = spy.check(&text, &local()).await.expect("the check works");
        let codes: Vec<_> = check.diagnostics.iter().map(|finding| finding.code.as_str()).collect();
        assert!(
            check.is_ok() && !codes.contains(&"secret-found"),
            "{auth}: {:?}",
            check.diagnostics
        );
    }
}

#[tokio::test]
async fn the_search_finds_what_is_no_secret() {
    let spy = spy().await;
    for place in ["/name", "/auth/user", "/templates/0/content", "/fromEmail", "/unknown/0"] {
        let check =
            spy.check(&with(place, NEEDLE).to_string(), &local()).await.expect("the check works");
        assert!(check.diagnostics.iter().any(|finding| finding.code == "secret-found"), "{place}");
    }
    let mailer = mailer(&spy, &with("/auth/pass", "other")).await;
    let error = mailer.render(&sign_in(NEEDLE)).await.expect_err("the payload is in the component");
    assert_eq!(error.kind(), ErrorKind::Template);
    assert_eq!(error.to_string(), "the template of the subject: secret-found");
}

#[tokio::test]
async fn rendering_and_sending_find_no_secret_in_the_component() {
    let spy = spy().await;
    let client = Authority::new().client("client.example");
    let key_line = client.key_pem.lines().nth(1).expect("a key has lines");
    let server = server().await;
    let mut configuration = with("/auth/pass", NEEDLE);
    configuration["port"] = json!(server.address().port());
    configuration["tls"] = json!({
        "ca": server.certificate_pem(), "cert": client.certificate_pem, "key": client.key_pem,
        "passphrase": NEEDLE,
    });
    for needle in [NEEDLE, key_line] {
        configuration["spy"] = json!(inverted(needle));
        for kept in [0, 2] {
            let options = local().keep_instances(kept);
            let mailer = spy.configure_with(&configuration.to_string(), &options).await;
            let mailer = mailer.unwrap_or_else(|error| panic!("{:?}", error.diagnostics()));
            for _ in 0..2 {
                mailer.render(&sign_in("482913")).await.expect("the component finds no secret");
            }
            mailer.send(&sign_in("482913")).await.expect("the component finds no secret");
            mailer
                .render(&sign_in("482913"))
                .await
                .expect("the component finds no secret after a send");
            let caught = timeout(PATIENCE, server.next()).await.expect("the message arrives");
            assert_eq!(caught.authenticated_as.as_deref(), Some("jo"));
            assert_eq!(caught.tls.as_deref(), Some("TLSv1.3"));
        }
    }
}

#[tokio::test]
async fn debug_prints_no_secret_and_no_code() {
    let server = server().await;
    let connector = bundled().await;
    let mut configuration = with("/auth/pass", NEEDLE);
    configuration["port"] = json!(server.address().port());
    configuration["tls"] = json!({ "ca": server.certificate_pem() });
    configuration["password"] = json!(NEEDLE);
    configuration["unknown"] = json!(format!("smtp://jo:{NEEDLE}@mx.example"));
    let check =
        connector.check(&configuration.to_string(), &local()).await.expect("the check works");
    let mailer = mailer(&connector, &configuration).await;
    let request = Request::new("SignIn", "user@example.com")
        .payload(json!({ "code": "482913", "link": "https://acme.test/#t0psecret" }));
    let rendered = mailer.render(&request).await.expect("it renders");
    let receipt = mailer.send(&request).await.expect("it sends");
    let verification =
        mailer.verify(Some("user@example.com")).await.expect("the recipient is sound");
    let mut wrong = configuration.clone();
    wrong["auth"]["pass"] = json!(SPECIAL);
    wrong["auth"]["port"] = json!([NEEDLE]);
    wrong["port"] = json!([NEEDLE]);
    let refused =
        connector.configure_with(&wrong.to_string(), &local()).await.expect_err("it has errors");
    wrong["port"] = json!(server.address().port());
    let unauthenticated =
        self::mailer(&connector, &wrong).await.send(&request).await.expect_err("refused");
    assert_eq!(unauthenticated.kind(), ErrorKind::Credentials);
    let transcript = unauthenticated.transcript().map(ToString::to_string).unwrap_or_default();
    assert!(transcript.contains("AUTH PLAIN ***"), "{transcript}");
    let shown = [
        format!(
            "{check:?} {mailer:?} {connector:?} {request:?} {rendered:?} {receipt:?} \
            {verification:?}"
        ),
        format!(
            "{refused:?} {refused} {unauthenticated:?} {unauthenticated} {:?}",
            unauthenticated.hint()
        ),
        format!("{transcript} {:?} {:?}", unauthenticated.transcript(), engine()),
        [json!(check), json!(receipt), json!(verification)].map(|json| json.to_string()).concat(),
        [json!(refused), json!(unauthenticated)].map(|json| json.to_string()).concat(),
    ];
    for secret in [NEEDLE, SPECIAL, ENCODED, "482913", "t0psecret", &octets("482913")] {
        for text in &shown {
            assert!(!text.contains(secret), "`{secret}` in {text}");
        }
    }
}

#[tokio::test]
async fn a_report_quotes_no_secret_even_where_a_key_repeats() {
    let connector = bundled().await;
    let text = format!(
        r#"{{"auth": {{"user": "jo", "pass": "{NEEDLE}", "pass": "{NEEDLE}2"}}, "hots": "{NEEDLE}3",
            "proxy": "socks5://jo:{NEEDLE}4@proxy.example", "port": ["{NEEDLE}5"],
            "port": ["{NEEDLE}6"]}}"#
    );
    let check = connector.check(&text, &local()).await.expect("the check works");
    let quotable = connector.quotable(&text, &check.diagnostics);
    assert!(!quotable.contains(NEEDLE), "{quotable}");
    assert!(
        quotable.starts_with(
            r#"{"auth": {"user": "jo", "pass": "***", "pass": "***"}, "hots": "***","#
        )
    );
}

#[tokio::test]
async fn a_secret_from_environment_or_file_needs_the_embedders_consent() {
    let connector = bundled().await;
    for source in [json!({ "env": "PATH" }), json!({ "file": "/etc/hostname" })] {
        let mut configuration = with("/auth/pass", "");
        configuration["auth"]["pass"] = source;
        let check =
            connector.check(&configuration.to_string(), &local()).await.expect("the check works");
        let finding = check.diagnostics.iter().find(|finding| finding.path == "/auth/pass");
        let finding = finding.expect("there is a finding at its place");
        assert_eq!(finding.code, "secret-source-not-allowed");
        assert!(finding.is_error() && !check.is_ok());
        let error = connector.configure_with(&configuration.to_string(), &local()).await;
        assert_eq!(error.expect_err("it is not allowed").kind(), ErrorKind::Configuration);
    }
}

#[tokio::test]
async fn a_secret_from_environment_or_file_is_the_one_that_logs_in() {
    let spy = spy().await;
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{SPECIAL}\n")).expect("the folder can be written");
    let path = std::env::var("PATH").expect("every test runs with a path");
    for (source, value) in
        [(json!({ "env": "PATH" }), path.as_str()), (json!({ "file": file }), SPECIAL)]
    {
        let server = server_with(value).await;
        let mut configuration = with("/auth/pass", "");
        configuration["auth"]["pass"] = source;
        configuration["port"] = json!(server.address().port());
        configuration["tls"] = json!({ "ca": server.certificate_pem() });
        configuration["spy"] = json!(inverted(value));
        let mailer =
            spy.configure_with(&configuration.to_string(), &local().secret_sources(true)).await;
        let mailer = mailer.unwrap_or_else(|error| panic!("{:?}", error.diagnostics()));
        mailer.send(&sign_in("1")).await.expect("the password is right");
        assert!(!format!("{mailer:?}").contains(value));
    }
}

#[tokio::test]
async fn a_secret_that_cannot_be_had_is_reported_at_its_place() {
    let rows = [
        (
            json!({ "env": "SMTP_CONNECTOR_NOT_SET" }),
            "the environment variable `SMTP_CONNECTOR_NOT_SET` is not set",
        ),
        (json!({ "file": "/nowhere/password" }), "the file `/nowhere/password` cannot be read: "),
        (
            json!({ "file": "/dev/null" }),
            "the file `/dev/null` cannot be read: it is no regular file",
        ),
    ];
    let connector = bundled().await;
    for (source, message) in rows {
        for place in ["/auth/pass", "/tls/passphrase"] {
            let mut configuration = with("/auth/pass", NEEDLE);
            put(&mut configuration, place, source.clone());
            let options = local().secret_sources(true);
            let check = connector
                .check(&configuration.to_string(), &options)
                .await
                .expect("the check works");
            let finding =
                check.diagnostics.iter().find(|finding| finding.code == "secret-unavailable");
            let finding = finding.unwrap_or_else(|| panic!("{source}: {:?}", check.diagnostics));
            assert_eq!(finding.path, place);
            assert!(finding.message.starts_with(message), "{}", finding.message);
            assert!(!check.is_ok());
        }
    }
}

async fn spy() -> Connector {
    engine().load(&Guest::Spies.bytes()).await.expect("the component is admitted")
}

/// A server that wants STARTTLS and the needle for a password.
async fn server() -> CatchAll {
    server_with(NEEDLE).await
}

async fn server_with(password: &str) -> CatchAll {
    let credentials = catch_all::Credentials::new("jo", password);
    let options = catch_all::Options::default().credentials(credentials);
    CatchAll::start(options).await.expect("loopback has a free port")
}

/// A configuration with a login, a text at a place, and a search for the needle.
fn with(place: &str, text: &str) -> Value {
    let mut configuration = configuration(587);
    configuration["ignoreTLS"] = json!(null);
    configuration["auth"] = json!({ "user": "jo", "pass": "other" });
    configuration["templates"] = templates("{{code}} {{link}}");
    configuration["spy"] = json!(inverted(NEEDLE));
    put(&mut configuration, place, json!(text));
    configuration
}

/// Puts a value at a pointer and makes what is missing above it.
fn put(document: &mut Value, pointer: &str, value: Value) {
    let mut place = document;
    for token in pointer.split('/').skip(1) {
        place = match token.parse::<usize>() {
            Ok(index) => {
                if !place.is_array() {
                    *place = json!([]);
                }
                let list = place.as_array_mut().expect("it was just made one");
                list.resize(list.len().max(index + 1), Value::Null);
                &mut list[index]
            }
            Err(_) => {
                if !place.is_object() {
                    *place = json!({});
                }
                &mut place[token]
            }
        };
    }
    *place = value;
}

/// A needle as the spy reads it: in hexadecimal, its bits inverted.
fn inverted(needle: &str) -> String {
    needle.bytes().map(|byte| format!("{:02x}", !byte)).collect()
}

/// A text as a list of octets is printed.
fn octets(text: &str) -> String {
    text.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ")
}

async fn check_unseen(spy: &Connector, configuration: &Value, needle: &str) {
    let mut configuration = configuration.clone();
    configuration["spy"] = json!(inverted(needle));
    let check =
        spy.check(&configuration.to_string(), &Options::default()).await.expect("the check works");
    let found = check.diagnostics.iter().any(|finding| finding.code == "secret-found");
    assert!(!found, "`{needle}` is in the component: {configuration}");
    assert!(!format!("{check:?}").contains(needle), "`{needle}` is printed: {check:?}");
}
