//! The platforms' hooks, from the call to the mail.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use smtp_connector_catch_all::{CatchAll, Options, Security};
use smtp_connector_tests::faulty::{FaultyServer, Misdeed, Place};
use smtp_connector_tests::served::{Answered, Served};

use super::{Site, check_problem};
use crate::helpers::command::configuration;

const SECRET: &str = "Bearer 3f0c6f9d2b1e4a58";

/// The key of a platform that signs its calls.
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

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
async fn the_two_mails_of_one_call_are_taken_both_or_neither() {
    let options = Options::default().security(Security::Plaintext);
    let relay = CatchAll::start(options).await.expect("it starts");
    let site = Site::new();
    let hooks =
        json!({ "supabase": { "secrets": [format!("v1,whsec_{}", STANDARD.encode(KEY))] } });
    let configuration = configuration(relay.address().port(), &json!({}));
    site.connector("acme", &json!({ "configuration": configuration, "hooks": hooks }));
    let settings = site.path().join("settings.toml");
    std::fs::write(&settings, "recipient_messages = 1").expect("the folder is ours");
    let served = site.serve(&["--config", settings.to_str().expect("UTF-8")]);
    let client = served.administrator(site.path());
    // One of the two recipients has had as many messages as one gets.
    let full = super::message("full@example.org", "1");
    assert_eq!(client.post(super::ACME, &[], &full).await.status, 202);
    let limited = change_address(&served, "a1", "old@example.org", "full@example.org").await;
    assert_eq!(limited.json()["error"]["http_code"], 429, "{limited:#?}");
    let listed = async || client.get("/v1/messages?connector=acme").await.json();
    assert_eq!(listed().await["messages"].as_array().map(Vec::len), Some(1));
    // The other one still gets his, and the platform may ask again.
    for _ in 0..2 {
        let taken = change_address(&served, "a2", "old@example.org", "new@example.org").await;
        assert_eq!(taken.status, 204, "{taken:#?}");
    }
    assert_eq!(listed().await["messages"].as_array().map(Vec::len), Some(3));
}

/// Asks as Supabase does for the mails to both addresses of a user.
async fn change_address(served: &Served, id: &str, old: &str, new: &str) -> Answered {
    let body = json!({
        "metadata": { "uuid": id, "time": "2026-11-27T13:26:40Z", "name": "send-email" },
        "user": { "id": "8484b834", "email": old, "new_email": new, "user_metadata": {} },
        "email_data": {
            "token": "305805", "token_hash": "7d5b7b19", "token_new": "417726",
            "token_hash_new": "64cf5d38", "email_action_type": "email_change",
            "redirect_to": "https://app.example.org", "site_url": "https://ref.supabase.co/auth/v1",
        },
    });
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let signed = format!("{id}.{since}.{body}");
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, KEY), signed.as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac));
    let since = since.to_string();
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", since.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    served.client.post("/hooks/acme/supabase", &headers, &body).await
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
