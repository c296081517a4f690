//! Webhooks that are told what became of a connector's messages.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smtp_connector_tests::faulty::{FaultyServer, Misdeed, Place};
use smtp_connector_tests::receiver::{Posted, Receiver};
use smtp_connector_tests::served::{Client, Served};

use super::{ACME, Site, check_problem, end_of, message, wait_for};
use crate::helpers::command::configuration;

const KEYS: [&str; 2] = [
    "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "whsec_YW5vdGhlci1rZXktdGhhdC1yb3RhdGVzLW91dC4uLg==",
];

/// A relay that refuses `never@example.org`.
fn relay() -> FaultyServer {
    FaultyServer::choosing(|place, recipient: &str| {
        let refuses = place == Place::Rcpt && recipient == "never@example.org";
        refuses.then_some(Misdeed::RefuseForGood)
    })
}

/// The connector `acme` for a relay, whose webhook is at a receiver.
fn site(relay: &FaultyServer, receiver: &Receiver) -> Site {
    let site = Site::new();
    let webhook = json!({ "url": receiver.url(), "secrets": KEYS });
    let configuration = configuration(relay.port(), &json!({ "host": "localhost" }));
    site.connector("acme", &json!({ "configuration": configuration, "webhook": webhook }));
    site
}

/// A service with a relay and a receiver.
fn served(relay: &FaultyServer, receiver: &Receiver) -> (Site, Served, Client) {
    let site = site(relay, receiver);
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    (site, served, client)
}

async fn send(client: &Client, to: &str) -> String {
    let queued = client.post(ACME, &[], &message(to, "482913")).await;
    assert_eq!(queued.status, 202, "{queued:#?}");
    queued.json()["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn each_end_is_told_without_recipient_and_code() {
    let mut receiver = Receiver::start(|_| 204).await;
    let relay = relay();
    let (_site, _served, client) = served(&relay, &receiver);
    let taken = send(&client, "jo@example.org").await;
    let posted = receiver.next().await;
    assert_eq!(posted.path, "/ends?of=acme");
    assert_eq!(posted.headers["content-type"], "application/json");
    assert_eq!(posted.headers["webhook-id"], format!("{taken}_accepted"));
    assert_eq!(posted.headers["webhook-signature"].matches("v1,").count(), KEYS.len());
    let known = end_of(&client, &taken).await;
    let event = posted.json();
    assert_eq!(
        (&event["type"], &event["timestamp"]),
        (&json!("message.accepted"), &known["ended"])
    );
    let members = ["id", "connector", "through", "type", "state", "created", "ended", "attempts"];
    for member in members.into_iter().chain(["messageId"]) {
        assert_eq!(event["data"][member], known[member], "{event:#}");
    }
    let refused = send(&client, "never@example.org").await;
    let other = receiver.next().await;
    let data = &other.json()["data"];
    assert_eq!((&data["id"], &data["state"]), (&json!(refused), &json!("refused")));
    let error = json!({ "kind": "refused", "stage": "rcpt", "code": 550, "enhanced": "5.7.1" });
    assert_eq!(data["error"], error);
    for posted in [posted, other] {
        let said = format!("{:?} {}", posted.headers, posted.text());
        assert!(!said.contains("example.org") && !said.contains("482913"), "{said}");
    }
}

#[tokio::test]
async fn what_could_not_be_told_is_told_again_also_by_the_next_process() {
    let mut receiver = Receiver::start(|number| if number < 2 { 500 } else { 200 }).await;
    let relay = relay();
    let (site, first, client) = served(&relay, &receiver);
    let began = Instant::now();
    let id = send(&client, "jo@example.org").await;
    let told = receiver.next().await;
    wait_for(&client, "smtp_connector_webhooks_waiting 1").await;
    let again = receiver.next().await;
    assert!(began.elapsed() > Duration::from_secs(1), "there is a pause");
    first.kill();
    let second = site.serve(&[]);
    let client = second.administrator(site.path());
    let last = receiver.next().await;
    for posted in [&told, &again, &last] {
        assert_eq!(posted.headers["webhook-id"], format!("{id}_accepted"));
        assert_eq!(posted.body, told.body);
    }
    wait_for(&client, "smtp_connector_webhooks_waiting 0").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(receiver.is_quiet(), "once it was told it is not told again");
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_not_asked_again() {
    let mut receiver = Receiver::start(|_| 410).await;
    let relay = relay();
    let (_site, served, client) = served(&relay, &receiver);
    send(&client, "jo@example.org").await;
    receiver.next().await;
    let dropped = "smtp_connector_webhooks_total{connector=\"acme\",outcome=\"dropped\"} 1";
    wait_for(&client, dropped).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(receiver.is_quiet());
    assert!(served.log().iter().any(|line| line.contains("the webhook is gone (410)")));
}

#[tokio::test]
async fn a_webhook_that_the_egress_policy_refuses_is_not_reached() {
    let receiver = Receiver::start(|_| 204).await;
    let relay = relay();
    let site = site(&relay, &receiver);
    let store = site.path().join("queue.db");
    let connectors = site.connectors();
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let places = [path(&store), path(&connectors)];
    let arguments = ["--egress", "localhost", "--store", &places[0], "--connectors", &places[1]];
    let served = Served::start(site.path(), &arguments);
    let client = served.administrator(site.path());
    let id = send(&client, "jo@example.org").await;
    assert_eq!(end_of(&client, &id).await["state"], "accepted");
    let failed = "smtp_connector_webhooks_total{connector=\"acme\",outcome=\"failed\"}";
    wait_for(&client, failed).await;
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_webhook_is_put_and_shown_without_its_secret() {
    let relay = relay();
    let site = Site::new();
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    let path = "/v1/connectors/shop";
    let put = async |webhook: &Value| {
        let configuration = configuration(relay.port(), &json!({}));
        let document = json!({ "configuration": configuration, "webhook": webhook });
        let asked = client.ask("PUT", path, &[], document.to_string().as_bytes()).await;
        asked.expect("an answer")
    };
    for wrong in [
        json!({ "url": "http://hooks.example/tok-1", "secrets": KEYS }),
        json!({ "url": "https://hooks.example", "secrets": ["tok-1"] }),
        json!("tok-1"),
    ] {
        let refused = put(&wrong).await;
        check_problem(&refused, 422, "unfit");
        assert!(!refused.body.contains("tok-1"), "{refused:#?}");
    }
    let mut webhook = json!({ "url": "https://hooks.example/a", "secrets": [KEYS[0]] });
    assert_eq!(put(&webhook).await.status, 201);
    let shown = client.get(path).await;
    assert!(!shown.body.contains("whsec_"), "{shown:#?}");
    webhook["secrets"] = json!(["***"]);
    assert_eq!(shown.json()["document"]["webhook"], webhook);
    assert_eq!(put(&webhook).await.status, 200);
    webhook["url"] = json!("https://elsewhere.example/a");
    check_problem(&put(&webhook).await, 422, "unfit");
}

#[tokio::test]
#[ignore = "needs the libraries of Standard Webhooks; .ci/run installs them"]
async fn webhooks_are_verified_by_the_libraries_for_npm_and_python() {
    let mut receiver = Receiver::start(|_| 204).await;
    let relay = relay();
    let (_site, _served, client) = served(&relay, &receiver);
    send(&client, "jo@example.org").await;
    let posted = receiver.next().await;
    let installed = std::env::var("REAL_SERVERS").expect("REAL_SERVERS is set, as .ci/run does");
    let installed = Path::new(&installed);
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("real");
    let node = || {
        let mut command = Command::new("node");
        command.env("NODE_PATH", installed.join("node/node_modules"));
        command.arg(scripts.join("verify_webhook.cjs"));
        command
    };
    let python = || {
        let mut command = Command::new(installed.join("python/bin/python"));
        command.arg(scripts.join("verify_webhook.py"));
        command
    };
    for key in KEYS {
        assert!(verifies(node(), key, &posted) && verifies(python(), key, &posted), "{posted:#?}");
        let body = posted.text().replace("accepted", "refused").into_bytes();
        let tampered = Posted { body, ..posted.clone() };
        assert!(!verifies(node(), key, &tampered) && !verifies(python(), key, &tampered));
    }
}

/// Whether a library holds a webhook to be signed by a key.
fn verifies(mut command: Command, secret: &str, posted: &Posted) -> bool {
    let call = json!({ "secret": secret, "headers": posted.headers, "body": posted.text() });
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stdin = child.stdin.take().expect("it is piped");
    serde_json::to_writer(stdin, &call).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{command:?}");
    match &output.stdout[..] {
        b"genuine" => true,
        b"forged" => false,
        said => panic!("{}", String::from_utf8_lossy(said)),
    }
}
