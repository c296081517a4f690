//! `batch`: a result for each request, and what the next run makes of what an earlier one left.

mod bad_lines;
mod bounds;
mod faulty;
mod real;
mod resuming;
mod soak;
mod stopping;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use smtp_connector_catch_all::{CatchAll, Options, Security};
use smtp_connector_tests::cli::{Cli, Outcome};
use smtp_connector_tests::faulty::{FaultyServer, Misdeed, Place};
use smtp_connector_tests::peer::{Peer, Script};
use tempfile::TempDir;

use crate::helpers::command::{command, configuration};

/// A folder with a configuration and requests, which several runs share.
struct Site(TempDir);

impl Site {
    fn new(configuration: &Value, requests: &str) -> Self {
        let site = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        fs::write(site.path("config.json"), configuration.to_string())
            .expect("the folder can be written");
        site.request(requests);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn request(&self, requests: &str) {
        fs::write(self.path("requests.ndjson"), requests).expect("the folder can be written");
    }

    /// A command that writes the results to its standard output.
    fn batch(&self) -> Cli {
        command(["batch"]).arg(self.path("config.json")).arg(self.path("requests.ndjson"))
    }

    /// A command that can be resumed.
    fn resumable(&self) -> Cli {
        self.batch().arg("--out").arg(self.results())
    }

    fn results(&self) -> PathBuf {
        self.path("results.ndjson")
    }

    fn inflight(&self) -> PathBuf {
        self.path("results.ndjson.inflight")
    }

    /// What RESULTS holds.
    fn lines(&self) -> Vec<Value> {
        lines(&fs::read_to_string(self.results()).expect("there are results"))
    }
}

fn lines(text: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(parse).collect()
}

/// A request to a recipient, named by an `id`.
fn request(id: &str) -> String {
    let payload = json!({ "code": format!("tok-{id}") });
    json!({ "to": format!("{id}@example.org"), "type": "SignIn", "payload": payload, "id": id })
        .to_string()
        + "\n"
}

fn requests(ids: &[&str]) -> String {
    ids.iter().map(|id| request(id)).collect()
}

/// The status of each result, by `id` or line.
fn statuses(lines: &[Value]) -> Vec<(String, String)> {
    let name =
        |line: &Value| line["id"].as_str().map_or_else(|| line["line"].to_string(), str::to_owned);
    let mut statuses: Vec<_> = lines
        .iter()
        .map(|line| (name(line), line["status"].as_str().expect("a status").to_owned()))
        .collect();
    statuses.sort();
    statuses
}

#[track_caller]
fn check_statuses(lines: &[Value], expected: &[(&str, &str)]) {
    let expected: Vec<_> =
        expected.iter().map(|(name, status)| ((*name).into(), (*status).into())).collect();
    assert_eq!(statuses(lines), expected, "{lines:#?}");
}

#[track_caller]
fn check_code(outcome: &Outcome, code: i32) {
    assert_eq!(outcome.code, Some(code), "{outcome:#?}");
}

/// A server that does with each message what the recipient's name says.
fn server() -> FaultyServer {
    FaultyServer::choosing(by_name)
}

fn by_name(place: Place, recipient: &str) -> Option<Misdeed> {
    let name = recipient.split(['-', '@']).next().unwrap_or_default();
    match (place, name) {
        (Place::Rcpt, "later") => Some(Misdeed::RefuseForNow),
        (Place::Rcpt, "never") => Some(Misdeed::RefuseForGood),
        (Place::Dot, "spam") => Some(Misdeed::RefuseForGood),
        (Place::Dot, "lost") => Some(Misdeed::Close),
        (Place::Dot, "silence") => Some(Misdeed::Stall),
        _ => None,
    }
}

/// A configuration for such a server.
fn for_server(server: &FaultyServer) -> Value {
    configuration(server.port(), &json!({}))
}

async fn catch_all() -> CatchAll {
    let options = Options::default().security(Security::Plaintext);
    CatchAll::start(options).await.expect("it starts")
}

fn exists(path: &Path) -> bool {
    path.try_exists().expect("the folder can be read")
}

#[tokio::test]
async fn each_request_has_a_result_like_that_of_send() {
    let server = catch_all().await;
    let ids: Vec<_> = (0..100).map(|number| format!("u{number}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let site = Site::new(&configuration(server.address().port(), &json!({})), &requests(&ids));
    let outcome = site.batch().run().await;
    check_code(&outcome, 0);
    let lines = lines(&outcome.stdout);
    assert_eq!((lines.len(), server.caught().len()), (100, 100));
    for line in &lines {
        let keys: Vec<_> =
            line.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["line", "id", "status", "result"]);
        let id = line["id"].as_str().expect("an id");
        assert_eq!(line["result"]["accepted"], json!([format!("{id}@example.org")]));
        assert_eq!(line["result"]["attempts"], json!(1));
        assert_eq!(
            (&line["status"], &line["line"]),
            (&json!("accepted"), &json!(id[1..].parse::<u64>().expect("digits") + 1))
        );
    }
    assert!(outcome.stderr.starts_with("100 accepted; "), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("latency p50 "), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains('\x1b'), "{}", outcome.stderr);
}

#[tokio::test]
async fn requests_come_from_the_standard_input_as_well() {
    let server = catch_all().await;
    let site = Site::new(&configuration(server.address().port(), &json!({})), "");
    let cli =
        command(["batch"]).arg(site.path("config.json")).arg("-").stdin(requests(&["a", "b"]));
    let outcome = cli.run().await;
    check_code(&outcome, 0);
    check_statuses(&lines(&outcome.stdout), &[("a", "accepted"), ("b", "accepted")]);
    let both = command(["batch", "-", "-"]).run().await;
    check_code(&both, 64);
    let configured = command(["batch", "-"]).arg(site.path("requests.ndjson"));
    let empty = configured.stdin(configuration(9, &json!({})).to_string()).run().await;
    check_code(&empty, 0);
    assert!(empty.stderr.starts_with("0 accepted; "), "{}", empty.stderr);
}

#[tokio::test]
async fn what_is_wrong_before_the_first_message_ends_as_in_other_commands() {
    let site = Site::new(&configuration(0, &json!({})), &request("a"));
    let broken = site.resumable().run().await;
    check_code(&broken, 78);
    assert!(!exists(&site.results()), "a configuration with errors touches nothing");
    let sound = Site::new(&configuration(9, &json!({})), "");
    let missing =
        command(["batch"]).arg(sound.path("config.json")).arg("missing.ndjson").run().await;
    check_code(&missing, 66);
    let folder = command(["batch"]).arg(sound.path("config.json")).arg(".").run().await;
    check_code(&folder, 66);
    let nowhere = sound.batch().args(&["--out", "missing/results.ndjson"]).run().await;
    check_code(&nowhere, 66);
    let device = sound.batch().args(&["--out", "/dev/null"]).run().await;
    check_code(&device, 66);
    for outcome in [missing, folder, nowhere, device] {
        assert_eq!(outcome.stdout, "");
    }
}

#[tokio::test]
async fn the_worst_result_decides_the_exit_code() {
    let server = server();
    let cases = [
        (["ann", "spam"], ["accepted", "refused"], 65),
        (["never", "spam"], ["refused", "refused"], 67),
        (["later", "never"], ["failed", "refused"], 75),
        (["lost", "never"], ["ambiguous", "refused"], 75),
    ];
    for ([one, other], [first, second], code) in cases {
        let site = Site::new(&for_server(&server), &requests(&[one, other]));
        let outcome = site.batch().run().await;
        check_code(&outcome, code);
        check_statuses(&lines(&outcome.stdout), &[(one, first), (other, second)]);
    }
}

#[tokio::test]
async fn a_summary_tells_what_failed_how_and_what_helps() {
    let refusing = Script::offering(&[]).on("MAIL *", "250 ok\r\n");
    let refusing = refusing.on("RCPT *", "550 5.1.1 nobody called tok-ann\r\n").quit();
    let peer = Peer::start(refusing);
    let site = Site::new(&configuration(peer.port(), &json!({})), &request("ann"));
    let outcome = site.batch().run().await;
    let (first, rest) = outcome.stderr.split_once('\n').expect("lines");
    assert!(first.starts_with("0 accepted, 1 refused; "), "{}", outcome.stderr);
    let told =
        "\n  1 refused, refused at rcpt: line 1: the server answered 550 5.1.1 nobody called ***\n";
    assert!(rest.contains(told) && rest.contains("\n    help: "), "{rest}");
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains("tok-ann"), "{text}");
    }
    peer.finish().await;
}

#[tokio::test]
async fn a_deadline_gives_a_message_up() {
    let server =
        FaultyServer::choosing(|place, _| (place == Place::Rcpt).then_some(Misdeed::Stall));
    let site = Site::new(&for_server(&server), &request("ann"));
    let outcome = site.batch().args(&["--deadline", "300ms"]).run().await;
    check_code(&outcome, 75);
    let line = &lines(&outcome.stdout)[0];
    assert_eq!((&line["status"], &line["error"]["kind"]), (&json!("failed"), &json!("expired")));
}

#[tokio::test]
async fn an_id_that_comes_twice_is_one_request() {
    let server = catch_all().await;
    let site =
        Site::new(&configuration(server.address().port(), &json!({})), &requests(&["a", "b", "a"]));
    let outcome = site.batch().run().await;
    check_code(&outcome, 0);
    check_statuses(&lines(&outcome.stdout), &[("a", "accepted"), ("b", "accepted")]);
    assert_eq!(server.caught().len(), 2);
    assert!(outcome.stderr.starts_with("2 accepted, 1 repeated; "), "{}", outcome.stderr);
}
