//! Lines that are no requests: each is refused by itself, and the others are sent.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Site, catch_all, check_code, check_statuses, lines};
use crate::helpers::command::configuration;

#[tokio::test]
async fn a_bad_line_is_refused_and_the_rest_is_sent() {
    let server = catch_all().await;
    let good = json!({ "to": "jo@example.org", "type": "SignIn" });
    let bad = [
        ("991188".to_owned(), "payload"),
        ("{\"to\":".to_owned(), "payload"),
        (json!({ "type": "SignIn" }).to_string(), "address"),
        (json!({ "to": "jo@example.org" }).to_string(), "payload"),
        (with(&good, "payload", json!([991188])), "payload"),
        (with(&good, "colour", json!(1)), "payload"),
        (json!({ "to": "jo, sam@example.org", "type": "SignIn" }).to_string(), "address"),
        (with(&good, "template", json!(991188)), "template"),
        (with(&good, "template", json!({ "subject": "{{#if}}", "content": "" })), "template"),
    ];
    let mut requests = String::new();
    for (line, _) in &bad {
        write!(requests, "{line}\n\n{good}\n").expect("a string can be written");
    }
    let site = Site::new(&configuration(server.address().port(), &json!({})), &requests);
    let outcome = site.batch().run().await;
    check_code(&outcome, 65);
    assert_eq!(server.caught().len(), bad.len());
    let lines = lines(&outcome.stdout);
    assert_eq!(lines.len(), 2 * bad.len());
    for (at, (text, kind)) in bad.iter().enumerate() {
        let number = json!(3 * at + 1);
        let line =
            lines.iter().find(|line| line["line"] == number).expect("each line has a result");
        assert_eq!(
            (&line["status"], &line["error"]["kind"]),
            (&json!("refused"), &json!(kind)),
            "{text}"
        );
        assert!(
            line["error"]["message"].as_str().is_some_and(|message| !message.is_empty()),
            "{line:#}"
        );
        assert!(line.get("id").is_none() && line.get("digest").is_none(), "{line:#}");
    }
    for text in [&outcome.stdout, &outcome.stderr] {
        assert!(!text.contains("991188"), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_text_and_what_has_no_end_is_refused_as_well() {
    let server = catch_all().await;
    let good = json!({ "to": "jo@example.org", "type": "SignIn", "id": 17 }).to_string();
    let long = "x".repeat(13 << 20);
    let requests =
        [&b"\xef\xbb\xbf"[..], good.as_bytes(), b"\n{\"to\":\"\xff\"}\n", long.as_bytes(), b"\n"]
            .concat();
    let site = Site::new(&configuration(server.address().port(), &json!({})), "");
    std::fs::write(site.path("requests.ndjson"), requests).expect("the folder can be written");
    let outcome = site.batch().run().await;
    check_code(&outcome, 65);
    check_statuses(
        &lines(&outcome.stdout),
        &[("17", "accepted"), ("2", "refused"), ("3", "refused")],
    );
}

/// A request with one more member.
fn with(request: &Value, key: &str, value: Value) -> String {
    let mut request = request.clone();
    request[key] = value;
    request.to_string()
}
