//! Logins that are right, wrong, half or missing, servers that do odd things with them, and what a
//! verification makes of it all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::examination::{check_one_error, errors};
use crate::helpers::session::{check_failure, deliver, send, verify};

fn login() -> Value {
    json!({ "auth": { "user": "ann", "pass": "secret-word" } })
}

/// nodemailer takes half a login, and fails only where the server offers AUTH; here the check finds
/// it.
#[tokio::test]
async fn half_a_login_is_an_error_of_the_configuration() {
    for force in [false, true] {
        let half = json!({ "forceAuth": force, "auth": { "user": "ann" } });
        check_one_error(&errors(&half).await, "missing-key", "/auth/pass", "a user alone");
        let half = json!({ "forceAuth": force, "auth": { "pass": "secret-word" } });
        check_one_error(&errors(&half).await, "missing-key", "/auth/user", "a password alone");
    }
}

/// nodemailer refuses to verify without credentials where AUTH is forced and offered; here the
/// check warns that there is nothing to force.
#[tokio::test]
async fn a_verification_tells_whether_the_server_lets_in() {
    let offering = |extensions: &[&str]| Script::offering(extensions);
    let welcome = offering(&["AUTH PLAIN"]).on("AUTH PLAIN *", "235 ok\r\n");
    let refusal = offering(&["AUTH PLAIN"]).on("AUTH PLAIN *", "535 5.7.8 no\r\n").quit();
    let noop = |script: Script| script.on("NOOP", "250 ok\r\n").quit();
    let cases = [
        (noop(welcome), login(), None),
        (refusal, login(), Some(ErrorKind::Credentials)),
        (noop(offering(&["AUTH PLAIN"])), json!({}), None),
        (noop(offering(&[])), json!({ "forceAuth": true }), None),
        (noop(offering(&["AUTH PLAIN"])), json!({ "forceAuth": true }), None),
    ];
    for (script, members, kind) in cases {
        let peer = Peer::start(script);
        let verification = verify(peer.port(), &members).await;
        assert_eq!(verification.error.map(|error| error.kind()), kind, "{members}");
        peer.finish().await;
    }
}

/// Users and passwords cannot end a line or a field of any mechanism.
#[tokio::test]
async fn a_login_that_would_end_a_line_is_refused_or_encoded() {
    for user in ["ann\r\nRSET", "ann\n", "ann\0eve", "ann\u{1}auth=Bearer x"] {
        for rest in [json!({ "pass": "secret-word" }), json!({ "accessToken": "token-1" })] {
            let mut auth = rest;
            auth["user"] = json!(user);
            let found = errors(&json!({ "auth": auth })).await;
            check_one_error(&found, "control-character", "/auth/user", &auth.to_string());
        }
    }
    for method in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        let auth = json!({ "user": "ann", "pass": "secret\0word", "method": method });
        let error = send(9, &json!({ "auth": auth })).await.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{method}: {error}");
    }
    let broken = json!({ "auth": { "user": "ann", "pass": "secret\r\nRSET", "method": "LOGIN" } });
    let script =
        Script::offering(&["AUTH LOGIN"]).on("AUTH LOGIN", "334 \r\n").on("YW5u", "334 \r\n");
    let script = script.on(&STANDARD.encode("secret\r\nRSET"), "235 ok\r\n").takes_mail();
    deliver(vec![script], &broken).await.expect("acceptance");
    let token = json!({ "auth": { "user": "ann", "accessToken": "token-1\r\nRSET" } });
    let outcome = deliver(vec![Script::offering(&["AUTH XOAUTH2"]).quit()], &token).await;
    check_failure(outcome, Stage::Auth, ErrorKind::Configuration);
}

#[tokio::test]
async fn servers_that_misbehave_in_the_login_end_it() {
    let at = |method: &str| {
        Script::offering(&[&format!("AUTH {method}")]).hear(&format!("AUTH {method}*"))
    };
    let huge = format!("334 {}\r\n", "A".repeat(100_000));
    let endless = "334-QQ==\r\n".repeat(10_000);
    let cases = [
        (
            "asks again and again",
            at("PLAIN").say("334 \r\n").on("*", "334 \r\n"),
            ErrorKind::Protocol,
        ),
        (
            "asks a third time",
            at("LOGIN").say("334 \r\n").on("*", "334 \r\n").on("*", "334 \r\n"),
            ErrorKind::Protocol,
        ),
        ("a huge challenge", at("CRAM-MD5").say(&huge), ErrorKind::Protocol),
        ("a challenge of many lines", at("CRAM-MD5").say(&endless), ErrorKind::Protocol),
        ("answers twice", at("LOGIN").say("334 \r\n235 ok\r\n"), ErrorKind::Protocol),
        ("goes on to another reply", at("PLAIN").say("354 go\r\n"), ErrorKind::Protocol),
        ("leaves", at("LOGIN").say("334 \r\n").hear("*").close(), ErrorKind::Lost),
        (
            "leaves with a word",
            at("PLAIN").say("421 4.3.0 closing\r\n").close(),
            ErrorKind::Temporary,
        ),
        ("no reply", at("PLAIN").say("welcome\r\n"), ErrorKind::Protocol),
    ];
    for (case, script, kind) in cases {
        let peer = Peer::start(script);
        let error = send(peer.port(), &login()).await.expect_err(case);
        assert_eq!((error.stage(), error.kind()), (Some(Stage::Auth), kind), "{case}: {error}");
        peer.finish().await;
    }
}

/// The server's word counts, even before it has seen the password; what it says too early does not.
#[tokio::test]
async fn a_server_that_welcomes_everybody_is_believed() {
    let welcome = || Script::offering(&["AUTH LOGIN"]).on("AUTH LOGIN", "235 whoever you are\r\n");
    deliver(vec![welcome().takes_mail()], &login()).await.expect("acceptance");
    let everywhere = Script::new().say("235 hello\r\n");
    check_failure(deliver(vec![everywhere], &login()).await, Stage::Greeting, ErrorKind::Protocol);
    let data =
        Script::offering(&["AUTH PLAIN"]).on("AUTH *", "235 ok\r\n").on("MAIL *", "235 ok\r\n");
    let data = data.on("RCPT *", "235 ok\r\n").on("DATA", "235 ok\r\n");
    check_failure(deliver(vec![data], &login()).await, Stage::Data, ErrorKind::Protocol);
}
