//! Refresh tokens that a token endpoint replaces, kept in the connectors of the API.

use std::time::Duration;

use serde_json::json;
use smtp_connector_tests::peer::Peer;
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

async fn send(client: &Client) {
    let path = format!("{SHOP}/messages");
    let sent = client.post(&path, &[], &message("jo@example.org", "482913")).await.json();
    let known = end_of(client, sent["id"].as_str().expect("an id")).await;
    assert_eq!(known["state"], "accepted", "{known:#}");
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_outlives_the_process() {
    let answers = [("token-1", "refresh-2"), ("token-2", "refresh-3"), ("token-3", "refresh-4")];
    let endpoint = TokenEndpoint::start(answers.map(|(token, next)| rotating(token, next)).into());
    let peer = Peer::start_all(answers.map(|(token, _)| accepting(token)).to_vec());
    let members = tenant::with(refresh(&endpoint, &json!({})), &json!({ "ignoreTLS": null }));
    let configuration = tenant::with(tenant::configuration(peer.port()), &members);
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
    let used: Vec<_> =
        endpoint.asked().iter().filter_map(|asked| asked.field("refresh_token")).collect();
    assert_eq!(used, ["refresh-1", "refresh-2", "refresh-3"]);
}
