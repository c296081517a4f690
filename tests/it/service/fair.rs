//! Connectors side by side: a flood of one, a relay that is down and one that does not answer delay
//! nobody else.

use std::time::{Duration, Instant};

use serde_json::json;
use smtp_connector_catch_all::{CatchAll, Options, Security};
use smtp_connector_tests::faulty::{FaultyServer, Misdeed, Place};

use super::{ACME, Site, message};
use crate::helpers::command::configuration;

/// How many messages each of those sends that are in the way.
const FLOOD: usize = 150;

/// How long a message may take that somebody waits for, on a machine that has much else to do.
const PROMPT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn nobody_waits_for_a_flood_a_dead_relay_or_a_silent_one() {
    let options = Options::default().security(Security::Plaintext);
    let relay = CatchAll::start(options).await.expect("it starts");
    let silent =
        FaultyServer::choosing(|place, _| (place == Place::Mail).then_some(Misdeed::Stall));
    let site = Site::new();
    site.connector("acme", &configuration(relay.address().port(), &json!({})));
    site.connector("flood", &configuration(relay.address().port(), &json!({})));
    site.connector("dead", &configuration(1, &json!({})));
    site.connector("silent", &configuration(silent.port(), &json!({})));
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    for name in ["flood", "dead", "silent"] {
        let path = format!("/v1/connectors/{name}/messages");
        for number in 0..FLOOD {
            let body = message(&format!("u{number}@example.org"), "1");
            assert_eq!(client.post(&path, &[], &body).await.status, 202);
        }
    }
    for number in 0..10 {
        let begun = Instant::now();
        let body = message(&format!("u{number}@example.org"), "1");
        let taken = client.post(ACME, &[("Prefer", "wait=20")], &body).await;
        assert_eq!((taken.status, begun.elapsed() < PROMPT), (200, true), "{taken:#?}");
    }
    // The relay that is down costs a few connections, not one for each message.
    let waiting = client.get("/v1/messages?connector=dead&state=queued&limit=100").await.json();
    let waiting = waiting["messages"].as_array().expect("a list");
    let tried = waiting.iter().filter(|message| message["attempts"] != 0).count();
    assert!(tried < FLOOD / 2, "{tried}");
}
