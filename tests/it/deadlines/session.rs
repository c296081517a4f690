//! Peers that are silent, drip or stop half-way end within the configured time, and the stage is
//! named.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::token_endpoint::{Answer, TokenEndpoint};

use crate::helpers::session::{mailer, send};
use crate::helpers::tenant;

const SHORT: u64 = 300;

/// What a wait may take beyond its deadline on a busy machine.
const SLACK: Duration = Duration::from_secs(8);

const DRIP: Duration = Duration::from_millis(60);

async fn check(script: Script, members: &Value, stage: Stage, case: &str) {
    let peer = Peer::start(script);
    let short =
        json!({ "connectionTimeout": SHORT, "greetingTimeout": SHORT, "socketTimeout": SHORT });
    let members = members.to_string().replace("PORT", &peer.port().to_string());
    let members: Value = serde_json::from_str(&members).expect("still JSON");
    let all = tenant::with(short, &members);
    let mailer = mailer(peer.port(), &all).await;
    let begun = Instant::now();
    let error = mailer.send(&tenant::sign_in("482913")).await.expect_err(case);
    let took = begun.elapsed();
    assert_eq!((error.stage(), error.kind()), (Some(stage), ErrorKind::Timeout), "{case}: {error}");
    assert!(took >= Duration::from_millis(SHORT), "{case}: {took:?}");
    assert!(took < Duration::from_millis(SHORT) + SLACK, "{case}: {took:?}");
    assert_eq!(error.attempts(), 1, "{case}");
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn each_stage_of_the_session_ends_in_time() {
    let authority = Authority::new();
    let server = authority.localhost().server();
    let login = json!({ "auth": { "user": "ann", "pass": "secret-word" } });
    let secure = json!({ "secure": true });
    let encrypted = json!({ "tls": { "ca": authority.pem() } });
    let none = json!({});
    let to_rcpt = || Script::offering(&[]).on("MAIL *", "250 ok\r\n");
    let to_data = || to_rcpt().on("RCPT *", "250 ok\r\n");
    let to_content = || to_data().on("DATA", "354 go\r\n").hear_any_content();
    let endless = "x".repeat(20);
    let cases = [
        (Script::new().stall(), &none, Stage::Greeting, "silent at the greeting"),
        (
            Script::new().drip(format!("220 {endless}"), DRIP),
            &none,
            Stage::Greeting,
            "drips the greeting",
        ),
        (Script::new().say("220-mx\r\n").stall(), &none, Stage::Greeting, "half a greeting"),
        (Script::greeting().hear("EHLO *").stall(), &none, Stage::Ehlo, "silent after EHLO"),
        (
            Script::greeting().hear("EHLO *").drip(format!("250-{endless}"), DRIP),
            &none,
            Stage::Ehlo,
            "drips EHLO",
        ),
        (
            Script::offering(&["STARTTLS"]).hear("STARTTLS").stall(),
            &encrypted,
            Stage::Starttls,
            "silent after STARTTLS",
        ),
        (
            Script::offering(&["STARTTLS"]).on("STARTTLS", "220 go\r\n").stall(),
            &encrypted,
            Stage::Tls,
            "silent in the handshake",
        ),
        (Script::new().stall(), &secure, Stage::Tls, "silent in the implicit handshake"),
        (
            Script::offering(&["STARTTLS"]).starttls(&server).hear("EHLO *").stall(),
            &encrypted,
            Stage::Ehlo,
            "silent inside TLS",
        ),
        (
            Script::offering(&["AUTH PLAIN"]).hear("AUTH *").stall(),
            &login,
            Stage::Auth,
            "silent at AUTH PLAIN",
        ),
        (
            Script::offering(&["AUTH LOGIN"]).on("AUTH LOGIN", "334 \r\n").hear("*").stall(),
            &login,
            Stage::Auth,
            "silent in LOGIN",
        ),
        (
            Script::offering(&["AUTH CRAM-MD5"])
                .on("AUTH CRAM-MD5", "334 PDE+\r\n")
                .hear("*")
                .drip(endless.as_str(), DRIP),
            &login,
            Stage::Auth,
            "drips after CRAM-MD5",
        ),
        (Script::offering(&[]).hear("MAIL *").stall(), &none, Stage::Mail, "silent at MAIL"),
        (to_rcpt().hear("RCPT *").stall(), &none, Stage::Rcpt, "silent at RCPT"),
        (to_data().hear("DATA").stall(), &none, Stage::Data, "silent at DATA"),
        (to_content().stall(), &none, Stage::Content, "silent after the final dot"),
    ];
    for (script, members, stage, case) in cases {
        check(script, members, stage, case).await;
    }
}

#[tokio::test]
async fn a_message_that_nobody_reads_ends_in_time() {
    // More than the buffers of both ends take, so that the rest of it has to wait.
    let content = "Größe ".repeat(500_000) + "{{code}}";
    let form = |content_type: &str, content: &str| {
        ["Register", "SignIn", "ForgotPassword", "Generic"].map(|usage_type| {
            let content = if usage_type == "SignIn" { content } else { "{{code}}" };
            json!({
                "usageType": usage_type, "contentType": content_type, "subject": "s",
                "content": content,
            })
        })
    };
    let templates = [form("text/plain", &content), form("text/html", &content)].concat();
    let script = Script::offering(&[]).on("MAIL *", "250 ok\r\n").on("RCPT *", "250 ok\r\n");
    let script = script.on("DATA", "354 go\r\n").stop_reading();
    check(script, &json!({ "templates": templates }), Stage::Content, "stops reading").await;
}

#[tokio::test]
async fn the_dialogue_with_a_proxy_ends_in_time() {
    let authority = Authority::new();
    let server = authority.localhost().server();
    let web = json!({ "host": "mx.example", "proxy": "http://127.0.0.1:PORT" });
    let secure = json!({
        "host": "mx.example", "proxy": "https://localhost:PORT", "tls": { "ca": authority.pem() },
    });
    let socks = json!({ "host": "mx.example", "proxy": "socks5://127.0.0.1:PORT" });
    let old = json!({ "host": "mx.example", "proxy": "socks4a://127.0.0.1:PORT" });
    let connect = |script: Script| script.hear("CONNECT *").hear("Host: *").hear("");
    let cases = [
        (Script::new().stall(), &web, "a silent HTTP proxy"),
        (connect(Script::new()).say("HTTP/1.1 200 ok\r\n").stall(), &web, "half an answer"),
        (connect(Script::new()).drip("HTTP/1.1 200 established", DRIP), &web, "a dripping answer"),
        (Script::new().stall(), &secure, "no handshake"),
        (connect(Script::new().tls(&server)).stall(), &secure, "silence inside TLS"),
        (Script::new().stall(), &socks, "a silent SOCKS proxy"),
        (
            Script::new().hear_octets([5, 1, 0]).say([5, 0]).stall(),
            &socks,
            "no answer to the request",
        ),
        (Script::new().stall(), &old, "a silent SOCKS 4 proxy"),
    ];
    for (script, members, case) in cases {
        check(script, members, Stage::Proxy, case).await;
    }
    let open = connect(Script::new()).say("HTTP/1.1 200 ok\r\n\r\n").stall();
    check(open, &web, Stage::Greeting, "silence behind the proxy").await;
}

#[tokio::test]
async fn a_request_for_a_token_ends_in_time() {
    let authority = Authority::new();
    let server = authority.localhost().server();
    let drip = || Answer::Drip("HTTP/1.1 200 ok\r\nContent-Length: 999\r\n\r\n{".to_owned(), DRIP);
    let endpoints = [
        (TokenEndpoint::start(vec![Answer::Silence]), "silent"),
        (TokenEndpoint::start(vec![drip()]), "dripping"),
        (TokenEndpoint::start_tls(&server, vec![Answer::Deaf]), "no handshake"),
        (TokenEndpoint::start_tls(&server, vec![Answer::Silence]), "silent inside TLS"),
        (TokenEndpoint::start_tls(&server, vec![drip()]), "dripping inside TLS"),
    ];
    for (endpoint, case) in endpoints {
        let auth = json!({
            "user": "robot@acme.test", "clientId": "c", "refreshToken": "refresh-1",
            "accessUrl": endpoint.url(), "tls": { "ca": authority.pem() },
        });
        let script = Script::offering(&["AUTH XOAUTH2"]).quit();
        check(script, &json!({ "auth": auth }), Stage::Auth, case).await;
    }
}

#[tokio::test]
async fn every_address_is_tried_before_the_connection_fails() {
    // `localhost` has an IPv6 address on many machines; nothing listens there.
    let peer = Peer::start(Script::offering(&[]).takes_mail());
    send(peer.port(), &json!({ "host": "localhost" })).await.expect("acceptance");
    peer.finish().await;
    let members = json!({ "host": "127.0.0.1", "localAddress": "127.0.0.9" });
    let peer = Peer::start(Script::offering(&[]).takes_mail());
    send(peer.port(), &members).await.expect("acceptance");
    peer.finish().await;
}
