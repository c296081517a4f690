//! Fallback: mail that a connector's own relay cannot take goes through another connector's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smtp_connector_catch_all::{CatchAll, Credentials, Options, Security};
use smtp_connector_tests::faulty::{FaultyServer, Misdeed, Place};
use smtp_connector_tests::served::{Client, Served};

use super::{ACME, Site, check_problem, end_of, message};
use crate::helpers::command::configuration;

/// A relay that takes all mail.
async fn relay() -> CatchAll {
    let options = Options::default().security(Security::Plaintext);
    CatchAll::start(options).await.expect("it starts")
}

fn with_fallback(configuration: &Value, fallback: &[&str]) -> Value {
    json!({ "configuration": configuration, "fallback": fallback })
}

/// A service with the connector `acme`, which names `backup`, whose relay takes all mail.
async fn served(own: &Value) -> (CatchAll, Site, Served, Client) {
    let backup = relay().await;
    let site = Site::new();
    site.connector("acme", &with_fallback(own, &["backup"]));
    site.connector("backup", &configuration(backup.address().port(), &json!({})));
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    (backup, site, served, client)
}

async fn send(client: &Client, to: &str) -> Value {
    let queued = client.post(ACME, &[], &message(to, "482913")).await;
    assert_eq!(queued.status, 202, "{queued:#?}");
    end_of(client, queued.json()["id"].as_str().expect("an id")).await
}

/// Has a message queued and waits until this holds of it; gives its name.
async fn queue_until(client: &Client, holds: impl Fn(&Value) -> bool) -> String {
    let queued = client.post(ACME, &[], &message("jo@example.org", "482913")).await.json();
    let id = queued["id"].as_str().expect("an id").to_owned();
    while !holds(&client.get(&format!("/v1/messages/{id}")).await.json()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    id
}

#[tokio::test]
async fn a_relay_that_is_down_is_passed_by_and_tried_again_when_it_may_be_back() {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = is_down.clone();
    let own = FaultyServer::choosing(move |place, _| {
        (place == Place::Greeting && down.load(Ordering::SeqCst)).then_some(Misdeed::RefuseForNow)
    });
    let own = configuration(own.port(), &json!({}));
    let (backup, _site, _served, client) = served(&own).await;
    let first = send(&client, "u0@example.org").await;
    assert_eq!((&first["state"], &first["through"]), (&json!("accepted"), &json!("backup")));
    assert_eq!((&first["connector"], &first["attempts"]), (&json!("acme"), &json!(2)));
    let caught = String::from_utf8_lossy(&backup.next().await.bytes).into_owned();
    assert!(caught.contains(first["messageId"].as_str().expect("a Message-ID")), "{caught}");
    assert!(caught.contains("no-reply@example.com"), "the author is its own: {caught}");
    // After some failures nobody tries it any more, but for one message now and then.
    let mut passed_by = 0;
    for number in 1..20 {
        let known = send(&client, &format!("u{number}@example.org")).await;
        assert_eq!((&known["state"], &known["through"]), (&json!("accepted"), &json!("backup")));
        passed_by += usize::from(known["attempts"] == 1);
    }
    assert!(passed_by >= 8, "{passed_by}");
    assert_eq!(backup.caught().len(), 20);
    is_down.store(false, Ordering::SeqCst);
    let mut number = 20;
    while send(&client, &format!("u{number}@example.org")).await["through"] != "acme" {
        number += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(number < 400, "the circuit closes again");
    }
    let next = send(&client, "jo@example.org").await;
    assert_eq!((&next["through"], &next["attempts"]), (&json!("acme"), &json!(1)));
}

#[tokio::test]
async fn a_login_that_is_refused_and_a_refusal_for_now_go_elsewhere() {
    let options = Options::default().credentials(Credentials::new("mailer", "open-sesame"));
    let strict = CatchAll::start(options).await.expect("it starts");
    let wrong = configuration(
        strict.address().port(),
        &json!({
            "requireTLS": true, "auth": { "user": "mailer", "pass": "wrong-secret-1" },
            "tls": { "ca": strict.certificate_pem() },
        }),
    );
    let greylisting =
        FaultyServer::choosing(|place, _| (place == Place::Rcpt).then_some(Misdeed::RefuseForNow));
    for own in [wrong, configuration(greylisting.port(), &json!({}))] {
        let (backup, _site, _served, client) = served(&own).await;
        let known = send(&client, "jo@example.org").await;
        assert_eq!((&known["state"], &known["through"]), (&json!("accepted"), &json!("backup")));
        assert_eq!(known["attempts"], 2);
        assert_eq!(backup.caught().len(), 1);
        assert!(!known.to_string().contains("wrong-secret-1"));
    }
}

#[tokio::test]
async fn a_relay_that_says_nothing_is_not_waited_for_as_long_as_it_may_take() {
    let silent =
        FaultyServer::choosing(|place, _| (place == Place::Greeting).then_some(Misdeed::Stall));
    let patient = json!({ "connectionTimeout": 120_000, "greetingTimeout": 120_000 });
    let (backup, _site, _served, client) = served(&configuration(silent.port(), &patient)).await;
    let begun = Instant::now();
    let known = send(&client, "jo@example.org").await;
    assert_eq!((&known["state"], &known["through"]), (&json!("accepted"), &json!("backup")));
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert_eq!(backup.caught().len(), 1);
}

#[tokio::test]
async fn what_was_said_or_refused_for_good_goes_nowhere_else() {
    let by_name = |place, recipient: &str| match (place, recipient) {
        (Place::Rcpt, "never@example.org") => Some(Misdeed::RefuseForGood),
        (Place::Dot, "lost@example.org") => Some(Misdeed::Close),
        _ => None,
    };
    let own = FaultyServer::choosing(by_name);
    let (backup, _site, _served, client) = served(&configuration(own.port(), &json!({}))).await;
    for (to, state) in [("never@example.org", "refused"), ("lost@example.org", "ambiguous")] {
        let known = send(&client, to).await;
        assert_eq!((&known["state"], &known["through"]), (&json!(state), &json!("acme")));
        assert_eq!(known["attempts"], 1);
    }
    assert!(backup.caught().is_empty());
}

#[tokio::test]
async fn two_relays_that_are_down_are_tried_in_turn_until_one_is_back() {
    let site = Site::new();
    site.connector("acme", &with_fallback(&configuration(1, &json!({})), &["backup"]));
    site.connector("backup", &with_fallback(&configuration(1, &json!({})), &["acme"]));
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    let id = queue_until(&client, |known| known["attempts"].as_i64() >= Some(4)).await;
    let backup = relay().await;
    let back = configuration(backup.address().port(), &json!({}));
    site.connector("backup", &with_fallback(&back, &["acme"]));
    let known = end_of(&client, &id).await;
    assert_eq!((&known["state"], &known["through"]), (&json!("accepted"), &json!("backup")));
    assert_eq!(backup.caught().len(), 1);
}

#[tokio::test]
async fn what_waits_for_a_fallback_that_goes_returns_to_its_own_relay() {
    // What goes through it stays there for a while.
    let silent =
        FaultyServer::choosing(|place, _| (place == Place::Greeting).then_some(Misdeed::Stall));
    let site = Site::new();
    site.connector("acme", &with_fallback(&configuration(1, &json!({})), &["backup"]));
    let impatient = json!({ "greetingTimeout": 1000 });
    site.connector("backup", &configuration(silent.port(), &impatient));
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    let id = queue_until(&client, |known| known["through"] == "backup").await;
    std::fs::remove_file(site.connectors().join("backup.json")).expect("the folder is ours");
    let own = relay().await;
    let back = configuration(own.address().port(), &json!({}));
    site.connector("acme", &with_fallback(&back, &["backup"]));
    let known = end_of(&client, &id).await;
    assert_eq!((&known["state"], &known["through"]), (&json!("accepted"), &json!("acme")));
    assert_eq!(own.caught().len(), 1);
}

#[tokio::test]
async fn a_fallback_of_the_api_names_connectors_that_there_are() {
    let site = Site::new();
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    let put = async |name: &str, document: &Value| {
        let path = format!("/v1/connectors/{name}");
        client.ask("PUT", &path, &[], document.to_string().as_bytes()).await.expect("an answer")
    };
    let closed = configuration(1, &json!({}));
    for names in [vec!["shop"], vec!["none"], vec!["b c"]] {
        let problem =
            check_problem(&put("shop", &with_fallback(&closed, &names)).await, 422, "unfit");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains(names[0]), "{detail}");
    }
    let backup = relay().await;
    let open = configuration(backup.address().port(), &json!({}));
    assert_eq!(put("backup", &open).await.status, 201);
    let made = put("shop", &with_fallback(&closed, &["backup"])).await;
    assert_eq!((made.status, &made.json()["warnings"]), (201, &json!([])), "{made:#?}");
    assert_eq!(made.json()["document"]["fallback"], json!(["backup"]));
    // One that goes later is passed over, and said to be.
    let deleted = client.ask("DELETE", "/v1/connectors/backup", &[], b"").await;
    assert_eq!(deleted.expect("an answer").status, 204);
    let shown = client.get("/v1/connectors/shop").await.json();
    assert_eq!(shown["warnings"][0]["code"], "unknown-connector", "{shown:#}");
    let mut late = message("jo@example.org", "482913");
    late["deadline"] = json!("1s");
    let path = "/v1/connectors/shop/messages";
    let sent = client.post(path, &[], &late).await.json();
    let known = end_of(&client, sent["id"].as_str().expect("an id")).await;
    assert_eq!((&known["state"], &known["through"]), (&json!("expired"), &json!("shop")));
    assert_eq!(known["error"]["unknownFallback"], json!(["backup"]), "{known:#}");
}
