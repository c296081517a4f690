//! Servers, proxies and token endpoints that speak without end are left soon, and fill no memory.

use serde_json::{Value, json};
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::token_endpoint::{Answer, TokenEndpoint};

use crate::helpers::command::{MEMORY, configuration, peak_memory};
use crate::helpers::tenant::with;

/// Verifies with deadlines of a second; the command must fail, and stay within its memory.
#[track_caller]
fn check_bounded(port: u16, members: &Value, case: &str) {
    let short =
        json!({ "connectionTimeout": 1000, "greetingTimeout": 1000, "socketTimeout": 1000 });
    let all = with(configuration(port, members), &short);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("config.json");
    std::fs::write(&file, all.to_string()).expect("the folder can be written");
    let send = ["--type", "SignIn", "--to", "jo@example.org"].map(AsRef::as_ref);
    let (code, peak) = peak_memory(&[&["send".as_ref(), file.as_os_str()][..], &send].concat());
    assert!(code.is_some_and(|code| code != 0 && code != 70), "{case} ended with {code:?}");
    assert!((1..MEMORY).contains(&peak), "{case} took {peak} KB");
}

#[test]
fn a_server_that_speaks_without_end_is_left() {
    let cases = [
        ("a line", Script::new().flood("x")),
        ("a greeting", Script::new().flood("220-x\r\n")),
        ("blank lines", Script::new().flood("\r\n")),
        ("extensions", Script::greeting().hear("EHLO *").flood("250-X-Y\r\n")),
        ("replies", Script::greeting().flood("250 ok\r\n")),
        (
            "a challenge",
            Script::offering(&["AUTH CRAM-MD5"]).hear("AUTH *").say("334 ").flood("QUFB"),
        ),
    ];
    for (case, script) in cases {
        let peer = Peer::start(script);
        let members = json!({ "auth": { "user": "ann", "pass": "secret-word" } });
        check_bounded(peer.port(), &members, case);
        peer.finish_blocking();
    }
}

#[test]
fn a_proxy_that_speaks_without_end_is_left() {
    let connect = || Script::new().hear("CONNECT *").hear("Host: *").hear("");
    let cases = [
        ("a status", "http", connect().say("HTTP/1.1 200 ").flood("x")),
        ("a head", "http", connect().say("HTTP/1.1 200 ok\r\n").flood("X-Y: z\r\n")),
        ("interim answers", "http", connect().flood("HTTP/1.1 102 wait\r\n\r\n")),
        ("a refusal", "http", connect().say("HTTP/1.1 403 no\r\n\r\n").flood("x")),
        ("what is no HTTP", "http", connect().flood("\0")),
        ("a greeting of SOCKS", "socks5", Script::new().hear_octets([5, 1, 0]).flood([5, 0])),
        ("a reply of SOCKS 4", "socks4a", Script::new().hear_octets([4, 1]).flood([0, 90])),
    ];
    for (case, scheme, script) in cases {
        // What ends as a loss, or breaks the tunnel, may be tried once more.
        let peer = Peer::start(script);
        let proxy = format!("{scheme}://127.0.0.1:{}", peer.port());
        let members = json!({ "proxy": proxy, "host": "mx.example", "maxRequeues": 0 });
        check_bounded(587, &members, case);
        peer.finish_blocking();
    }
}

#[test]
fn a_token_endpoint_that_speaks_without_end_is_left() {
    let cases = [
        ("a head", Answer::Endless("HTTP/1.1 200 ok\r\n", "X-Y: z\r\n")),
        ("interim answers", Answer::Endless("", "HTTP/1.1 102 wait\r\n\r\n")),
        ("a body", Answer::Endless("HTTP/1.1 200 ok\r\n\r\n", "{")),
        (
            "a long body",
            Answer::Endless("HTTP/1.1 200 ok\r\nContent-Length: 99999999999\r\n\r\n", " "),
        ),
        (
            "chunks",
            Answer::Endless("HTTP/1.1 200 ok\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"),
        ),
        ("what is no HTTP", Answer::Endless("", "\0")),
    ];
    for (case, answer) in cases {
        let endpoint = TokenEndpoint::start(vec![answer]);
        let peer = Peer::start(Script::offering(&["AUTH XOAUTH2"]).quit());
        let auth = json!({
            "user": "ann", "clientId": "c", "refreshToken": "refresh-1",
            "accessUrl": endpoint.url(),
        });
        check_bounded(peer.port(), &json!({ "auth": auth }), case);
        peer.finish_blocking();
    }
}
