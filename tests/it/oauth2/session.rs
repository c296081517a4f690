//! Access tokens: where they come from, how long they are kept, and what happens when a server
//! refuses one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use smtp_connector::{EgressPolicy, ErrorKind, Options, Receipt, Result, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::token_endpoint::{Answer, TokenEndpoint};
use tokio::task::JoinSet;

use super::{USER, accepting, offering, refresh, refusing, xoauth2};
use crate::helpers::session::{check_failure, deliver, mailer, send};
use crate::helpers::tenant;

/// Sends so many messages at the same time.
async fn send_at_once(count: usize, port: u16, members: &Value) -> Vec<Result<Receipt>> {
    let mailer = Arc::new(mailer(port, members).await);
    let mut sends = JoinSet::new();
    for _ in 0..count {
        let mailer = mailer.clone();
        sends.spawn(async move { mailer.send(&tenant::sign_in("482913")).await });
    }
    sends.join_all().await
}

#[tokio::test]
async fn a_refresh_token_obtains_a_token_that_is_kept() {
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let peer = Peer::start_all(vec![accepting("token-1"), accepting("token-1")]);
    let mailer = mailer(peer.port(), &refresh(&endpoint, &json!({ "scope": "mail.send" }))).await;
    for _ in 0..2 {
        mailer.send(&tenant::sign_in("482913")).await.expect("acceptance");
    }
    peer.finish().await;
    let asked = endpoint.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].line, "POST /token HTTP/1.1");
    assert_eq!(asked[0].header("content-type"), ["application/x-www-form-urlencoded"]);
    let expected = "client_id=client-1&client_secret=client-secret-1&refresh_token=refresh-1&\
                    grant_type=refresh_token&scope=mail.send";
    assert_eq!(asked[0].body, expected);
}

#[tokio::test]
async fn client_credentials_obtain_a_token() {
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let more = json!({ "refreshToken": null, "scope": "https://outlook.office365.com/.default" });
    deliver(vec![accepting("token-1")], &refresh(&endpoint, &more)).await.expect("acceptance");
    let asked = &endpoint.asked()[0];
    assert_eq!(asked.field("grant_type").as_deref(), Some("client_credentials"));
    assert_eq!(asked.field("scope").as_deref(), Some("https://outlook.office365.com/.default"));
}

#[tokio::test]
async fn the_configuration_adds_and_replaces_fields_of_the_request() {
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let more = json!({
        "customParams": { "resource": "mail & more", "grant_type": "custom", "n": 5 },
        "customHeaders": { "X-Tenant": "acme", "Accept": "text/plain" },
    });
    deliver(vec![accepting("token-1")], &refresh(&endpoint, &more)).await.expect("acceptance");
    let asked = &endpoint.asked()[0];
    assert_eq!(asked.field("resource").as_deref(), Some("mail & more"));
    assert_eq!(asked.field("grant_type").as_deref(), Some("custom"));
    assert_eq!(asked.field("n").as_deref(), Some("5"));
    assert_eq!(asked.body.matches("grant_type").count(), 1);
    assert_eq!(
        (asked.header("x-tenant"), asked.header("accept")),
        (vec!["acme"], vec!["text/plain"])
    );
}

#[tokio::test]
async fn one_request_serves_all_who_wait() {
    const WAITING: usize = 4;
    let slowly = Answer::After(Duration::from_millis(200), Box::new(Answer::token("token-1")));
    let endpoint = TokenEndpoint::start(vec![slowly]);
    let peer = Peer::start_all(vec![accepting("token-1"); WAITING]);
    for outcome in send_at_once(WAITING, peer.port(), &refresh(&endpoint, &json!({}))).await {
        outcome.expect("acceptance");
    }
    peer.finish().await;
    assert_eq!(endpoint.asked().len(), 1);
}

#[tokio::test]
async fn one_refusal_of_the_endpoint_is_told_to_all_who_wait() {
    const WAITING: usize = 3;
    let refusal =
        Answer::json(400, &json!({ "error": "invalid_grant", "error_description": "revoked" }));
    let endpoint =
        TokenEndpoint::start(vec![Answer::After(Duration::from_millis(300), Box::new(refusal))]);
    let peer = Peer::start_all(vec![offering().quit(); WAITING]);
    for outcome in send_at_once(WAITING, peer.port(), &refresh(&endpoint, &json!({}))).await {
        let error = check_failure(outcome, Stage::Auth, ErrorKind::Credentials);
        assert_eq!(error.to_string(), "the token endpoint refuses: invalid_grant: revoked");
        assert!(error.hint().is_some_and(|hint| hint.contains("refresh token")), "{error:?}");
    }
    peer.finish().await;
    assert_eq!(endpoint.asked().len(), 1);
}

#[tokio::test]
async fn a_dropped_send_leaves_the_request_for_the_next_one() {
    let slowly = Answer::After(Duration::from_millis(300), Box::new(Answer::token("token-1")));
    let endpoint = TokenEndpoint::start(vec![slowly]);
    let peer = Peer::start_all(vec![offering(), accepting("token-1")]);
    let mailer = mailer(peer.port(), &refresh(&endpoint, &json!({}))).await;
    let request = tenant::sign_in("482913");
    let dropped = tokio::time::timeout(Duration::from_millis(100), mailer.send(&request)).await;
    assert!(dropped.is_err(), "the endpoint is slow");
    mailer.send(&request).await.expect("acceptance");
    peer.finish().await;
    assert_eq!(endpoint.asked().len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let answers = vec![Answer::token("token-1"), Answer::token("token-2")];
    let after_334 =
        refusing(offering(), "token-1").on(&xoauth2("token-2"), "235 welcome\r\n").takes_mail();
    let at_once = offering().on(&xoauth2("token-1"), "535 5.7.3 no\r\n");
    let at_once = at_once.on(&xoauth2("token-2"), "235 welcome\r\n").takes_mail();
    for script in [after_334, at_once] {
        let endpoint = TokenEndpoint::start(answers.clone());
        deliver(vec![script], &refresh(&endpoint, &json!({}))).await.expect("acceptance");
        assert_eq!(endpoint.asked().len(), 2);
    }
    let endpoint = TokenEndpoint::start(answers);
    let twice = refusing(refusing(offering(), "token-1"), "token-2").quit();
    let outcome = deliver(vec![twice], &refresh(&endpoint, &json!({}))).await;
    let error = check_failure(outcome, Stage::Auth, ErrorKind::Credentials);
    assert_eq!(error.reply().map(|reply| reply.code), Some(535));
    assert!(error.to_string().contains(r#""status":"401""#), "{error}");
    assert_eq!(endpoint.asked().len(), 2);
}

#[tokio::test]
async fn a_given_token_is_used_as_long_as_it_lasts() {
    let unasked = TokenEndpoint::start(vec![Answer::Silence]);
    for expires in [json!(null), json!(4_102_444_800_000_u64)] {
        let more = json!({ "accessToken": "given-token", "expires": expires });
        let outcome = deliver(vec![accepting("given-token")], &refresh(&unasked, &more)).await;
        outcome.unwrap_or_else(|error| panic!("{expires}: {error}"));
    }
    assert!(unasked.asked().is_empty());
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let expired = json!({ "accessToken": "given-token", "expires": 1_500_000_000_000_u64 });
    deliver(vec![accepting("token-1")], &refresh(&endpoint, &expired)).await.expect("acceptance");
}

#[tokio::test]
async fn a_token_that_nothing_can_renew_is_used_to_the_end() {
    let auth = json!({
        "type": "OAuth2", "user": USER, "accessToken": "given-token",
        "expires": 1_500_000_000_000_u64,
    });
    let members = json!({ "auth": auth });
    deliver(vec![accepting("given-token")], &members).await.expect("acceptance");
    let refused = refusing(offering(), "given-token").quit();
    check_failure(deliver(vec![refused], &members).await, Stage::Auth, ErrorKind::Credentials);
}

#[tokio::test]
async fn a_token_is_known_without_a_type() {
    let members = json!({ "auth": { "user": USER, "accessToken": "given-token" } });
    deliver(vec![accepting("given-token")], &members).await.expect("acceptance");
}

#[tokio::test]
async fn the_mechanism_follows_the_offer_and_the_configuration() {
    let user = "a=b,c@acme.test";
    let members = |more: Value| {
        let auth = json!({ "user": user, "accessToken": "given-token" });
        json!({ "auth": tenant::with(auth, &more) })
    };
    let bearer = |port: u16| {
        let message = format!(
            "n,a=a=3Db=2Cc@acme.test,\u{1}host=127.0.0.1\u{1}port={port}\u{1}auth=Bearer \
            given-token\u{1}\u{1}"
        );
        format!("AUTH OAUTHBEARER {}", STANDARD.encode(message))
    };
    for (offer, more) in
        [("AUTH OAUTHBEARER", json!({})), ("AUTH XOAUTH2", json!({ "method": "OAUTHBEARER" }))]
    {
        let script =
            Script::offering(&[offer]).on("AUTH OAUTHBEARER *", "235 welcome\r\n").takes_mail();
        let peer = Peer::start(script);
        send(peer.port(), &members(more)).await.expect("acceptance");
        let expected = bearer(peer.port());
        let said = String::from_utf8_lossy(&peer.finish().await[0].received).into_owned();
        assert!(said.lines().any(|line| line == expected), "{said}");
    }
    // Some servers take it without offering it.
    for offer in ["AUTH PLAIN", "AUTH XOAUTH2 OAUTHBEARER"] {
        let script =
            Script::offering(&[offer]).on("AUTH XOAUTH2 *", "235 welcome\r\n").takes_mail();
        deliver(vec![script], &members(json!({}))).await.expect("acceptance");
    }
}

#[tokio::test]
async fn oauthbearer_acknowledges_a_refusal() {
    let script = Script::offering(&["AUTH OAUTHBEARER"]).on("AUTH OAUTHBEARER *", "334 e30=\r\n");
    let script = script.on("AQ==", "535 no\r\n").quit();
    let members = json!({ "auth": { "user": USER, "accessToken": "given-token" } });
    check_failure(deliver(vec![script], &members).await, Stage::Auth, ErrorKind::Credentials);
}

#[tokio::test]
async fn a_replaced_refresh_token_is_handed_over_and_used() {
    let rotating = |token: &str, refresh_token: &str| {
        Answer::json(
            200,
            &json!({ "access_token": token, "expires_in": 1, "refresh_token": refresh_token }),
        )
    };
    let endpoint = TokenEndpoint::start(vec![
        rotating("token-1", "refresh-1"),
        rotating("token-2", "refresh-2"),
        rotating("token-3", "refresh-3"),
    ]);
    let peer = Peer::start_all(["token-1", "token-2", "token-3"].map(accepting).to_vec());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeper = kept.clone();
    let options = Options::default().egress(EgressPolicy::any()).on_rotated_token(move |rotated| {
        let shown = format!("{rotated:?}");
        assert!(!shown.contains("refresh-"), "{shown}");
        keeper.lock().expect("no panic").push(format!("{} {}", rotated.user(), rotated.expose()));
    });
    let mut configuration = tenant::configuration(peer.port());
    configuration["pool"] = json!(false);
    configuration["auth"] = refresh(&endpoint, &json!({}))["auth"].take();
    configuration.as_object_mut().expect("an object").remove("ignoreTLS");
    let connector = tenant::bundled().await;
    let mailer =
        connector.configure_with(&configuration.to_string(), &options).await.expect("a mailer");
    for _ in 0..3 {
        mailer.send(&tenant::sign_in("482913")).await.expect("acceptance");
    }
    peer.finish().await;
    let used: Vec<_> =
        endpoint.asked().iter().filter_map(|asked| asked.field("refresh_token")).collect();
    assert_eq!(used, ["refresh-1", "refresh-1", "refresh-2"]);
    assert_eq!(
        *kept.lock().expect("no panic"),
        [format!("{USER} refresh-2"), format!("{USER} refresh-3")]
    );
}

#[tokio::test]
async fn a_refresh_token_of_another_process_is_taken() {
    let endpoint = TokenEndpoint::start(vec![Answer::token("token-1")]);
    let peer = Peer::start_all(vec![accepting("token-1")]);
    let members = tenant::with(refresh(&endpoint, &json!({})), &json!({ "ignoreTLS": null }));
    let configuration = tenant::with(tenant::configuration(peer.port()), &members);
    let options = Options::default().egress(EgressPolicy::any());
    let connector = tenant::bundled().await;
    let mailer = connector.configure_with(&configuration.to_string(), &options).await;
    let mailer = mailer.expect("a mailer");
    mailer.take_refresh_token("refresh-9").await;
    mailer.send(&tenant::sign_in("482913")).await.expect("acceptance");
    peer.finish().await;
    assert_eq!(endpoint.asked()[0].field("refresh_token").as_deref(), Some("refresh-9"));
}

#[tokio::test]
async fn what_an_endpoint_answers_is_told_apart() {
    let error = |status, code: &str| Answer::json(status, &json!({ "error": code }));
    let plain =
        |status: u16| Answer::Octets(format!("HTTP/1.1 {status} x\r\nContent-Length: 2\r\n\r\nno"));
    let cases = [
        (error(401, "invalid_client"), ErrorKind::Credentials),
        (error(200, "invalid_grant"), ErrorKind::Credentials),
        (error(400, "temporarily_unavailable"), ErrorKind::Temporary),
        (error(503, "busy"), ErrorKind::Temporary),
        (plain(503), ErrorKind::Temporary),
        (plain(429), ErrorKind::Temporary),
        (plain(404), ErrorKind::Protocol),
        (plain(200), ErrorKind::Protocol),
        (Answer::json(200, &json!({ "token_type": "Bearer" })), ErrorKind::Protocol),
        (Answer::json(200, &json!({ "access_token": "a b\r\nc" })), ErrorKind::Protocol),
        (Answer::json(200, &json!(["access_token"])), ErrorKind::Protocol),
        (Answer::redirect(307, "https://elsewhere.test/token"), ErrorKind::Protocol),
        (Answer::redirect(302, "//elsewhere.test/token"), ErrorKind::Protocol),
        (Answer::redirect(307, "/token"), ErrorKind::Protocol),
        (Answer::Octets("HTTP/1.1 200 x\r\n".to_owned()), ErrorKind::Lost),
        (Answer::Octets("nonsense\r\n\r\n".to_owned()), ErrorKind::Lost),
        (
            Answer::Octets(format!("HTTP/1.1 200 x\r\n{}\r\n", "X: y\r\n".repeat(100_000))),
            ErrorKind::Lost,
        ),
        (Answer::json(200, &json!({ "x": "y".repeat(1 << 20) })), ErrorKind::Protocol),
    ];
    for (answer, kind) in cases {
        let case = format!("{answer:.100?}");
        let endpoint = TokenEndpoint::start(vec![answer]);
        let outcome = deliver(vec![offering().quit()], &refresh(&endpoint, &json!({}))).await;
        let error = outcome.expect_err(&case);
        assert_eq!((error.stage(), error.kind()), (Some(Stage::Auth), kind), "{case}: {error}");
        assert_eq!(
            error.is_transient(),
            matches!(kind, ErrorKind::Temporary | ErrorKind::Lost),
            "{case}"
        );
        assert!(!error.to_string().contains("client-secret-1"), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_within_the_server_is_followed() {
    let endpoint = TokenEndpoint::start(vec![
        Answer::redirect(308, "/oauth2/token"),
        Answer::token("token-1"),
    ]);
    deliver(vec![accepting("token-1")], &refresh(&endpoint, &json!({}))).await.expect("acceptance");
    let asked = endpoint.asked();
    assert_eq!(
        (asked[0].line.as_str(), asked[1].line.as_str()),
        ("POST /token HTTP/1.1", "POST /oauth2/token HTTP/1.1")
    );
    assert_eq!(asked[0].body, asked[1].body);
}

#[tokio::test]
async fn an_endpoint_by_https_needs_a_trusted_certificate() {
    let authority = Authority::new();
    let start = || {
        TokenEndpoint::start_tls(&authority.localhost().server(), vec![Answer::token("token-1")])
    };
    let endpoint = start();
    let trusted = json!({ "tls": { "ca": authority.pem() } });
    deliver(vec![accepting("token-1")], &refresh(&endpoint, &trusted)).await.expect("acceptance");
    let endpoint = start();
    let any = json!({ "tls": { "rejectUnauthorized": false } });
    deliver(vec![accepting("token-1")], &refresh(&endpoint, &any)).await.expect("acceptance");
    let endpoint = start();
    let outcome = deliver(vec![offering().quit()], &refresh(&endpoint, &json!({}))).await;
    let error = check_failure(outcome, Stage::Auth, ErrorKind::Tls);
    assert!(
        error
            .to_string()
            .starts_with("the token endpoint: the certificate presented for `localhost`")
    );
}

#[tokio::test]
async fn an_endpoint_that_is_down_may_be_up_later() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("it is bound").port()
    };
    let auth = json!({
        "user": USER, "clientId": "c", "refreshToken": "refresh-1",
        "accessUrl": format!("http://127.0.0.1:{port}/token"),
    });
    let outcome = deliver(vec![offering().quit()], &json!({ "auth": auth })).await;
    assert!(check_failure(outcome, Stage::Auth, ErrorKind::Connect).is_transient());
}

#[tokio::test]
async fn a_lost_connection_during_the_login_is_told() {
    let script = offering().hear(&xoauth2("given-token")).close();
    let members = json!({ "auth": { "user": USER, "accessToken": "given-token" } });
    check_failure(deliver(vec![script], &members).await, Stage::Auth, ErrorKind::Lost);
}
