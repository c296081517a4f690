//! Refresh tokens that a token endpoint replaces, kept in the connectors of the API.

use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector_tests::peer::Peer;
use smtp_connector_tests::real;
use smtp_connector_tests::served::Client;
use smtp_connector_tests::token_endpoint::{Answer, TokenEndpoint};

use super::{Site, end_of, message};
use crate::helpers::tenant;
use crate::oauth2::{accepting, refresh};

const SHOP: &str = "/v1/connectors/shop";

/// A token that has to be renewed for each session, and a new refresh token.
fn rotating(token: &str, refresh_token: &str) -> Answer {
    let document = json!({
        "access_token": token, "expires_in": 1, "refresh_token": refresh_token,
    });
    Answer::json(200, &document)
}

/// An endpoint that gives so many tokens, from `token-1` with `refresh-2` on, a relay that takes
/// them, and the configuration for both.
fn shop(count: usize) -> (TokenEndpoint, Peer, Value) {
    let numbers = 1..=count;
    let answers = numbers
        .clone()
        .map(|number| rotating(&format!("token-{number}"), &format!("refresh-{}", number + 1)));
    let endpoint = TokenEndpoint::start(answers.collect());
    let scripts = numbers.map(|number| accepting(&format!("token-{number}")));
    let peer = Peer::start_all(scripts.collect());
    let members = tenant::with(refresh(&endpoint, &json!({})), &json!({ "ignoreTLS": null }));
    let configuration = tenant::with(tenant::configuration(peer.port()), &members);
    (endpoint, peer, configuration)
}

/// Checks that each refresh token was used once, as it was given.
#[track_caller]
fn check_used(endpoint: &TokenEndpoint, count: usize) {
    let asked = endpoint.asked();
    let used: Vec<_> = asked.iter().filter_map(|asked| asked.field("refresh_token")).collect();
    let given: Vec<_> = (1..=count).map(|number| format!("refresh-{number}")).collect();
    assert_eq!(used, given);
}

async fn send(client: &Client) {
    let path = format!("{SHOP}/messages");
    let sent = client.post(&path, &[], &message("jo@example.org", "482913")).await.json();
    let known = end_of(client, sent["id"].as_str().expect("an id")).await;
    assert_eq!(known["state"], "accepted", "{known:#}");
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_outlives_the_process() {
    let (endpoint, peer, configuration) = shop(3);
    let site = Site::new();
    let first = site.serve(&[]);
    let client = first.administrator(site.path());
    let put = client.ask("PUT", SHOP, &[], configuration.to_string().as_bytes()).await;
    let made = put.expect("an answer");
    assert_eq!(made.status, 201, "{made:#?}");
    // The mailer goes on, and so does the token.
    for _ in 0..2 {
        let before = client.get(SHOP).await.header("etag").map(str::to_owned);
        send(&client).await;
        while client.get(SHOP).await.header("etag") == before.as_deref() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let shown = client.get(SHOP).await;
    assert_eq!(shown.json()["document"]["configuration"]["auth"]["refreshToken"], "***");
    assert!(!shown.body.contains("refresh-"), "{shown:#?}");
    first.kill();
    let kept = std::fs::read(site.path().join("queue.db")).expect("the store is a file");
    assert!(!kept.windows(8).any(|window| window == b"refresh-"), "it is sealed");
    let second = site.serve(&[]);
    send(&second.administrator(site.path())).await;
    peer.finish().await;
    check_used(&endpoint, 3);
}

#[tokio::test]
async fn a_file_cannot_follow_a_refresh_token_and_the_log_says_so() {
    let (endpoint, peer, configuration) = shop(2);
    let site = Site::new();
    site.connector("shop", &configuration);
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    for _ in 0..2 {
        send(&client).await;
    }
    peer.finish().await;
    check_used(&endpoint, 2);
    let warned = |line: &String| line.contains("WARN") && line.contains("which a file cannot");
    let log = served.log();
    assert!(log.iter().any(|line| warned(line) && line.contains("shop")), "{log:#?}");
    assert!(!log.join("").contains("refresh-"), "{log:#?}");
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn two_processes_go_on_with_one_refresh_token() {
    let (endpoint, peer, configuration) = shop(8);
    let (site, place) = (Site::new(), real::Site::new());
    let database = real::Postgresql::start(&place);
    let start = || site.serve_shared(&database.url());
    let served = [start(), start()];
    let clients = served.each_ref().map(|one| one.administrator(site.path()));
    let put = clients[0].ask("PUT", SHOP, &[], configuration.to_string().as_bytes()).await;
    let mut version = put.expect("an answer").header("etag").map(str::to_owned);
    for _ in 0..8 {
        for client in &clients {
            while client.get(SHOP).await.header("etag") != version.as_deref() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        // Either of them may carry it.
        send(&clients[0]).await;
        while clients[0].get(SHOP).await.header("etag") == version.as_deref() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        version = clients[0].get(SHOP).await.header("etag").map(str::to_owned);
    }
    peer.finish().await;
    check_used(&endpoint, 8);
}
