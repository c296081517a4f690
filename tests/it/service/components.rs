//! Components that connectors name by their digests.

use std::fs;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};
use smtp_connector_catch_all::{CatchAll, Options, Security};
use smtp_connector_tests::guests::Guest;

use super::{ACME, Site, check_problem, end_of, message};
use crate::helpers::command::configuration;

/// The digits of a digest.
fn digits(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Puts a component into a folder, by these digits; its name.
fn keep(folder: &Path, bytes: &[u8], digits: &str) -> String {
    fs::write(folder.join(digits).with_extension("wasm"), bytes).expect("the folder is ours");
    format!("sha256:{digits}")
}

#[tokio::test]
async fn a_connector_names_another_component_than_the_usual_one() {
    let options = Options::default().security(Security::Plaintext);
    let relay = CatchAll::start(options).await.expect("it starts");
    let members = json!({ "fromEmail": "no-reply@example.com" });
    let configuration = configuration(relay.address().port(), &members);
    let site = Site::new();
    site.connector("acme", &configuration);
    let folder = site.path().join("components");
    fs::create_dir(&folder).expect("the folder is ours");
    let bundled = smtp_connector_component::COMPONENT;
    let sound = keep(&folder, bundled, &digits(bundled));
    let refused = keep(&folder, &Guest::Echo.bytes(), &digits(&Guest::Echo.bytes()));
    let false_name = keep(&folder, bundled, &"0".repeat(64));
    let settings = site.path().join("settings.toml");
    fs::write(&settings, format!("components = {folder:?}")).expect("the folder is ours");
    // The usual component mails the payload as it is.
    let usual = Guest::Echo.path().to_str().expect("UTF-8");
    let settings = settings.to_str().expect("UTF-8");
    let served = site.serve(&["--component", usual, "--config", settings]);
    let client = served.administrator(site.path());
    let put = async |component: &str| {
        let document = json!({ "configuration": configuration, "component": component });
        let body = document.to_string();
        let asked = client.ask("PUT", "/v1/connectors/shop", &[], body.as_bytes());
        asked.await.expect("an answer")
    };
    let made = put(&sound).await;
    assert_eq!((made.status, &made.json()["document"]["component"]), (201, &json!(sound)));
    for (path, subject) in [(ACME, "SignIn"), ("/v1/connectors/shop/messages", "Your code")] {
        let sent = client.post(path, &[], &message("jo@example.org", "482913")).await.json();
        let known = end_of(&client, sent["id"].as_str().expect("an id")).await;
        assert_eq!(known["state"], "accepted", "{known:#}");
        assert_eq!(relay.next().await.parse().field("subject"), Some(subject));
    }
    for (component, code, expected) in [
        (refused, "refused-component", "breaks the contract"),
        (false_name, "unknown-component", "holds `sha256:"),
        (format!("sha256:{}", "1".repeat(64)), "unknown-component", "1111.wasm`"),
    ] {
        let problem = check_problem(&put(&component).await, 422, "configuration");
        let finding: &Value = &problem["diagnostics"][0];
        assert_eq!((&finding["path"], &finding["code"]), (&json!("/component"), &json!(code)));
        let told = finding["message"].as_str().expect("a message");
        assert!(told.contains(expected), "{told}");
    }
    check_problem(&put("echo").await, 422, "unfit");
    let shown = client.get("/v1/connectors/shop").await.json();
    assert_eq!(shown["document"]["component"], json!(sound), "it goes on");
}
