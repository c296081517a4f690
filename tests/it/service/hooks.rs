//! The platforms' hooks, from the call to the mail.

use serde_json::{Value, json};
use smtp_connector_catch_all::{CatchAll, Options, Security};
use smtp_connector_tests::faulty::{FaultyServer, Misdeed, Place};
use smtp_connector_tests::served::{Answered, Served};

use super::{Site, check_problem};
use crate::helpers::command::configuration;

const SECRET: &str = "Bearer 3f0c6f9d2b1e4a58";

/// A service whose connector `acme` Logto may call.
fn called(port: u16) -> (Site, Served) {
    let site = Site::new();
    let hooks = json!({ "logto": { "secrets": [SECRET] } });
    let configuration = configuration(port, &json!({}));
    site.connector("acme", &json!({ "configuration": configuration, "hooks": hooks }));
    let served = site.serve(&[]);
    (site, served)
}

async fn call(served: &Served, path: &str, secret: &str, body: &Value) -> Answered {
    let headers = [("Authorization", secret)];
    served.client.post(path, &headers, body).await
}

fn body(to: &str) -> Value {
    json!({ "to": to, "type": "SignIn", "payload": { "code": "482913" } })
}

#[tokio::test]
async fn a_platform_calls_and_the_mail_arrives() {
    let options = Options::default().security(Security::Plaintext);
    let relay = CatchAll::start(options).await.expect("it starts");
    let (site, served) = called(relay.address().port());
    let path = "/hooks/acme/logto";
    let sent = call(&served, path, SECRET, &body("jo@example.org")).await;
    assert_eq!(sent.status, 200, "{sent:#?}");
    let caught = relay.next().await;
    assert_eq!(caught.envelope.forward_paths, ["jo@example.org"]);
    assert!(String::from_utf8_lossy(&caught.bytes).contains("482913"));
    // Who is not known learns nothing, not even whether there is such a connector.
    let wrong = call(&served, path, "Bearer 0000000000000000", &body("a@b.test")).await;
    let unknown = call(&served, "/hooks/none/logto", SECRET, &body("a@b.test")).await;
    let uncalled = call(&served, "/hooks/acme/kratos", SECRET, &body("a@b.test")).await;
    assert_eq!((wrong.status, unknown.status, uncalled.status), (401, 401, 401));
    assert_eq!(wrong.body, unknown.body);
    check_problem(&call(&served, "/hooks/acme/none", SECRET, &json!({})).await, 404, "not-found");
    let malformed = call(&served, path, SECRET, &json!({ "to": 5 })).await;
    assert_eq!(malformed.status, 400, "{malformed:#?}");
    let large = vec![b' '; (1 << 20) + 1];
    let headers = [("Authorization", SECRET)];
    let large = served.client.ask("POST", path, &headers, &large).await;
    assert!(large.is_none_or(|answered| answered.status == 413));
    assert_eq!(relay.caught().len(), 1);
    let shown = served.administrator(site.path()).get("/v1/connectors/acme").await;
    assert!(!shown.body.contains("3f0c6f9d"), "{shown:#?}");
}

#[tokio::test]
async fn a_platform_that_waits_hears_that_a_recipient_was_refused() {
    let relay =
        FaultyServer::choosing(|place, _| (place == Place::Rcpt).then_some(Misdeed::RefuseForGood));
    let (_site, served) = called(relay.port());
    let refused = call(&served, "/hooks/acme/logto", SECRET, &body("jo@example.org")).await;
    assert!((400..500).contains(&refused.status), "{refused:#?}");
    assert!(!refused.body.contains("482913"));
}

#[tokio::test]
async fn hooks_with_errors_are_no_connector() {
    let (site, served) = called(1);
    let client = served.administrator(site.path());
    let path = "/v1/connectors/shop";
    let put = async |hooks: Value| {
        let document = json!({ "configuration": configuration(25, &json!({})), "hooks": hooks });
        let asked = client.ask("PUT", path, &[], document.to_string().as_bytes()).await;
        asked.expect("an answer")
    };
    for hooks in [json!({ "keycloak": {} }), json!({ "logto": { "secret": "x" } }), json!([])] {
        check_problem(&put(hooks).await, 422, "unfit");
    }
    assert_eq!(put(json!({ "kratos": { "secrets": [SECRET] } })).await.status, 201);
    // What is shown can be put again: a mark keeps the secret.
    let shown = client.get(path).await.json()["document"].clone();
    assert_eq!(shown["hooks"]["kratos"]["secrets"], json!(["***"]));
    assert_eq!(put(shown["hooks"].clone()).await.status, 200);
}
