//! Connectors side by side: a flood of one, a relay that is down and one that does not answer delay
//! nobody else.

use std::time::{Duration, Instant};

use serde_json::json;
use smtp_connector_catch_all::{CatchAll, Options, Security};
use smtp_connector_tests::faulty::{FaultyServer, Misdeed, Place};
use smtp_connector_tests::served::Client;
use tokio::task::JoinSet;

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

/// How many connectors send now and then.
const OTHERS: usize = 98;

/// How often each of them does.
const PACE: Duration = Duration::from_secs(2);

/// How many messages each of them sends.
const TURNS: u32 = 10;

/// How long the messages take of those that send now and then: all but one in a hundred take less.
async fn tail(client: &Client) -> Duration {
    let mut sending = JoinSet::new();
    for other in 0..OTHERS {
        let client = client.clone();
        sending.spawn(async move {
            let path = format!("/v1/connectors/other{other}/messages");
            let mut took = Vec::new();
            tokio::time::sleep(PACE.mul_f64(other as f64 / OTHERS as f64)).await;
            let mut ticks = tokio::time::interval(PACE);
            for turn in 0..TURNS {
                let due = ticks.tick().await;
                let body = message(&format!("u{turn}@example.org"), "1");
                let taken = client.post(&path, &[("Prefer", "wait=30")], &body).await;
                assert_eq!(taken.status, 200, "{taken:#?}");
                took.push(due.elapsed());
            }
            took
        });
    }
    let mut took: Vec<_> = sending.join_all().await.into_iter().flatten().collect();
    took.sort();
    took[took.len() * 99 / 100]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures for a minute: nothing else may run beside it"]
async fn a_dead_relay_and_a_flood_cost_a_hundred_connectors_a_fifth_at_most() {
    // It takes its time for each message, as relays do: the flood waits for it and not for a core.
    let relay = FaultyServer::choosing(|place, _| (place == Place::Dot).then_some(Misdeed::Late));
    let site = Site::new();
    let names = (0..OTHERS).map(|other| format!("other{other}")).chain(["flood".to_owned()]);
    for name in names {
        site.connector(&name, &configuration(relay.port(), &json!({})));
    }
    site.connector("dead", &configuration(1, &json!({})));
    let settings = site.path().join("settings.toml");
    std::fs::write(&settings, "recipient_messages = 0").expect("the folder is ours");
    // In memory: a disk that stalls for half a second now and then would be all that is measured.
    let memory = tempfile::tempdir_in("/dev/shm").expect("Linux has it");
    let store = memory.path().join("queue.db");
    let arguments = ["--config", settings.to_str().expect("UTF-8")];
    let served = site.serve_from(store.to_str().expect("UTF-8"), &arguments);
    let client = served.administrator(site.path());
    // The connections are there when the clocks are read.
    tail(&client).await;
    let quiet = tail(&client).await;
    let flooding = {
        let client = client.clone();
        tokio::spawn(async move {
            for number in 0_usize.. {
                let name = ["flood", "dead"][number % 2];
                let path = format!("/v1/connectors/{name}/messages");
                client.post(&path, &[], &message("jo@example.org", "1")).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    };
    tokio::time::sleep(Duration::from_secs(5)).await;
    let beside = tail(&client).await;
    flooding.abort();
    println!("one in a hundred took {quiet:?}, and {beside:?} beside a flood and a dead relay");
    assert!(beside <= quiet.mul_f64(1.2), "{quiet:?}, then {beside:?}");
}
