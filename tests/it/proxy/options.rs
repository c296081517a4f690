//! The kinds of proxies: the usual port, what is asked, and who resolves the server's name.

use serde_json::json;
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::Script;

use super::{answer, connect, socks5, socks5_request};
use crate::helpers::proof::{check, check_end, check_plan, check_sound, verified, verify_through};
use crate::helpers::session;

fn named(login: Option<&str>) -> Script {
    connect(Script::new(), "mx.example:587", login)
}

/// The session behind an open tunnel.
fn session(script: Script) -> Script {
    verified(script.say("220 mx ESMTP\r\n").ehlo(&[]))
}

async fn check_port(scheme: &str, protocol: &str, port: u16) {
    let expected = json!({ "proxy": { "protocol": protocol, "host": "p.example", "port": port } });
    check_plan([(json!({ "proxy": format!("{scheme}://p.example") }), expected)]).await;
}

#[tokio::test]
pub(crate) async fn http() {
    check_port("http", "http", 80).await;
    let url = "http://127.0.0.1:PORT";
    for status in ["200 ok", "201 made"] {
        let open = named(None).say(format!("HTTP/1.1 {status}\r\n\r\n"));
        check_sound(&verify_through(session(open), url, &json!({})).await);
    }
    let open = named(Some("me:p w")).say("HTTP/1.1 200 ok\r\n\r\n");
    check_sound(&verify_through(session(open), "http://me:p%20w@127.0.0.1:PORT", &json!({})).await);
    for (status, kind) in [
        ("204 empty", ErrorKind::Proxy),
        ("403 no", ErrorKind::Proxy),
        ("407 who?", ErrorKind::Credentials),
    ] {
        let refused = named(None).say(format!("HTTP/1.1 {status}\r\n\r\n"));
        check_end(&verify_through(refused, url, &json!({})).await, Stage::Proxy, kind);
    }
}

#[tokio::test]
pub(crate) async fn https() {
    check_port("https", "https", 443).await;
    let authority = Authority::new();
    let server = authority.localhost().server();
    let open = || {
        session(
            connect(Script::new().tls(&server), "mx.example:587", None)
                .say("HTTP/1.1 200 ok\r\n\r\n"),
        )
    };
    let url = "https://localhost:PORT";
    for tls in [
        json!({ "ca": authority.pem(), "servername": "mx.example" }),
        json!({ "rejectUnauthorized": false }),
    ] {
        check_sound(&verify_through(open(), url, &json!({ "tls": tls })).await);
    }
    let refused = Script::new().fail_tls(&server);
    check_end(&verify_through(refused, url, &json!({})).await, Stage::Proxy, ErrorKind::Proxy);
    let other = authority.named("mx.example").server();
    let trusted = json!({ "tls": { "ca": authority.pem() } });
    let misnamed = verify_through(Script::new().fail_tls(&other), url, &trusted).await;
    check_end(&misnamed, Stage::Proxy, ErrorKind::Proxy);
}

#[tokio::test]
pub(crate) async fn socks4() {
    check_port("socks4", "socks4", 1080).await;
    let asked = Script::new().hear_octets(b"\x04\x01\x02\x4b\x7f\0\0\x01me\0");
    let open = session(asked.say([0, 90, 0, 0, 0, 0, 0, 0]));
    let url = "socks4://me@127.0.0.1:PORT";
    check_sound(&verify_through(open, url, &json!({ "host": "localhost" })).await);
    let six =
        session::verify(587, &json!({ "host": "2001:db8::1", "proxy": "socks4://127.0.0.1:9" }))
            .await;
    check_end(&six, Stage::Proxy, ErrorKind::Proxy);
    check([(json!({ "proxy": "socks4://me:p@p.example" }), "warning no-effect /proxy")]).await;
}

#[tokio::test]
pub(crate) async fn socks4a() {
    check_port("socks4a", "socks4a", 1080).await;
    let asked = Script::new().hear_octets(b"\x04\x01\x02\x4b\0\0\0\x01me\0mx.example\0");
    let open = session(asked.say([0, 90, 0, 0, 0, 0, 0, 0]));
    check_sound(&verify_through(open, "socks4a://me@127.0.0.1:PORT", &json!({})).await);
}

#[tokio::test]
pub(crate) async fn socks5_and_socks() {
    for scheme in ["socks5", "socks"] {
        check_port(scheme, "socks5", 1080).await;
        let asked =
            socks5(Some(("me", "p w"))).say([1, 0]).hear_octets(socks5_request("mx.example", 587));
        let url = format!("{scheme}://me:p%20w@127.0.0.1:PORT");
        check_sound(&verify_through(session(asked.say(answer(0))), &url, &json!({})).await);
    }
}
