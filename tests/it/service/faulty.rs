//! Nothing lost: messages over HTTP while processes and database are killed again and again and the
//! relay does everything that no relay should. Each message that was taken ends once, as the relay
//! knows it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector_tests::faulty::{FaultyServer, Kept, Mischief, Options};
use smtp_connector_tests::lossy::LossyLink;
use smtp_connector_tests::real;
use smtp_connector_tests::served::{Client, Served};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{ACME, Site, end_of, message};
use crate::helpers::command::configuration;

/// How many clients there are at once.
const CLIENTS: usize = 16;

/// The ends of messages, the rarest last.
const STATES: [&str; 3] = ["accepted", "ambiguous", "refused"];

/// So few messages may all be spared a refusal.
const FEW: usize = 5000;

fn relay(seed: u64) -> FaultyServer {
    let mischief = Mischief::Random { seed, one_in: 60 };
    FaultyServer::start(Options { pipelining: true, authentication: true, mischief })
}

/// A site whose connector `acme` has the first of these relays, and the others for its fallback.
fn site(relays: &[FaultyServer]) -> Site {
    let members = json!({
        "auth": { "user": "mailer", "pass": "open-sesame" },
        "connectionTimeout": 2000, "greetingTimeout": 400, "socketTimeout": 400,
    });
    let site = Site::new();
    let names: Vec<_> = (1..relays.len()).map(|number| format!("backup{number}")).collect();
    for (name, relay) in names.iter().zip(&relays[1..]) {
        site.connector(name, &configuration(relay.port(), &members));
    }
    let own = configuration(relays[0].port(), &members);
    site.connector("acme", &json!({ "configuration": own, "fallback": names }));
    site
}

/// What became of each message at all relays together.
async fn record(relays: &[FaultyServer]) -> HashMap<String, Kept> {
    let mut all: HashMap<String, Kept> = HashMap::new();
    for relay in relays {
        for (token, kept) in relay.record().await {
            let sum = all.entry(token).or_default();
            (sum.told, sum.untold) = (sum.told + kept.told, sum.untold + kept.untold);
        }
    }
    all
}

/// Posts one message until it is taken, under one key, at the services that there are just now.
async fn post(number: usize, mut services: watch::Receiver<Vec<Client>>) -> String {
    let body = message(&format!("u{number}@example.org"), &format!("tok-u{number}"));
    let (body, key) = (body.to_string(), format!("u{number}"));
    for turn in number.. {
        let client = {
            let clients = services.borrow_and_update();
            clients[turn % clients.len()].clone()
        };
        let headers = [("Idempotency-Key", key.as_str())];
        let asked = client.ask("POST", ACME, &headers, body.as_bytes());
        match asked.await {
            Some(answered) if matches!(answered.status, 200 | 202) => {
                return answered.json()["id"].as_str().expect("an id").to_owned();
            }
            // What was not taken whole may have been: the key tells.
            Some(answered) if answered.status == 502 => {
                return answered.json()["message"]["id"].as_str().expect("an id").to_owned();
            }
            Some(answered) => assert_eq!(answered.status, 503, "{answered:#?}"),
            None => {}
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("it goes on until it is taken")
}

/// Posts messages from many clients; the id of each.
async fn post_all(count: usize, services: watch::Receiver<Vec<Client>>) -> HashMap<usize, String> {
    let mut posting = JoinSet::new();
    for first in 0..CLIENTS {
        let services = services.clone();
        posting.spawn(async move {
            let mut ids = Vec::new();
            for number in (first..count).step_by(CLIENTS) {
                ids.push((number, post(number, services.clone()).await));
            }
            ids
        });
    }
    posting.join_all().await.into_iter().flatten().collect()
}

/// Compares what is said of the messages with what the relay knows.
fn check_record(known: &HashMap<usize, Value>, mut record: HashMap<String, Kept>) {
    for (number, known) in known {
        let Kept { told, untold } = record.remove(&format!("tok-u{number}")).unwrap_or_default();
        let sound = match known["state"].as_str().expect("a state") {
            "accepted" => (told, untold) == (1, 0),
            "refused" | "failed" => (told, untold) == (0, 0),
            "ambiguous" => told + untold <= 1,
            other => panic!("u{number} is {other}"),
        };
        assert!(sound, "taken {told} times and {untold} times in silence: {known:#}");
    }
    assert!(record.is_empty(), "the relay took what nobody sent: {record:?}");
}

/// What is said in the end of all that was posted.
async fn ends(client: &Client, ids: HashMap<usize, String>) -> HashMap<usize, Value> {
    let mut known = HashMap::new();
    for (number, id) in ids {
        known.insert(number, end_of(client, &id).await);
    }
    // Were it otherwise, there was nothing to prove. Only one message in two hundred is refused for
    // good.
    let states = if known.len() < FEW { &STATES[..2] } else { &STATES };
    for state in states {
        assert!(known.values().any(|known| known["state"] == *state), "{state}");
    }
    known
}

/// One process, which is killed again and again.
async fn check_killed(relays: &[FaultyServer], count: usize, kills: u32) {
    let site = site(relays);
    let mut served = Some(site.serve(&[]));
    let first = served.as_ref().expect("it runs").administrator(site.path());
    let (services, watched) = watch::channel(vec![first]);
    let posting = tokio::spawn(post_all(count, watched));
    for kill in 0..kills {
        pause(kill).await;
        if let Some(served) = served.take() {
            served.kill();
        }
        let next = site.serve(&[]);
        services.send_replace(vec![next.administrator(site.path())]);
        served = Some(next);
    }
    let ids = posting.await.expect("all are taken");
    assert_eq!(ids.len(), count);
    let client = services.borrow()[0].clone();
    let known = ends(&client, ids).await;
    assert_eq!(served.expect("it runs").stop().await, Some(0));
    let through: HashSet<_> = known.values().map(|known| known["through"].as_str()).collect();
    assert_eq!(through.len(), relays.len(), "{through:?}");
    check_record(&known, record(relays).await);
}

/// Two processes with one PostgreSQL; one of the three is killed each time.
async fn check_shared(seed: u64, count: usize, kills: u32) {
    let (relays, place) = ([relay(seed), relay(seed + 1)], real::Site::new());
    let mut database = real::Postgresql::start(&place);
    let site = site(&relays);
    let url = database.url();
    let start = || site.serve_shared(&url);
    let mut served = vec![start(), start()];
    let clients = |served: &[Served]| -> Vec<Client> {
        served.iter().map(|one| one.administrator(site.path())).collect()
    };
    let (services, watched) = watch::channel(clients(&served));
    let posting = tokio::spawn(post_all(count, watched));
    for kill in 0..kills {
        pause(kill).await;
        match kill % 3 {
            2 => {
                database.kill();
                tokio::time::sleep(Duration::from_millis(300)).await;
                database.restart(&place);
            }
            _ => {
                served.remove(0).kill();
                served.push(start());
                services.send_replace(clients(&served));
            }
        }
    }
    let ids = posting.await.expect("all are taken");
    assert_eq!(ids.len(), count);
    let client = services.borrow()[0].clone();
    let known = ends(&client, ids).await;
    for one in served {
        assert_eq!(one.stop().await, Some(0));
    }
    check_record(&known, record(&relays).await);
}

/// A database that commits, and of whose answers to that one in so many is lost.
async fn check_unheard(seed: u64, count: usize, one_in: usize) {
    let (relays, place) = ([relay(seed)], real::Site::new());
    let database = real::Postgresql::start(&place);
    let site = site(&relays);
    let link = LossyLink::start(database.port(), b"COMMIT\0", one_in).await;
    let url = database.url().replace(&database.port().to_string(), &link.port().to_string());
    let served = site.serve_shared(&url);
    let client = served.administrator(site.path());
    link.lose();
    let (_services, watched) = watch::channel(vec![client.clone()]);
    let ids = post_all(count, watched).await;
    assert_eq!(ids.len(), count);
    let lost = link.mend();
    assert!(lost > 20, "only {lost} answers were lost");
    let known = ends(&client, ids).await;
    assert_eq!(served.stop().await, Some(0));
    check_record(&known, record(&relays).await);
}

/// Wherever the next kill hits: the moments differ from run to run.
async fn pause(kill: u32) {
    tokio::time::sleep(Duration::from_millis(400 + 131 * u64::from(kill) % 500)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_ends_once_and_as_the_relay_knows_it() {
    check_killed(&[relay(0x5eed)], 400, 4).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_ends_once_and_as_its_relay_and_its_fallback_know_it() {
    check_killed(&[relay(0xfee1), relay(0xdead)], 400, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: twenty thousand messages and forty kills"]
async fn each_of_many_messages_ends_once_and_as_the_relay_knows_it() {
    check_killed(&[relay(0xf00d), relay(0xfade)], 20_000, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn nothing_is_lost_of_two_processes_with_one_database() {
    check_shared(0xbeef, 600, 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL"]
async fn nothing_is_lost_with_the_answers_of_the_database() {
    check_unheard(0xdeaf, 1000, 7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and takes minutes: fifty thousand messages and sixty kills"]
async fn nothing_is_lost_of_many_messages_and_two_processes_with_one_database() {
    check_shared(0xcafe, 50_000, 60).await;
}
