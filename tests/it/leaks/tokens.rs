//! Access tokens, and all that they are asked for with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::cli::Cli;
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::token_endpoint::{Answer, TokenEndpoint};

use super::{CLIENT_SECRET, PASSWORD, REFRESH_TOKEN, ROTATED_TOKEN, TOKEN};
use super::{check_silence, configuration, percent_encoded, send, traced};
use crate::helpers::{session, tenant};

const USER: &str = "robot@acme.test";

fn auth(endpoint: &TokenEndpoint) -> Value {
    json!({
        "type": "OAuth2", "user": USER, "clientId": "client",
        "clientSecret": format!(" {CLIENT_SECRET} "),
        "refreshToken": REFRESH_TOKEN, "accessUrl": endpoint.url(),
        "customParams": { "password": PASSWORD },
        "customHeaders": { "Authorization": format!("Bearer {PASSWORD}") },
    })
}

fn logged(port: u16, auth: &Value) -> Value {
    configuration(port, &json!({ "auth": auth, "logger": true, "debug": true }))
}

/// The commands that log in, in both formats.
fn commands(configuration: &Value) -> [Cli; 4] {
    let verify = || traced(&["verify", "config.json"], configuration);
    [send(configuration), send(configuration).arg("--json"), verify(), verify().arg("--json")]
}

fn offering() -> Script {
    Script::offering(&["AUTH XOAUTH2"])
}

/// The answer that brings a token and a new refresh token.
fn rotating() -> Answer {
    Answer::json(
        200,
        &json!({ "access_token": TOKEN, "expires_in": 3600, "refresh_token": ROTATED_TOKEN }),
    )
}

/// Whatever comes before the echo: the place at which it is cut must not matter.
#[test]
fn an_endpoint_that_says_back_the_request_is_masked() {
    let key = Authority::new().localhost_rsa().key_pem;
    for before in [0, 188, 192, 196, 198] {
        let endpoint = TokenEndpoint::start(vec![Answer::Echo("x ".repeat(before))]);
        let mut account = json!({ "user": USER, "serviceClient": "s", "privateKey": key });
        (account["accessUrl"], account["customParams"]) =
            (json!(endpoint.url()), json!({ "password": PASSWORD }));
        for auth in [auth(&endpoint), account] {
            let peer = Peer::start_all(vec![offering().quit(); 4]);
            for cli in commands(&logged(peer.port(), &auth)) {
                let outcome = cli.run_blocking();
                assert_eq!(outcome.code, Some(77), "{outcome:#?}");
                check_silence(&outcome, &format!("echo behind {before} words"));
            }
            peer.finish_blocking();
        }
        for asked in endpoint.asked().iter().filter_map(|asked| asked.field("assertion")) {
            assert!(asked.len() > 100, "an assertion was sent");
        }
    }
}

#[test]
fn an_assertion_is_masked_where_it_is_said_back() {
    let key = Authority::new().localhost_rsa().key_pem;
    let endpoint = TokenEndpoint::start(vec![Answer::Echo(String::new())]);
    let auth = json!({
        "user": USER, "serviceClient": "s", "privateKey": key, "accessUrl": endpoint.url(),
    });
    let peer = Peer::start_all(vec![offering().quit(); 4]);
    for cli in commands(&logged(peer.port(), &auth)) {
        let outcome = cli.run_blocking();
        let assertion = endpoint
            .asked()
            .last()
            .and_then(|asked| asked.field("assertion"))
            .expect("an assertion");
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(assertion.split('.').all(|part| !text.contains(part)), "{text}");
        }
    }
    peer.finish_blocking();
}

#[test]
fn a_server_that_says_back_the_token_is_masked() {
    let said = format!("user={USER}\u{1}auth=Bearer {TOKEN}\u{1}\u{1}");
    let texts = [TOKEN, CLIENT_SECRET, REFRESH_TOKEN, ROTATED_TOKEN].map(|text| {
        format!(
            "{text} {} {} user%3D{}",
            STANDARD.encode(text),
            percent_encoded(text),
            percent_encoded(text)
        )
    });
    let words = format!("{said} {} {}", STANDARD.encode(&said), texts.join(" "));
    let reply = |code: u16| format!("{code}-5.7.8 {words}\r\n{code} 5.7.8 no\r\n");
    for before in [0, 280, 295] {
        let reason = STANDARD.encode(format!("{}{words}", "x".repeat(before) + " "));
        let asked = offering().on("AUTH XOAUTH2 *", format!("334 {reason}\r\n")).on("", reply(535));
        // The token is refused, and the endpoint asked for another one.
        let script = asked.clone().quit();
        let echo = Answer::Echo(format!("{} {TOKEN} ", "x".repeat(before)));
        for number in 0..4 {
            let endpoint = TokenEndpoint::start(vec![rotating(), echo.clone()]);
            let peer = Peer::start(script.clone());
            let [first, second, third, fourth] = commands(&logged(peer.port(), &auth(&endpoint)));
            let cli =
                [first, second, third, fourth].into_iter().nth(number).expect("four commands");
            let outcome = cli.run_blocking();
            assert_eq!(outcome.code, Some(77), "{outcome:#?}");
            check_silence(&outcome, &format!("reason behind {before} letters"));
            assert_eq!(endpoint.asked()[1].field("refresh_token").as_deref(), Some(ROTATED_TOKEN));
            peer.finish_blocking();
        }
    }
}

#[tokio::test]
async fn debug_prints_no_token() {
    let endpoint = TokenEndpoint::start(vec![rotating(), Answer::Echo(String::new())]);
    let accepting = offering().on("AUTH XOAUTH2 *", "235 ok\r\n").takes_mail();
    let refusing = offering().on("AUTH XOAUTH2 *", format!("535 {TOKEN}\r\n")).quit();
    let peer = Peer::start_all(vec![accepting, refusing.clone(), refusing]);
    let members = json!({ "auth": auth(&endpoint), "ignoreTLS": true, "pool": false });
    let mailer = session::mailer(peer.port(), &members).await;
    let receipt = mailer.send(&tenant::sign_in("482913")).await.expect("acceptance");
    let error = mailer.send(&tenant::sign_in("482913")).await.expect_err("the token is refused");
    let verification = mailer.verify(None).await.expect("the request is sound");
    peer.finish().await;
    let connector = tenant::bundled().await;
    let mut configuration = tenant::configuration(587);
    configuration["auth"] = auth(&endpoint);
    let check = connector
        .check(&configuration.to_string(), &tenant::local())
        .await
        .expect("the check works");
    assert!(check.is_ok(), "{:?}", check.diagnostics);
    let stdout = format!("{mailer:?} {receipt:?} {error:?} {error} {verification:?} {check:?}");
    let stderr = [json!(receipt), json!(error), json!(verification), json!(check)]
        .map(|json| json.to_string());
    check_silence(&super::Outcome { code: None, stdout, stderr: stderr.concat() }, "Debug");
}
