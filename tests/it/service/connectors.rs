//! Connectors of the folder and of the API.

use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector_catch_all::{CatchAll, Credentials, Options};
use smtp_connector_tests::served::{Answered, Client};

use super::{Site, check_problem, end_of, message, served};
use crate::helpers::command::{configuration, server_with_login};

async fn put(client: &Client, name: &str, body: &Value, headers: &[(&str, &str)]) -> Answered {
    let path = format!("/v1/connectors/{name}");
    client.ask("PUT", &path, headers, body.to_string().as_bytes()).await.expect("an answer")
}

#[tokio::test]
async fn a_connector_is_put_used_changed_and_deleted() {
    let (relay, login) = server_with_login().await;
    let site = Site::new();
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    let created = put(&client, "shop", &login, &[]).await;
    assert_eq!(created.status, 201, "{created:#?}");
    assert!(!created.body.contains("open-sesame"), "{created:#?}");
    let shown = client.get("/v1/connectors/shop").await;
    let version = shown.header("etag").expect("a version").to_owned();
    let mut document = shown.json()["document"].clone();
    assert_eq!(document["configuration"]["auth"]["pass"], "***");
    // What was shown can be put again: the mark keeps the secret.
    document["configuration"]["templates"][1]["subject"] = json!("Another subject");
    let replaced = put(&client, "shop", &document, &[("If-Match", &version)]).await;
    assert_eq!(replaced.status, 200, "{replaced:#?}");
    let stale = put(&client, "shop", &document, &[("If-Match", &version)]).await;
    check_problem(&stale, 412, "precondition");
    for (tag, status, kind) in [("7", 400, "malformed"), ("\"seven\"", 412, "precondition")] {
        let answered = put(&client, "shop", &document, &[("If-Match", tag)]).await;
        check_problem(&answered, status, kind);
    }
    let only_new = put(&client, "shop", &document, &[("If-None-Match", "*")]).await;
    check_problem(&only_new, 412, "precondition");
    let path = "/v1/connectors/shop/messages";
    let sent = client.post(path, &[], &message("jo@example.org", "482913")).await.json();
    assert_eq!(end_of(&client, sent["id"].as_str().expect("an id")).await["state"], "accepted");
    let mail = relay.next().await;
    assert_eq!(mail.authenticated_as.as_deref(), Some("mailer"));
    assert_eq!(mail.parse().field("subject"), Some("Another subject"));
    // A mark is of no use for another server.
    document["configuration"]["host"] = json!("localhost");
    check_problem(&put(&client, "shop", &document, &[]).await, 422, "unfit");
    let deleted = client.ask("DELETE", "/v1/connectors/shop", &[], b"").await;
    assert_eq!(deleted.expect("an answer").status, 204);
    check_problem(&client.get("/v1/connectors/shop").await, 404, "not-found");
    check_problem(&client.post(path, &[], &message("a@b.test", "1")).await, 404, "not-found");
}

#[tokio::test]
async fn a_connector_of_the_api_outlives_the_process() {
    let (_relay, login) = server_with_login().await;
    let site = Site::new();
    let first = site.serve(&[]);
    let client = first.administrator(site.path());
    assert_eq!(put(&client, "shop", &login, &[]).await.status, 201);
    assert_eq!(first.stop().await, Some(0));
    let kept = std::fs::read(site.path().join("queue.db")).expect("the store is a file");
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!holds("open-sesame") && !holds("no-reply@example.com"), "it is sealed");
    let second = site.serve(&[]);
    assert_eq!(second.first_token, None, "the token is shown once");
    let client = second.administrator(site.path());
    let sent = client.post("/v1/connectors/shop/messages", &[], &message("a@b.test", "1")).await;
    let id = sent.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(end_of(&client, &id).await["state"], "accepted");
}

#[tokio::test]
async fn a_configuration_with_errors_changes_nothing() {
    let (_relay, site, _served, client) = served().await;
    let broken = put(&client, "shop", &configuration(0, &json!({})), &[]).await;
    let problem = check_problem(&broken, 422, "configuration");
    assert_eq!(problem["diagnostics"][0]["path"], "/port", "{problem:#}");
    check_problem(&put(&client, "shop", &json!([]), &[]).await, 422, "unfit");
    check_problem(&put(&client, "-", &json!({}), &[]).await, 422, "unfit");
    let secret = configuration(25, &json!({ "auth": { "user": "u", "pass": { "env": "HOME" } } }));
    check_problem(&put(&client, "shop", &secret, &[]).await, 422, "configuration");
    check_problem(&put(&client, "acme", &json!({}), &[]).await, 409, "conflict");
    // A bad file leaves the old one working.
    site.connector("acme", &json!({ "host": 5 }));
    let mut problem = Value::Null;
    for _ in 0..100 {
        problem = client.get("/v1/connectors").await.json()[0]["problem"].clone();
        if !problem.is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(problem.as_str().is_some_and(|text| text.contains("`/host`")), "{problem}");
    let sent = client.post(super::ACME, &[], &message("jo@example.org", "1")).await.json();
    assert_eq!(end_of(&client, sent["id"].as_str().expect("an id")).await["state"], "accepted");
}

#[tokio::test]
async fn a_file_that_changes_is_taken_over_and_what_waits_goes_on() {
    let site = Site::new();
    site.connector("acme", &configuration(1, &json!({})));
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    let sent = client.post(super::ACME, &[], &message("jo@example.org", "482913")).await.json();
    let options = Options::default().credentials(Credentials::new("mailer", "open-sesame"));
    let relay = CatchAll::start(options).await.expect("it starts");
    let members = json!({
        "requireTLS": true, "auth": { "user": "mailer", "pass": "open-sesame" },
        "tls": { "ca": relay.certificate_pem() },
    });
    site.connector("acme", &configuration(relay.address().port(), &members));
    let known = end_of(&client, sent["id"].as_str().expect("an id")).await;
    assert_eq!(known["state"], "accepted", "{known:#}");
    assert!(known["attempts"].as_i64() > Some(1), "{known:#}");
    assert_eq!(relay.caught().len(), 1);
}
