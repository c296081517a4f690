//! The service seen from outside: its log, its metrics, its description.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector_tests::cli::binary;
use smtp_connector_tests::faulty::{FaultyServer, Misdeed, Place};
use smtp_connector_tests::receiver::Receiver;
use smtp_connector_tests::served::{Client, Served};

use super::{ACME, Site, end_of, message, served, wait_for};
use crate::helpers::command::configuration;

/// What the service has logged in JSON.
fn logged(served: &Served) -> Vec<Value> {
    let lines = served.log().into_iter().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(&line).expect("a line is JSON")).collect()
}

#[tokio::test]
async fn each_request_has_a_line_with_nothing_of_its_content() {
    let site = Site::new();
    site.connector("acme", &configuration(1, &json!({})));
    let settings = site.path().join("settings.toml");
    fs::write(&settings, "log = \"debug\"\nlog_form = \"json\"\n").expect("the folder is ours");
    let served = site.serve(&["--config", settings.to_str().expect("UTF-8")]);
    let client = served.administrator(site.path());
    let id = [("X-Request-Id", "r-7"), ("Idempotency-Key", "tok-1")];
    let queued = client.post(ACME, &id, &message("jo@example.org", "482913")).await;
    assert_eq!((queued.status, queued.header("x-request-id")), (202, Some("r-7")));
    let other = served.client.get("/v1/messages?connector=tok-2").await;
    let made = other.header("x-request-id").expect("one is made").to_owned();
    let mut lines = Vec::new();
    for _ in 0..100 {
        lines = logged(&served);
        lines.retain(|line| line["message"] == "request");
        if lines.len() > 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let [line, other] = &lines[..] else { panic!("{lines:#?}") };
    let expected = ["POST", "/v1/connectors/{name}/messages", "r-7"];
    let found = [&line["method"], &line["route"], &line["span"]["id"]];
    assert_eq!(found.map(|value| value.as_str().expect("a text")), expected);
    assert_eq!((&line["level"], &line["status"]), (&json!("INFO"), &json!(202)));
    assert!(line["ms"].is_u64() && line["timestamp"].is_string(), "{line:#}");
    assert_eq!((&other["status"], &other["span"]["id"]), (&json!(401), &json!(made)));
    let said = served.log().join("\n");
    let token = fs::read_to_string(site.path().join("token")).expect("a token was made");
    // The token itself is told once, when there is nobody yet to tell it otherwise.
    assert_eq!(said.matches(&token).count(), 1);
    for secret in ["482913", "jo@example.org", "tok-"] {
        assert!(!said.contains(secret), "{secret} is in {said}");
    }
}

#[tokio::test]
async fn a_collector_is_sent_spans_that_follow_the_caller_and_the_log() {
    let mut collector = Receiver::start(|_| 200).await;
    let (relay, site, served, _client) = served().await;
    assert_eq!(served.stop().await, Some(0));
    let settings = site.path().join("settings.toml");
    let otlp = collector.url().replace("/ends?of=acme", "");
    fs::write(&settings, format!("otlp = \"{otlp}\"\n")).expect("the folder is ours");
    let served = site.serve(&["--config", settings.to_str().expect("UTF-8")]);
    let client = served.administrator(site.path());
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let asked = [("traceparent", parent.as_str()), ("Prefer", "wait=20")];
    let sent = client.post(ACME, &asked, &message("jo@example.org", "482913")).await;
    assert_eq!(sent.status, 200, "{sent:#?}");
    relay.next().await;
    // What is left is sent at the end.
    assert_eq!(served.stop().await, Some(0));
    let mut sent: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    while !collector.is_quiet() {
        let posted = collector.next().await;
        assert_eq!(posted.headers["content-type"], "application/x-protobuf");
        sent.entry(posted.path).or_default().extend(posted.body);
    }
    let paths: Vec<_> = sent.keys().map(String::as_str).collect();
    assert_eq!(paths, ["/v1/logs", "/v1/traces"]);
    let has = |path: &str, bytes: &[u8]| sent[path].windows(bytes.len()).any(|it| it == bytes);
    let trace: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&trace[2 * at..][..2], 16).expect("hexadecimal"))
        .collect();
    for span in ["request", "send", "/v1/connectors/{name}/messages", "acme"] {
        assert!(has("/v1/traces", span.as_bytes()), "{span}");
    }
    assert!(sent["/v1/traces"].windows(16).filter(|it| *it == trace).count() >= 2);
    assert!(has("/v1/logs", b"message ended") && has("/v1/logs", &trace));
    for path in ["/v1/logs", "/v1/traces"] {
        assert!(!has(path, b"482913") && !has(path, b"jo@example.org"), "{path}");
    }
}

#[tokio::test]
async fn the_metrics_tell_ends_and_attempts_by_kind_and_stage() {
    let relay =
        FaultyServer::choosing(|place, _| (place == Place::Rcpt).then_some(Misdeed::RefuseForGood));
    let site = Site::new();
    site.connector("acme", &configuration(relay.port(), &json!({})));
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    let queued = client.post(ACME, &[], &message("jo@example.org", "482913")).await.json();
    end_of(&client, queued["id"].as_str().expect("an id")).await;
    let metrics = client.get("/metrics").await.body;
    let (acme, why) = ("connector=\"acme\"", "kind=\"refused\",stage=\"rcpt\"");
    for line in [
        format!("smtp_connector_attempts_total{{{acme},{why}}} 1"),
        format!("smtp_connector_messages_total{{{acme},state=\"refused\",{why}}} 1"),
        format!("smtp_connector_accepted_total{{{acme}}} 1"),
        "smtp_connector_queue_depth{state=\"queued\"} 0".to_owned(),
        "smtp_connector_oldest_due_seconds 0".to_owned(),
        "smtp_connector_time_to_end_seconds_count 1".to_owned(),
        "smtp_connector_attempt_seconds_bucket{le=\"60\"} 1".to_owned(),
        format!("smtp_connector_waiting_for_connection{{{acme}}} 0"),
        "smtp_connector_sandbox_places{state=\"taken\"} 0".to_owned(),
        "smtp_connector_sandbox_faults_total 0".to_owned(),
        "# HELP smtp_connector_connections ".to_owned(),
        format!("smtp_connector_connections{{{acme},state=\"busy\"}} "),
    ] {
        assert!(metrics.contains(&line), "{line} is missing: {metrics}");
    }
    for secret in ["jo@example.org", "482913"] {
        assert!(!metrics.contains(secret), "{metrics}");
    }
}

#[tokio::test]
async fn a_connector_that_is_gone_has_no_connections() {
    let (relay, _site, _served, client) = served().await;
    let shop = configuration(relay.address().port(), &json!({})).to_string();
    let put = client.ask("PUT", "/v1/connectors/shop", &[], shop.as_bytes()).await;
    assert_eq!(put.expect("an answer").status, 201);
    let path = "/v1/connectors/shop/messages";
    let waited = [("Prefer", "wait=20")];
    let sent = client.post(path, &waited, &message("jo@example.org", "482913")).await;
    assert_eq!(sent.status, 200, "{sent:#?}");
    let idle = "smtp_connector_connections{connector=\"shop\",state=\"idle\"}";
    wait_for(&client, &format!("{idle} 1")).await;
    client.ask("DELETE", "/v1/connectors/shop", &[], b"").await.expect("an answer");
    wait_for(&client, &format!("{idle} 0")).await;
}

#[tokio::test]
async fn the_description_is_a_page_that_is_whole_by_itself() {
    let (_relay, _site, served, _client) = served().await;
    let page = served.client.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
    for part in ["<script", "style=", "http:", "https:", "//"] {
        let found = page.body.match_indices(part).next();
        assert!(found.is_none(), "{part} is in {}", page.body);
    }
    let style = served.client.get("/docs.css").await;
    assert_eq!(
        (style.status, style.header("content-type")),
        (200, Some("text/css; charset=utf-8"))
    );
    let document = served.client.get("/openapi.json").await.json();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let title = format!("{} {path}", method.to_uppercase());
            assert!(page.body.contains(&title), "{title} is missing");
            names.insert(operation["operationId"].as_str().expect("a name"));
            let problem = &operation["responses"]["4XX"]["content"];
            assert!(problem["application/problem+json"].is_object(), "{title}: {operation:#}");
        }
    }
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    names.extend(schemas.keys().map(String::as_str));
    // Each link leads somewhere.
    for link in page.body.split("href=\"#").skip(1) {
        let name = link.split('"').next().expect("it ends");
        assert!(names.contains(name) && page.body.contains(&format!("id=\"{name}\"")), "{name}");
    }
    assert_eq!(document["security"], json!([{ "token": [] }]));
}

#[tokio::test]
#[ignore = "needs schemathesis; .ci/run installs it"]
async fn schemathesis_finds_no_fault_against_the_description() {
    let site = Site::new();
    // Nobody listens there.
    site.connector("acme", &configuration(1, &json!({})));
    let served = site.serve(&["--log", "warn"]);
    let token = fs::read_to_string(site.path().join("token")).expect("a token was made");
    let installed = std::env::var("REAL_SERVERS").expect("REAL_SERVERS is set, as .ci/run does");
    let mut command = Command::new(Path::new(&installed).join("python/bin/schemathesis"));
    command
        .current_dir(site.path())
        .args(["run", &format!("http://{}/openapi.json", served.client.address())])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--max-examples", "50", "--continue-on-failure", "--no-color"])
        .args(["--suppress-health-check", "all"])
        // Whether an address, a template or a configuration is of use no schema can say.
        .args(["--exclude-checks", "positive_data_acceptance"]);
    let run = tokio::task::spawn_blocking(move || command.output()).await.expect("it ends");
    let run = run.expect("it can be run");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
    assert_eq!(served.stop().await, Some(0));
}

#[tokio::test]
async fn the_first_token_is_kept_out_of_the_journal() {
    let site = Site::new();
    let log = site.path().join("journal");
    let journal = fs::File::create(&log).expect("the folder is ours");
    let known = journal.metadata().expect("it is open");
    let served = Command::new(binary())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(site.path())
        .env("STATE_DIRECTORY", site.path())
        .env("JOURNAL_STREAM", format!("{}:{}", known.dev(), known.ino()))
        .stdin(Stdio::null())
        .stderr(journal)
        .spawn();
    let mut served = served.expect("the binary can be run");
    let said = || fs::read_to_string(&log).expect("the folder is ours");
    for _ in 0..600 {
        if said().contains("administrator's token") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let file = site.path().join("administrator-token");
    assert!(said().contains(&format!("is in {}", file.display())), "{}", said());
    assert!(!said().contains("smtpc_"), "{}", said());
    let token = fs::read_to_string(&file).expect("the token is there");
    assert_eq!(fs::metadata(&file).expect("it is there").mode() & 0o777, 0o600);
    let said = said();
    let (_, address) = said.split_once(" listens at ").expect("it listens");
    let client = Client::at(address.lines().next().expect("a line"), token.trim());
    assert_eq!(client.get("/v1/tokens").await.status, 200);
    served.kill().expect("it is a child");
    served.wait().expect("it is a child");
}
