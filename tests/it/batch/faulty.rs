//! Ten thousand requests into a server at which one thing in a hundred goes wrong, and what came of
//! them compared with the server's own record; also when the run is killed again and again.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector_tests::cli::Signal;
use smtp_connector_tests::faulty::{FaultyServer, Kept, Mischief, Options};

use super::{Site, exists, requests};
use crate::helpers::command::configuration;

/// How long one run may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// More runs than any message should need that fails with a probability of some per cent.
const MOST_RUNS: usize = 12;

fn faulty(seed: u64, pipelining: bool) -> FaultyServer {
    let mischief = Mischief::Random { seed, one_in: 100 };
    FaultyServer::start(Options { pipelining, authentication: true, mischief })
}

fn site(server: &FaultyServer, count: usize) -> Site {
    let members = json!({
        "auth": { "user": "mailer", "pass": "open-sesame" },
        "connectionTimeout": 2000, "greetingTimeout": 400, "socketTimeout": 400,
    });
    let ids: Vec<_> = (0..count).map(|number| format!("u{number}")).collect();
    let requests = requests(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    Site::new(&configuration(server.port(), &members), &requests)
}

fn id(line: &Value) -> String {
    line["id"].as_str().expect("an id").to_owned()
}

/// The last status of each request.
fn last(lines: &[Value]) -> HashMap<String, String> {
    lines
        .iter()
        .map(|line| (id(line), line["status"].as_str().expect("a status").to_owned()))
        .collect()
}

/// Runs until nothing is to be sent any more. Each run has one result at most for each request.
async fn finish(site: &Site) {
    for _ in 0..MOST_RUNS {
        let before = if exists(&site.results()) { site.lines().len() } else { 0 };
        let outcome = site.resumable().within(PATIENCE).run().await;
        let lines = site.lines();
        let mut seen = HashSet::new();
        // What a killed run left in doubt is decided before the run itself begins.
        let own = lines[before..].iter().filter(|line| line["status"] != "ambiguous");
        assert!(own.map(id).all(|id| seen.insert(id)), "a request has two results of one run");
        assert!(!exists(&site.inflight()), "{outcome:#?}");
        println!("{}", outcome.stderr);
        if !last(&lines).values().any(|status| status == "failed") {
            assert!(matches!(outcome.code, Some(0 | 65 | 67 | 75)), "{outcome:#?}");
            return;
        }
        assert_eq!(outcome.code, Some(75), "{outcome:#?}");
    }
    panic!("some messages fail for now again and again");
}

/// Compares what the results say with what the server knows.
#[track_caller]
fn check_record(lines: &[Value], count: usize, mut record: HashMap<String, Kept>) {
    let last = last(lines);
    assert_eq!(last.len(), count, "each request has a result");
    for (id, status) in &last {
        let Kept { told, untold } = record.remove(&format!("tok-{id}")).unwrap_or_default();
        let sound = match status.as_str() {
            "accepted" => (told, untold) == (1, 0),
            "refused" => (told, untold) == (0, 0),
            "ambiguous" => told + untold <= 1,
            other => panic!("{id} is {other}"),
        };
        let story: Vec<_> = lines.iter().filter(|line| line["id"] == **id).collect();
        assert!(
            sound,
            "{id} is {status}, but was taken {told} times and {untold} times in silence: {story:#?}"
        );
        let finals = story.iter().filter(|line| line["status"] != "failed").count();
        assert_eq!(finals, 1, "{story:#?}");
    }
    assert!(record.is_empty(), "the server took what nobody sent: {record:?}");
}

async fn check_faulty(seed: u64, pipelining: bool, count: usize) {
    let server = faulty(seed, pipelining);
    let site = site(&server, count);
    finish(&site).await;
    let lines = site.lines();
    check_record(&lines, count, server.record().await);
    // Were it otherwise, the server was too well-behaved to prove anything.
    for status in ["accepted", "refused", "failed", "ambiguous"] {
        assert!(lines.iter().any(|line| line["status"] == status), "{status}");
    }
    let all = fs::read_to_string(site.results()).expect("there are results");
    assert!(!all.contains("tok-") && !all.contains("sesame"), "a code or a password is shown");
}

#[tokio::test]
async fn each_request_ends_once_and_as_the_server_knows_it() {
    check_faulty(0x5eed, false, 5_000).await;
}

#[tokio::test]
async fn each_request_ends_once_where_the_server_offers_pipelining() {
    check_faulty(0xf00d, true, 10_000).await;
}

#[tokio::test]
async fn a_run_that_is_killed_again_and_again_loses_nothing_and_sends_nothing_twice() {
    let (count, kills) = (10_000, 12);
    let server = faulty(0xdead, true);
    let site = site(&server, count);
    for kill in 0..kills {
        let mut running = site.resumable().within(PATIENCE).start().await;
        // Wherever this hits: the moments differ from run to run.
        let moment = Duration::from_millis(150 + 97 * kill % 400);
        if running.ended_within(moment).await {
            break;
        }
        running.signal(Signal::KILL);
        running.finish().await;
    }
    finish(&site).await;
    check_record(&site.lines(), count, server.record().await);
}
