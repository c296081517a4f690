//! Messages and tokens over the API.

use serde_json::json;
use smtp_connector_tests::cli::Signal;
use smtp_connector_tests::faulty::{FaultyServer, Misdeed, Place};

use super::{ACME, Site, check_problem, end_of, message, served};
use crate::helpers::command::configuration;

#[tokio::test]
async fn a_message_is_queued_delivered_and_known() {
    let (relay, _site, _served, client) = served().await;
    let queued = client.post(ACME, &[], &message("Jo <jo@example.org>", "482913")).await;
    assert_eq!(queued.status, 202, "{queued:#?}");
    let id = queued.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(queued.header("location"), Some(format!("/v1/messages/{id}").as_str()));
    let known = end_of(&client, &id).await;
    assert_eq!((&known["state"], &known["attempts"]), (&json!("accepted"), &json!(1)));
    assert_eq!(known["receipt"]["accepted"], json!(["jo@example.org"]));
    assert!(!known.to_string().contains("482913"));
    let caught = relay.next().await;
    assert_eq!(caught.envelope.forward_paths, ["jo@example.org"]);
    let content = String::from_utf8_lossy(&caught.bytes).into_owned();
    assert!(content.contains("482913"), "{content}");
    assert!(content.contains(known["messageId"].as_str().expect("a Message-ID")));
}

#[tokio::test]
async fn who_prefers_to_wait_hears_the_end() {
    let (_relay, _site, _served, client) = served().await;
    let waited = [("Prefer", "wait=20")];
    let taken = client.post(ACME, &waited, &message("jo@example.org", "482913")).await;
    assert_eq!((taken.status, &taken.json()["state"]), (200, &json!("accepted")), "{taken:#?}");
    let by_name = |place, recipient: &str| match (place, recipient) {
        (Place::Rcpt, "never@example.org") => Some(Misdeed::RefuseForGood),
        (Place::Rcpt, "later@example.org") => Some(Misdeed::RefuseForNow),
        (Place::Dot, "lost@example.org") => Some(Misdeed::Close),
        _ => None,
    };
    let relay = FaultyServer::choosing(by_name);
    let site = Site::new();
    site.connector("acme", &configuration(relay.port(), &json!({})));
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    let never = client.post(ACME, &waited, &message("never@example.org", "tok-1")).await;
    let problem = check_problem(&never, 502, "refused");
    assert_eq!((&problem["stage"], &problem["code"]), (&json!("rcpt"), &json!(550)), "{problem:#}");
    assert_eq!(problem["message"]["state"], "refused");
    let lost = client.post(ACME, &waited, &message("lost@example.org", "tok-2")).await;
    let problem = check_problem(&lost, 502, "lost");
    assert_eq!(
        (&problem["ambiguous"], &problem["message"]["state"]),
        (&json!(true), &json!("ambiguous"))
    );
    let mut late = message("later@example.org", "tok-3");
    late["deadline"] = json!("1s");
    let late = client.post(ACME, &waited, &late).await;
    assert_eq!(check_problem(&late, 504, "temporary")["message"]["state"], "expired");
    let metrics = client.get("/metrics").await.body;
    assert!(metrics.contains(r#"state="expired",kind="temporary",stage="#), "{metrics}");
    for answered in [never, lost, late] {
        assert!(!answered.body.contains("tok-"), "{answered:#?}");
    }
}

#[tokio::test]
async fn the_same_key_is_the_same_message() {
    let (relay, _site, _served, client) = served().await;
    let (one, other) = (message("jo@example.org", "482913"), message("jo@example.org", "551177"));
    let key = [("Idempotency-Key", "\"k-1\"")];
    let first = client.post(ACME, &key, &one).await;
    let again = client.post(ACME, &[("Idempotency-Key", "k-1"), ("Prefer", "wait=20")], &one).await;
    assert_eq!((first.status, again.status), (202, 200), "{again:#?}");
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    check_problem(&client.post(ACME, &key, &other).await, 422, "key-reused");
    assert_eq!(relay.caught().len(), 1);
    check_problem(&client.post(ACME, &[("Idempotency-Key", "")], &one).await, 400, "malformed");
}

#[tokio::test]
async fn what_cannot_become_a_message_is_said_at_once() {
    let (relay, _site, _served, client) = served().await;
    let cases = [
        (message("jo", "1"), 422, "address"),
        (json!({ "to": "jo@example.org" }), 422, "unfit"),
        (json!({ "to": "jo@example.org", "type": "SignIn", "playload": {} }), 422, "unfit"),
        (json!({ "to": 5, "type": "SignIn" }), 422, "unfit"),
        (json!({ "to": "jo@example.org", "type": "SignIn", "payload": [] }), 422, "unfit"),
        (json!({ "to": "jo@example.org", "type": "SignIn", "deadline": "soon" }), 422, "unfit"),
        (
            json!({ "to": "jo@example.org", "type": "SignIn", "deadline": "2001-01-01T00:00:00Z" }),
            422,
            "unfit",
        ),
        (
            json!({ "to": "jo@example.org", "type": "SignIn", "content": { "subject": "s" } }),
            422,
            "unfit",
        ),
        (
            json!({
                "to": "jo@example.org", "type": "SignIn",
                "template": { "subject": "s", "content": "{{#if}}" },
            }),
            422,
            "template",
        ),
    ];
    for (body, status, kind) in cases {
        check_problem(&client.post(ACME, &[], &body).await, status, kind);
    }
    let unknown = client.post("/v1/connectors/none/messages", &[], &message("a@b.test", "1")).await;
    check_problem(&unknown, 404, "not-found");
    let text = client.ask("POST", ACME, &[("Content-Type", "text/plain")], b"{}").await;
    check_problem(&text.expect("an answer"), 415, "media-type");
    let cut = client.ask("POST", ACME, &[], b"{\"to\":").await;
    check_problem(&cut.expect("an answer"), 400, "malformed");
    assert_eq!(client.get("/v1/messages").await.json()["messages"], json!([]));
    assert!(relay.caught().is_empty());
}

#[tokio::test]
async fn rendered_content_is_mailed_as_it_is() {
    let (relay, _site, _served, client) = served().await;
    let mut literal = message("jo@example.org", "482913");
    literal["content"] = json!({ "subject": "Hi {{code}}", "text": "no {{tag}} here" });
    assert_eq!(client.post(ACME, &[], &literal).await.status, 202);
    let mail = relay.next().await.parse();
    assert_eq!(mail.field("subject"), Some("Hi {{code}}"));
    assert_eq!(mail.parts[0].text.trim_end(), "no {{tag}} here");
}

#[tokio::test]
async fn a_recipient_gets_no_flood() {
    let (_relay, _site, _served, client) = served().await;
    for number in 0..10 {
        let queued = client.post(ACME, &[], &message("jo@example.org", &number.to_string())).await;
        assert_eq!(queued.status, 202, "{queued:#?}");
    }
    let one_more = client.post(ACME, &[], &message("Jo <JO@example.org>", "10")).await;
    check_problem(&one_more, 429, "limit");
    let wait: u64 = one_more.header("retry-after").expect("a time").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(client.post(ACME, &[], &message("sam@example.org", "11")).await.status, 202);
}

#[tokio::test]
async fn messages_are_listed_and_taken_back() {
    let site = Site::new();
    // Nobody listens there.
    site.connector("acme", &configuration(1, &json!({})));
    let served = site.serve(&[]);
    let client = served.administrator(site.path());
    let mut ids = Vec::new();
    for number in 0..5 {
        let to = format!("u{number}@example.org");
        let queued = client.post(ACME, &[], &message(&to, "1")).await.json();
        ids.push(queued["id"].as_str().expect("an id").to_owned());
    }
    ids.reverse();
    let page = client.get("/v1/messages?connector=acme&limit=3").await.json();
    let listed = |page: &serde_json::Value| -> Vec<String> {
        let messages = page["messages"].as_array().expect("a list").iter();
        messages.map(|message| message["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(listed(&page), ids[..3]);
    let cursor = page["cursor"].as_str().expect("there are more");
    let rest = client.get(&format!("/v1/messages?connector=acme&limit=3&cursor={cursor}")).await;
    assert_eq!((listed(&rest.json()), &rest.json()["cursor"]), (ids[3..].to_vec(), &json!(null)));
    let path = format!("/v1/messages/{}", ids[0]);
    // It may be on its way just now.
    let mut taken_back = None;
    for _ in 0..100 {
        let answered = client.ask("DELETE", &path, &[], b"").await.expect("an answer");
        if answered.status == 204 {
            taken_back = Some(answered);
            break;
        }
        check_problem(&answered, 409, "conflict");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(taken_back.is_some(), "it waits between two attempts");
    assert_eq!(client.get(&path).await.json()["state"], "cancelled");
    let cancelled = client.get("/v1/messages?state=cancelled").await.json();
    assert_eq!(listed(&cancelled), ids[..1]);
    for bad in ["cursor=x", "limit=0", "limit=101", "state=gone", "since=now", "colour=red"] {
        let answered = client.get(&format!("/v1/messages?{bad}")).await;
        check_problem(&answered, 400, "malformed");
    }
    check_problem(&client.get("/v1/messages/none").await, 404, "not-found");
}

#[tokio::test]
async fn a_token_is_good_for_its_scopes_only() {
    let (_relay, site, served, client) = served().await;
    site.connector("other", &configuration(1, &json!({})));
    served.signal(Signal::HUP);
    let make = async |scopes: &[&str]| {
        let made = client.post("/v1/tokens", &[], &json!({ "name": "t", "scopes": scopes })).await;
        assert_eq!(made.status, 201, "{made:#?}");
        let made = made.json();
        let token = made["token"].as_str().expect("a token").to_owned();
        (served.client.with_token(&token), made["id"].as_str().expect("an id").to_owned())
    };
    let (sender, sender_id) = make(&["send:acme"]).await;
    let (reader, _) = make(&["read"]).await;
    let body = message("jo@example.org", "1");
    let sent = sender.post(ACME, &[], &body).await;
    assert_eq!(sent.status, 202);
    let path = format!("/v1/messages/{}", sent.json()["id"].as_str().expect("an id"));
    assert_eq!((sender.get(&path).await.status, reader.get(&path).await.status), (200, 200));
    let (stranger, _) = make(&["send:other"]).await;
    check_problem(&stranger.get(&path).await, 404, "not-found");
    check_problem(&stranger.post(ACME, &[], &body).await, 403, "forbidden");
    check_problem(&stranger.get("/v1/messages?connector=acme").await, 403, "forbidden");
    check_problem(&sender.get("/v1/messages").await, 403, "forbidden");
    check_problem(&reader.post(ACME, &[], &body).await, 403, "forbidden");
    for path in ["/v1/connectors", "/v1/tokens", "/v1/connectors/acme"] {
        check_problem(&sender.get(path).await, 403, "forbidden");
        check_problem(&served.client.get(path).await, 401, "unauthorized");
    }
    let wrong = served.client.with_token("smtpc_wrong");
    check_problem(&wrong.post(ACME, &[], &body).await, 401, "unauthorized");
    let deleted = client.ask("DELETE", &format!("/v1/tokens/{sender_id}"), &[], b"").await;
    assert_eq!(deleted.expect("an answer").status, 204);
    check_problem(&sender.post(ACME, &[], &body).await, 401, "unauthorized");
    let listed = client.get("/v1/tokens").await;
    assert_eq!(listed.json().as_array().map(Vec::len), Some(3));
    assert!(!listed.body.contains("smtpc_"), "{listed:#?}");
}

#[tokio::test]
async fn the_service_says_how_it_is() {
    let (_relay, _site, served, client) = served().await;
    let waited = [("Prefer", "wait=20")];
    client.post(ACME, &waited, &message("jo@example.org", "482913")).await;
    assert_eq!(served.client.get("/healthz").await.status, 200);
    assert_eq!(served.client.get("/readyz").await.status, 200);
    let metrics = client.get("/metrics").await;
    let line = "smtp_connector_messages_total{connector=\"acme\",state=\"accepted\"";
    assert!(metrics.body.contains(line), "{}", metrics.body);
    assert!(!metrics.body.contains("jo@example.org"));
    check_problem(&served.client.get("/metrics").await, 401, "unauthorized");
    let document = served.client.get("/openapi.json").await.json();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert!(document["paths"]["/v1/connectors/{name}/messages"]["post"].is_object());
    check_problem(&served.client.get("/nothing").await, 404, "not-found");
    let method = served.client.ask("PATCH", "/v1/tokens", &[], b"").await.expect("an answer");
    check_problem(&method, 405, "method");
    assert_eq!(served.stop().await, Some(0));
}
