//! Where the server is, and by which way it is reached.

use serde_json::json;
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::proof::{
    check, check_end, check_keys, check_plan, check_sound, verified, verify, verify_far,
    verify_through,
};
use crate::helpers::session::{deliver, send};
use crate::proxy::connect;

#[tokio::test]
pub(crate) async fn host() {
    for (host, target) in [
        ("mx.example", "mx.example:587"),
        ("192.0.2.7", "192.0.2.7:587"),
        ("2001:db8::1", "[2001:db8::1]:587"),
        ("[2001:db8::1]", "[2001:db8::1]:587"),
    ] {
        let open = connect(Script::new(), target, None).say("HTTP/1.1 200 ok\r\n\r\n220 mx\r\n");
        check_sound(&verify_far(verified(open.ehlo(&[])), &json!({ "host": host })).await);
    }
    check([
        (json!({ "host": null }), "error missing-key /host"),
        (json!({ "host": "" }), "error missing-key /host"),
        (json!({ "host": null, "service": "Gmail" }), ""),
        (json!({ "host": null, "url": "smtp://mx.example" }), ""),
        (json!({ "host": "smtp://mx.example" }), "error invalid-host /host"),
        (json!({ "host": "mx.example:587" }), "error invalid-host /host"),
        (json!({ "host": "mx.example/x" }), "error invalid-host /host"),
        (json!({ "host": "127.1" }), "error invalid-host /host"),
        (json!({ "host": "xn--a.example" }), "error invalid-host /host"),
        (json!({ "host": "a\u{200d}.example" }), "error invalid-host /host"),
        (json!({ "host": 5 }), "error wrong-type /host"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn port() {
    let peer = Peer::start(Script::offering(&[]).takes_mail());
    send(9, &json!({ "port": peer.port().to_string() })).await.expect("acceptance");
    peer.finish().await;
    check_plan([
        (json!({ "port": 2525 }), json!({ "port": 2525 })),
        (json!({ "port": null }), json!({ "port": 587 })),
        (json!({ "port": "" }), json!({ "port": 587 })),
        (json!({ "secure": true }), json!({ "port": 465 })),
    ])
    .await;
    for wrong in [json!(0), json!("0"), json!("smtp"), json!(65_536), json!(-1), json!(25.5)] {
        check([(json!({ "port": wrong }), "error invalid-port /port")]).await;
    }
    check([(json!({ "port": true }), "error wrong-type /port")]).await;
}

#[tokio::test]
pub(crate) async fn secure() {
    let authority = Authority::new();
    let server = Script::new().tls(&authority.localhost().server()).say("220 peer\r\n").ehlo(&[]);
    let members = json!({ "secure": true, "tls": { "ca": authority.pem() } });
    assert!(verify(verified(server), &members).await.tls.is_some_and(|tls| tls.verified));
    let slip = deliver(vec![Script::greeting().stall()], &json!({ "secure": true })).await;
    let hint = slip.expect_err("no TLS").hint().unwrap_or_default().to_owned();
    assert!(hint.contains("set `secure` to false"), "{hint}");
    check_plan([
        (json!({ "port": 465 }), json!({ "tls": "implicit" })),
        (json!({ "port": 587 }), json!({ "tls": "opportunistic-starttls" })),
        (json!({ "port": 465, "secure": false }), json!({ "tls": "opportunistic-starttls" })),
    ])
    .await;
    check([
        (json!({ "secure": "false" }), "error wrong-type /secure"),
        (json!({ "secure": false, "port": 465 }), "warning secure-port-mismatch /secure"),
        (json!({ "secure": true, "port": 25 }), "warning secure-port-mismatch /secure"),
        (json!({ "secure": true, "port": 587 }), "warning secure-port-mismatch /secure"),
        (json!({ "secure": true, "port": 2525 }), "warning secure-port-mismatch /secure"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn url() {
    let script = Script::greeting().on("EHLO mail.example.com", "250-peer\r\n250 AUTH PLAIN\r\n");
    let peer =
        Peer::start(script.on("AUTH PLAIN AHRpbUBhAGEgYg==", "235 welcome\r\n").takes_mail());
    let url = format!("smtp://tim%40a:a%20b@127.0.0.1:{}?name=mail.example.com", peer.port());
    send(9, &json!({ "url": url, "host": "replaced.example" })).await.expect("acceptance");
    peer.finish().await;
    let secured = json!({ "host": "a.example", "port": 465, "tls": "implicit" });
    let service = json!({ "host": "mail.hot.ee", "port": 2525 });
    check_plan([
        (json!({ "url": "smtps://a.example" }), secured),
        (json!({ "url": "smtp://a.example:2525?service=hot.ee", "port": 25 }), service),
        (
            json!({ "url": "smtp:?host=a.example&port=25" }),
            json!({ "host": "a.example", "port": 25 }),
        ),
        (
            json!({ "url": "smtp://a.example?requireTLS=true" }),
            json!({ "tls": "required-starttls" }),
        ),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn url_refused() {
    let url = |url: &str| json!({ "host": null, "url": url });
    let beside = json!({
        "url": "smtp://a.example", "port": 25, "auth": { "user": "ann", "pass": "secret-word" },
    });
    check([
        (beside, "warning no-effect /host, warning no-effect /port, warning no-effect /auth"),
        (
            url("smtp://a.example?tls.rejectUnauthorized=false"),
            "warning certificate-not-verified /url",
        ),
        (url("smtp://a.example?host=b.example"), "warning no-effect /url"),
        (url("smtp://a.example?unheardOf=1"), "warning unknown-key /url"),
        (url("smtp://a.example?auth.user=ann"), "warning unknown-key /url"),
        (url("smtp://a.example/path"), "warning no-effect /url"),
        (url("smtp://a.example?tls.key=x"), "error unsupported /url"),
        (url("smtp://a.example?tls.passphrase=x"), "error unsupported /url"),
        (url("smtp://a.example?proxy=http%3A%2F%2Fu%3Ap%40p.example"), "error unsupported /url"),
        (url("direct:a.example"), "error invalid-url /url"),
        (url("http://a.example"), "error invalid-url /url"),
        (url("smtp://xn--a.example"), "error invalid-host /url"),
        (url("smtp://ren%E9:x@a.example"), "error invalid-url /url"),
        (url("smtp://ann:caf%E9@a.example"), "error invalid-url /url"),
        (url("smtp://a.example?from=ann@b.example"), "warning no-effect /url"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn local_address() {
    let script = Script::greeting().on("EHLO [127.0.0.9]", "250 peer\r\n");
    check_sound(&verify(verified(script), &json!({ "localAddress": "127.0.0.9" })).await);
    let proxy =
        connect(Script::new(), "mx.example:587", None).say("HTTP/1.1 200 ok\r\n\r\n220 mx\r\n");
    let script = proxy.on("EHLO [127.0.0.9]", "250 peer\r\n");
    check_sound(&verify_far(verified(script), &json!({ "localAddress": "127.0.0.9" })).await);
    check([
        (json!({ "localAddress": "eth0" }), "error invalid-address /localAddress"),
        (json!({ "localAddress": "127.0.0.9:25" }), "error invalid-address /localAddress"),
        (json!({ "localAddress": "" }), ""),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn name() {
    for (name, said) in [
        (json!(null), "[127.0.0.1]"),
        (json!("mail.example.com"), "mail.example.com"),
        (json!("192.0.2.1"), "[192.0.2.1]"),
        (json!("2001:db8::1"), "[IPv6:2001:db8::1]"),
        (json!("Bücher.example"), "xn--bcher-kva.example"),
    ] {
        let script = Script::greeting().on(&format!("EHLO {said}"), "250 peer\r\n");
        check_sound(&verify(verified(script), &json!({ "name": name })).await);
    }
    check([
        (json!({ "name": "b\u{200d}.example" }), "error invalid-value /name"),
        (json!({ "name": "my host" }), "error invalid-value /name"),
        (json!({ "name": "a\r\nQUIT" }), "error control-character /name"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn proxy() {
    let asked = connect(Script::new(), "mx.example:587", Some("me@a:p/w"));
    let open = asked.say("HTTP/1.1 200 ok\r\n\r\n220 mx\r\n").ehlo(&[]);
    let url = "http://me%40a:p%2Fw@127.0.0.1:PORT";
    check_sound(&verify_through(verified(open), url, &json!({ "port": null })).await);
    check([
        (json!({ "proxy": "localhost:3128" }), "error invalid-url /proxy"),
        (json!({ "proxy": "p.example" }), "error invalid-url /proxy"),
        (json!({ "proxy": "http://xn--a.example" }), "error invalid-url /proxy"),
        (json!({ "proxy": "http://ren%E9:x@p.example" }), "error invalid-url /proxy"),
        (json!({ "proxy": "http://ann:caf%E9@p.example" }), "error invalid-url /proxy"),
        (json!({ "proxy": "ftp://p.example" }), "error unsupported /proxy"),
        (json!({ "proxy": true }), "error wrong-type /proxy"),
        (json!({ "proxy": "http://p.example/path" }), "warning no-effect /proxy"),
    ])
    .await;
    let none = json!({ "proxy": null });
    check_plan([(json!({ "proxy": false }), none.clone()), (json!({ "proxy": "" }), none)]).await;
}

#[tokio::test]
pub(crate) async fn lmtp() {
    let script =
        Script::greeting().on("LHLO [127.0.0.1]", "250 peer\r\n").on("MAIL *", "250 ok\r\n");
    let script = script.on("RCPT *", "250 ok\r\n").on("DATA", "354 go\r\n").hear_any_content();
    let taken = script.clone().say("250 2.0.0 kept\r\n").quit();
    deliver(vec![taken], &json!({ "lmtp": true })).await.expect("acceptance");
    let full = script.say("552 full\r\n").quit();
    let error = deliver(vec![full], &json!({ "lmtp": true })).await.expect_err("a refusal");
    assert_eq!((error.stage(), error.kind()), (Some(Stage::Content), ErrorKind::Refused));
    check_plan([
        (json!({ "lmtp": true }), json!({ "protocol": "lmtp", "port": 587 })),
        (json!({ "lmtp": true, "secure": true }), json!({ "protocol": "lmtp", "port": 465 })),
        (json!({ "lmtp": false }), json!({ "protocol": "smtp" })),
    ])
    .await;
    let helo = Script::greeting().on("LHLO *", "500 what?\r\n");
    check_end(&verify(helo, &json!({ "lmtp": true })).await, Stage::Ehlo, ErrorKind::Refused);
}

#[tokio::test]
pub(crate) async fn resolver() {
    check_keys("", &["allowInternalNetworkInterfaces", "dnsTtl"], "warning no-effect").await;
}

#[tokio::test]
pub(crate) async fn sockets() {
    check_keys("", &["socket", "connection", "secured", "getSocket"], "warning no-effect").await;
}

#[tokio::test]
pub(crate) async fn other_transports() {
    let keys = ["sendmail", "streamTransport", "jsonTransport", "SES"];
    check_keys("", &keys, "error unsupported").await;
}
