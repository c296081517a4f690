//! The way through a proxy: what it is asked, and what its refusals mean. The peer plays the proxy,
//! and the server behind it once the tunnel is open.

use serde_json::{Value, json};
use smtp_connector::{EgressPolicy, ErrorKind, Options, Receipt, Result, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::{Peer, Script};

use super::{answer, connect, socks5, socks5_request};
use crate::helpers::session::{check_failure, send};
use crate::helpers::tenant;

/// Sends one message to `mx.example:587` through a proxy whose URL the port completes.
async fn through(proxy: Script, url: &str, more: &Value) -> Result<Receipt> {
    let peer = Peer::start(proxy);
    let members =
        json!({ "proxy": url.replace("PORT", &peer.port().to_string()), "host": "mx.example" });
    let outcome = send(587, &tenant::with(members, more)).await;
    peer.finish().await;
    outcome
}

fn greeting(script: Script) -> Script {
    script.say("220 mx ESMTP\r\n").ehlo(&[]).takes_mail()
}

#[tokio::test]
async fn http_proxies_are_asked_to_connect() {
    let open = |script: Script| {
        greeting(script.say("HTTP/1.1 200 Connection established\r\nX-Y: z\r\n\r\n"))
    };
    let url = "http://127.0.0.1:PORT";
    through(open(connect(Script::new(), "mx.example:587", None)), url, &json!({}))
        .await
        .expect("acceptance");
    let login = open(connect(Script::new(), "mx.example:587", Some("me@a:p:w/d")));
    through(login, "http://me%40a:p%3Aw%2Fd@127.0.0.1:PORT", &json!({})).await.expect("acceptance");
    // Any 2xx opens the tunnel, and the server's first words may come with it.
    let eager = connect(Script::new(), "mx.example:587", None)
        .say("HTTP/1.0 201 ok\r\n\r\n220 mx ESMTP\r\n");
    through(eager.ehlo(&[]).takes_mail(), url, &json!({})).await.expect("acceptance");
    let v6 = open(connect(Script::new(), "[2001:db8::1]:587", None));
    through(v6, url, &json!({ "host": "2001:db8::1" })).await.expect("acceptance");
    let named = open(connect(Script::new(), "xn--bcher-kva.example:587", None));
    through(named, url, &json!({ "host": "bücher.example" })).await.expect("acceptance");
}

#[tokio::test]
async fn the_session_inside_a_tunnel_is_secured_for_the_server() {
    let authority = Authority::new();
    let identity = authority.named("mx.example");
    let tunnel = connect(Script::new(), "mx.example:465", None).say("HTTP/1.1 200 ok\r\n\r\n");
    let implicit = greeting(tunnel.tls(&identity.server()));
    let members = json!({ "port": 465, "tls": { "ca": authority.pem() } });
    let receipt = through(implicit, "http://127.0.0.1:PORT", &members).await.expect("acceptance");
    assert!(receipt.tls.is_some_and(|tls| tls.verified));
    let tunnel = socks5(None).hear_octets(socks5_request("mx.example", 587)).say(answer(0));
    let upgraded = tunnel.say("220 mx ESMTP\r\n").ehlo(&["STARTTLS"]).starttls(&identity.server());
    let members = json!({
        "tls": { "ca": authority.pem() }, "auth": { "user": "ann", "pass": "secret-word" },
    });
    let login = upgraded.ehlo(&["AUTH PLAIN"]).on("AUTH PLAIN *", "235 welcome\r\n").takes_mail();
    through(login, "socks5://127.0.0.1:PORT", &members).await.expect("acceptance");
}

#[tokio::test]
async fn an_international_name_is_the_same_for_proxy_and_certificate() {
    let authority = Authority::new();
    let identity = authority.named("xn--bcher-kva.example");
    for host in ["Bücher.example", "bücher.example.", "xn--bcher-kva.example"] {
        let target = if host.ends_with('.') {
            "xn--bcher-kva.example.:465"
        } else {
            "xn--bcher-kva.example:465"
        };
        let tunnel = connect(Script::new(), target, None).say("HTTP/1.1 200 ok\r\n\r\n");
        let script = greeting(tunnel.tls(&identity.server()));
        let members = json!({ "host": host, "port": 465, "tls": { "ca": authority.pem() } });
        let receipt = through(script, "http://127.0.0.1:PORT", &members).await.expect(host);
        assert!(receipt.tls.is_some_and(|tls| tls.verified), "{host}");
    }
    let tunnel = connect(Script::new(), "mx.example:465", None).say("HTTP/1.1 200 ok\r\n\r\n");
    let tls = json!({ "ca": authority.pem(), "servername": "bücher.example" });
    let members = json!({ "port": 465, "tls": tls });
    let named = greeting(tunnel.tls(&identity.server()));
    through(named, "http://127.0.0.1:PORT", &members).await.expect("acceptance");
}

#[tokio::test]
async fn a_proxy_by_https_shows_its_own_certificate() {
    let authority = Authority::new();
    let proxy = authority.localhost().server();
    let open = || {
        let asked = connect(Script::new().tls(&proxy), "mx.example:587", None);
        greeting(asked.say("HTTP/1.1 200 ok\r\n\r\n"))
    };
    let url = "https://localhost:PORT";
    // The name in the server's certificate is not the proxy's.
    let trusted = json!({ "tls": { "ca": authority.pem(), "servername": "other.example" } });
    through(open(), url, &trusted).await.expect("acceptance");
    let any = json!({ "tls": { "rejectUnauthorized": false } });
    through(open(), url, &any).await.expect("acceptance");
    let outcome = through(Script::new().fail_tls(&proxy), url, &json!({})).await;
    let error = check_failure(outcome, Stage::Proxy, ErrorKind::Proxy);
    assert!(error.to_string().contains("the certificate presented for `localhost`"), "{error}");
}

#[tokio::test]
async fn socks_proxies_are_asked_in_their_version() {
    let five = socks5(None).hear_octets(socks5_request("mx.example", 587)).say(answer(0));
    through(greeting(five), "socks5://127.0.0.1:PORT", &json!({})).await.expect("acceptance");
    let login = socks5(Some(("me", "p w"))).say([1, 0]);
    let login = login.hear_octets(socks5_request("mx.example", 587)).say(answer(0));
    through(greeting(login), "socks://me:p%20w@127.0.0.1:PORT", &json!({}))
        .await
        .expect("acceptance");
    let by_address = socks5(None).hear_octets([5, 1, 0, 1, 192, 0, 2, 7, 2, 75]).say(answer(0));
    let members = json!({ "host": "192.0.2.7" });
    through(greeting(by_address), "socks5://127.0.0.1:PORT", &members).await.expect("acceptance");
    let four_a = Script::new().hear_octets(b"\x04\x01\x02\x4b\x00\x00\x00\x01me\0mx.example\0");
    let four_a = greeting(four_a.say([0, 90, 0, 0, 0, 0, 0, 0]));
    through(four_a, "socks4a://me@127.0.0.1:PORT", &json!({})).await.expect("acceptance");
    // The old version takes addresses only: the name is resolved here.
    let four = Script::new().hear_octets([4, 1, 2, 75, 127, 0, 0, 1, 0]);
    let four = greeting(four.say([0, 90, 0, 0, 0, 0, 0, 0]));
    through(four, "socks4://127.0.0.1:PORT", &json!({ "host": "localhost" }))
        .await
        .expect("acceptance");
}

#[tokio::test]
async fn what_a_proxy_refuses_is_told_apart() {
    let http = |reply: &str| connect(Script::new(), "mx.example:587", None).say(reply);
    let asked =
        |code: u8| socks5(None).hear_octets(socks5_request("mx.example", 587)).say(answer(code));
    let socks4 = |code: u8| {
        Script::new()
            .hear_octets(b"\x04\x01\x02\x4b\x00\x00\x00\x01\0mx.example\0")
            .say([0, code, 0, 0, 0, 0, 0, 0])
    };
    let (web, five, four) =
        ("http://127.0.0.1:PORT", "socks5://127.0.0.1:PORT", "socks4a://127.0.0.1:PORT");
    let endless = format!("HTTP/1.1 200 ok\r\n{}", "X-Y: z\r\n".repeat(20_000));
    let cases = [
        (
            http("HTTP/1.1 407 login\r\nContent-Length: 3\r\n\r\nno!"),
            web,
            ErrorKind::Credentials,
            false,
        ),
        (http("HTTP/1.1 403 no\r\n\r\n"), web, ErrorKind::Proxy, false),
        (http("HTTP/1.1 502 bad\r\n\r\n"), web, ErrorKind::Proxy, true),
        (http("HTTP/1.1 302 there\r\nLocation: http://x/\r\n\r\n"), web, ErrorKind::Proxy, false),
        (http("220 mx ESMTP\r\n"), web, ErrorKind::Proxy, true),
        (http(&endless), web, ErrorKind::Proxy, true),
        (connect(Script::new(), "mx.example:587", None).close(), web, ErrorKind::Proxy, true),
        (socks5(None).say([0]).close(), five, ErrorKind::Proxy, true),
        (Script::new().hear_octets([5, 1, 0]).say([5, 255]), five, ErrorKind::Credentials, false),
        (Script::new().hear_octets([5, 1, 0]).say([5, 2]), five, ErrorKind::Credentials, false),
        (Script::new().hear_octets([5, 1, 0]).say("HTTP/1.1 400"), five, ErrorKind::Proxy, false),
        (asked(1), five, ErrorKind::Proxy, true),
        (asked(2), five, ErrorKind::Proxy, false),
        (asked(5), five, ErrorKind::Proxy, true),
        (asked(7), five, ErrorKind::Proxy, false),
        (socks4(91), four, ErrorKind::Proxy, true),
        (socks4(93), four, ErrorKind::Credentials, false),
    ];
    for (index, (script, url, kind, transient)) in cases.into_iter().enumerate() {
        let outcome = through(script, url, &json!({})).await;
        let error = outcome.expect_err("a failure");
        assert_eq!(
            (error.stage(), error.kind()),
            (Some(Stage::Proxy), kind),
            "case {index}: {error}"
        );
        assert_eq!(error.is_transient(), transient, "case {index}: {error}");
    }
    let wrong = socks5(Some(("me", "wrong"))).say([1, 1]);
    let outcome = through(wrong, "socks5://me:wrong@127.0.0.1:PORT", &json!({})).await;
    let error = check_failure(outcome, Stage::Proxy, ErrorKind::Credentials);
    assert!(
        error.hint().is_some_and(|hint| hint.contains("`proxy`"))
            && !error.to_string().contains("wrong")
    );
}

#[tokio::test]
async fn logins_that_the_protocol_cannot_carry_are_refused_before_they_are_sent() {
    let long = "x".repeat(256);
    for url in [
        "socks4a://me%00evil.example@127.0.0.1:PORT".to_owned(),
        format!("socks5://{long}:p@127.0.0.1:PORT"),
    ] {
        let peer = Peer::start(Script::new());
        let members =
            json!({ "proxy": url.replace("PORT", &peer.port().to_string()), "host": "mx.example" });
        let configuration = tenant::with(tenant::configuration(587), &members);
        let connector = tenant::bundled().await;
        match connector.configure_with(&configuration.to_string(), &tenant::local()).await {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Configuration);
                drop(tokio::net::TcpStream::connect(peer.address()).await);
            }
            Ok(mailer) => {
                check_failure(
                    mailer.send(&tenant::sign_in("1")).await,
                    Stage::Proxy,
                    ErrorKind::Configuration,
                );
            }
        }
        peer.finish().await;
    }
}

#[tokio::test]
async fn behind_a_proxy_only_a_host_that_is_this_machine_counts_as_near() {
    let auth = json!({ "user": "ann", "pass": "secret-word" });
    let open = |target: &str| {
        let asked = connect(Script::new(), target, None).say("HTTP/1.1 200 ok\r\n\r\n");
        asked.say("220 mx ESMTP\r\n").ehlo(&["AUTH PLAIN"])
    };
    let url = "http://127.0.0.1:PORT";
    let outcome = through(open("mx.example:587").quit(), url, &json!({ "auth": auth })).await;
    let error = check_failure(outcome, Stage::Starttls, ErrorKind::Credentials);
    assert!(error.hint().is_some_and(|hint| hint.contains("`ignoreTLS: true`")), "{error:?}");
    let login = |script: Script| script.on("AUTH PLAIN *", "235 welcome\r\n").takes_mail();
    for (script, host, ignore) in [
        (login(open("localhost:587")), "localhost", json!(null)),
        (login(open("127.0.0.1:587")), "127.0.0.1", json!(null)),
        (login(open("mx.example:587")), "mx.example", json!(true)),
    ] {
        let members = json!({ "auth": auth, "host": host, "ignoreTLS": ignore });
        through(script, url, &members).await.unwrap_or_else(|error| panic!("{host}: {error}"));
    }
}

#[tokio::test]
async fn the_policy_judges_the_proxy_and_the_target_as_written() {
    let cases = [
        ("http://127.0.0.1:9", "mx.example", "public", "127.0.0.1"),
        ("http://192.0.32.8:9", "localhost", "public", "localhost"),
        ("socks5://192.0.32.8:9", "10.0.0.1", "public", "10.0.0.1"),
        ("http://127.0.0.1:9", "mx.example", "127.0.0.1", "mx.example"),
        ("http://127.0.0.1:9", "mx.example", "mx.example", "127.0.0.1"),
        ("socks4://127.0.0.1:9", "localhost", "public", "127.0.0.1"),
    ];
    let connector = tenant::bundled().await;
    for (proxy, host, policy, named) in cases {
        let mut configuration = tenant::configuration(587);
        (configuration["proxy"], configuration["host"]) = (json!(proxy), json!(host));
        let policy: EgressPolicy = policy.parse().expect("a policy");
        let options = Options::default().egress(policy);
        let mailer =
            connector.configure_with(&configuration.to_string(), &options).await.expect("a mailer");
        let error = mailer.send(&tenant::sign_in("1")).await.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Egress, "{proxy} {host}: {error}");
        assert!(
            error.to_string().contains(named) && !error.is_transient(),
            "{proxy} {host}: {error}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_one_of_the_proxy() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("it is bound").port()
    };
    let members = |url: String| json!({ "proxy": url, "host": "mx.example" });
    let outcome = send(587, &members(format!("http://127.0.0.1:{port}"))).await;
    assert!(check_failure(outcome, Stage::Proxy, ErrorKind::Proxy).is_transient());
    let outcome = send(587, &members(format!("http://proxy.invalid:{port}"))).await;
    check_failure(outcome, Stage::Proxy, ErrorKind::Dns);
}
