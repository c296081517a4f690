//! `serve`: mail over HTTP, what is said of it, and that nothing of it is lost.

mod api;
mod components;
mod connectors;
mod fair;
mod fallback;
mod faulty;
mod hooks;
mod hostile;
mod outside;
mod rotation;
mod webhooks;

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector_catch_all::{CatchAll, Options, Security};
use smtp_connector_tests::served::{Answered, Client, Served};
use tempfile::TempDir;

use crate::helpers::command::configuration;

/// Where a service has its store and its connectors.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().expect("a temporary folder can be made") };
        fs::create_dir(site.connectors()).expect("the folder is ours");
        site
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn connectors(&self) -> std::path::PathBuf {
        self.path().join("connectors")
    }

    /// Puts a connector into the folder.
    fn connector(&self, name: &str, configuration: &Value) {
        let file = self.connectors().join(name).with_extension("json");
        fs::write(file, configuration.to_string()).expect("the folder is ours");
    }

    /// Starts a service that may reach this machine.
    fn serve(&self, arguments: &[&str]) -> Served {
        let store = self.path().join("queue.db");
        self.serve_from(store.to_str().expect("UTF-8"), arguments)
    }

    /// Starts one with another store.
    fn serve_from(&self, store: &str, arguments: &[&str]) -> Served {
        let connectors = self.connectors();
        let connectors = connectors.to_str().expect("UTF-8");
        let usual = ["--egress", "any", "--connectors", connectors, "--store", store];
        Served::start(self.path(), &[&usual, arguments].concat())
    }

    /// Starts one of several that share a database, and its key.
    fn serve_shared(&self, database: &str) -> Served {
        let key = self.path().join("keys");
        fs::write(&key, KEY).expect("the folder is ours");
        self.serve_from(database, &["--key-file", key.to_str().expect("UTF-8")])
    }
}

/// A server that takes all mail, a service with the connector `acme` for it, and its administrator.
async fn served() -> (CatchAll, Site, Served, Client) {
    let options = Options::default().security(Security::Plaintext);
    let relay = CatchAll::start(options).await.expect("it starts");
    let site = Site::new();
    site.connector("acme", &configuration(relay.address().port(), &json!({})));
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    (relay, site, served, client)
}

/// A key for the store of a test.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

const ACME: &str = "/v1/connectors/acme/messages";

fn message(to: &str, code: &str) -> Value {
    json!({ "to": to, "type": "SignIn", "payload": { "code": code } })
}

/// Waits until a message has ended.
async fn end_of(client: &Client, id: &str) -> Value {
    for _ in 0..60 {
        let path = format!("/v1/messages/{id}");
        let Some(known) = client.ask("GET", &path, &[("Prefer", "wait=10")], b"").await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        assert_eq!(known.status, 200, "{known:#?}");
        let known = known.json();
        if !["queued", "sending"].contains(&known["state"].as_str().expect("a state")) {
            return known;
        }
    }
    panic!("{id} does not end");
}

/// Waits until the metrics hold a text.
async fn wait_for(client: &Client, text: &str) {
    for _ in 0..100 {
        if client.get("/metrics").await.body.contains(text) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{text} does not come: {}", client.get("/metrics").await.body);
}

#[track_caller]
fn check_problem(answered: &Answered, status: u16, kind: &str) -> Value {
    let problem = answered.json();
    assert_eq!(answered.status, status, "{answered:#?}");
    assert_eq!(answered.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem["type"], format!("urn:smtp-connector:problem:{kind}"), "{problem:#}");
    assert_eq!(problem["status"], status);
    problem
}
