//! Proxies, ports that speak otherwise, and offers: whoever hears a secret may say it back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use smtp_connector_tests::peer::{Peer, Script};

use super::{PASSWORD, PROXY_PASSWORD, check_silence, configuration, send, traced, with_login};

/// Says back what a proxy was told, in each form in which it knows it.
fn told(code: u16) -> String {
    let pair = STANDARD.encode(format!("user:{PROXY_PASSWORD}"));
    format!(
        "{code}-Proxy-Authorization: Basic {pair}\r\n{code}-http://user:{PROXY_PASSWORD}@proxy\r\n\
         {code}-http%3A%2F%2Fuser%3A{PROXY_PASSWORD}%40proxy\r\n{code} {}\r\n",
        STANDARD.encode(PROXY_PASSWORD)
    )
}

#[test]
fn a_proxy_that_says_back_its_login_is_masked() {
    let connect =
        || Script::new().hear("CONNECT *").hear("Host: *").hear("Proxy-Authorization: *").hear("");
    let open = "HTTP/1.1 200 ok\r\n\r\n";
    let refusal =
        format!("HTTP/1.1 407 {PROXY_PASSWORD}\r\nX-A: {PROXY_PASSWORD}\r\n\r\n{PROXY_PASSWORD}");
    let socks =
        Script::new().hear_octets([5, 2, 0, 2]).say([5, 2]).hear_octets(b"\x01\x04user\x0e");
    let socks =
        socks.hear_octets(PROXY_PASSWORD).say([1, 0]).hear_octets(b"\x05\x01\0\x03\x0amx.example");
    let socks = socks.hear_octets([2, 75]).say([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    // A verification asks a port that is not understood once more.
    for (scheme, connections, script) in [
        ("http", 2, connect().say(open).say(told(554))),
        ("http", 2, connect().say(refusal)),
        ("http", 2, connect().say(format!("{PROXY_PASSWORD} is no HTTP\r\n\r\n"))),
        ("http", 3, connect().say(open).say(format!("{PROXY_PASSWORD} is no SMTP\r\n")).stall()),
        ("socks5", 2, socks.say(told(554))),
    ] {
        let peer = Peer::start_all(vec![script; connections]);
        let proxy = format!("{scheme}://user:{PROXY_PASSWORD}@127.0.0.1:{}", peer.port());
        let members = json!({
            "proxy": proxy, "host": "mx.example", "logger": true, "debug": true, "maxRequeues": 0,
        });
        let configuration = configuration(587, &members);
        for cli in
            [send(&configuration), traced(&["verify", "config.json", "--json"], &configuration)]
        {
            let outcome = cli.run_blocking();
            assert_ne!(outcome.code, Some(0), "{outcome:#?}");
            check_silence(&outcome, scheme);
        }
        peer.finish_blocking();
    }
}

#[test]
fn a_port_that_is_asked_once_more_is_masked_as_the_first_time() {
    let wrong = |code: u16| format!("{code} password {PASSWORD} is wrong\r\n");
    let asked_again = Script::new().say(wrong(220)).on("EHLO *", wrong(250)).quit();
    let peer = Peer::start_all(vec![Script::new().say("220 peer\r\n").stall(), asked_again]);
    let mut configuration = with_login(peer.port(), &json!({ "connectionTimeout": 500 }));
    configuration["secure"] = json!(true);
    let outcome = traced(&["verify", "config.json"], &configuration).run_blocking();
    check_silence(&outcome, "the probe");
    assert!(
        outcome.stderr.contains("password *** is wrong"),
        "the answer is in the log: {}",
        outcome.stderr
    );
    peer.finish_blocking();
}

#[test]
fn an_offer_of_mechanisms_is_masked() {
    let peer = Peer::start(Script::offering(&[&format!("AUTH NTLM {PASSWORD}")]).quit());
    let outcome = send(&with_login(peer.port(), &json!({}))).run_blocking();
    check_silence(&outcome, "offer");
    assert!(
        !outcome.stderr.contains("QUAGGA") && outcome.stderr.contains("NTLM"),
        "{}",
        outcome.stderr
    );
    peer.finish_blocking();
}

/// Replies that are not UTF-8 throughout, and replies and passwords with control characters.
#[test]
fn odd_replies_are_masked_as_even_ones() {
    let cases: [(&str, &[u8]); 3] = [
        ("pw-zébrä quagga", "535 pw-zébrä quagga \u{fffd}".as_bytes()),
        ("pw-zébrä\tquagga", "535 pw-zébrä\tquagga".as_bytes()),
        ("pw-zébrä quagga", "535 pw-zébrä\tquagga".as_bytes()),
    ];
    for (password, reply) in cases {
        let bad = [reply, b" \xff\r\n"].concat();
        for reply in [[reply, b"\r\n"].concat(), bad] {
            let script = Script::offering(&["AUTH LOGIN"]).hear("AUTH LOGIN").say(reply).quit();
            let peer = Peer::start(script);
            let mut configuration = with_login(peer.port(), &json!({ "ignoreTLS": true }));
            configuration["auth"]["pass"] = json!(password);
            let outcome = send(&configuration).run_blocking();
            for part in ["zébrä", "quagga", "Ã©"] {
                assert!(!outcome.stderr.contains(part), "{part} in {}", outcome.stderr);
            }
            peer.finish_blocking();
        }
    }
}
