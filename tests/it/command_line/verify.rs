//! `verify`: stage by stage, for people and for programs, and a preflight that sends nothing.

use serde_json::{Value, json};
use smtp_connector_tests::cli::Cli;
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::command::{check_json, command, configuration, server_with_login};

fn verify(configuration: &Value) -> Cli {
    command(["verify", "config.json"]).file("config.json", configuration.to_string())
}

fn stages(document: &Value) -> Vec<&str> {
    document["stages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|stage| stage["stage"].as_str())
        .collect()
}

#[tokio::test]
async fn a_verification_tells_every_stage_and_sends_nothing() {
    let (server, configuration) = server_with_login().await;
    let outcome = verify(&configuration).args(&["--json", "--to", "jo@example.org"]).run().await;
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let document = outcome.json();
    let keys: Vec<_> =
        document.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["ok", "stages", "tls", "capabilities"]);
    assert_eq!(document["ok"], json!(true));
    let passed = stages(&document);
    for stage in ["connect", "greeting", "ehlo", "starttls", "tls", "auth", "mail", "rcpt"] {
        assert!(passed.contains(&stage), "{stage} is not among {passed:?}");
    }
    for stage in document["stages"].as_array().into_iter().flatten() {
        let keys: Vec<_> =
            stage.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["stage", "ms", "detail"]);
        assert!(stage["ms"].is_f64() && stage["detail"].is_string(), "{stage:#}");
    }
    assert_eq!(
        (&document["tls"]["version"], &document["tls"]["verified"]),
        (&json!("TLSv1.3"), &json!(true))
    );
    assert!(
        document["capabilities"].as_array().is_some_and(|list| list.contains(&json!("8BITMIME")))
    );
    let shown = verify(&configuration).run().await;
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
    assert!(shown.stdout.starts_with("✓ dns "), "{}", shown.stdout);
    for part in
        ["\n✓ starttls ", "\n✓ tls ", "\n✓ auth ", "certificate verified", "\n  capabilities"]
    {
        assert!(shown.stdout.contains(part), "{part} is not in {}", shown.stdout);
    }
    assert!(!shown.stdout.contains('✗') && !shown.stdout.contains('\u{1b}'));
    assert_eq!(server.caught(), []);
}

#[test]
fn a_preflight_takes_the_recipient_back() {
    let script = Script::offering(&[])
        .on("NOOP", "250 ok\r\n")
        .on("MAIL FROM:<no-reply@example.com>", "250 ok\r\n")
        .on("RCPT TO:<jo@example.org>", "250 ok\r\n")
        .on("RSET", "250 ok\r\n")
        .quit();
    let peer = Peer::start(script);
    let outcome =
        verify(&configuration(peer.port(), &json!({}))).args(&["--to", "jo@example.org", "--json"]);
    let outcome = outcome.run_blocking();
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    check_json(&outcome.json()["tls"], &Value::Null, "a session in clear");
    peer.finish_blocking();
}

#[test]
fn a_failed_stage_is_the_last_and_brings_the_error() {
    let auth = json!({ "auth": { "user": "mailer", "pass": "open-sesame-4711" } });
    let cases = [
        (
            Script::offering(&["AUTH PLAIN"]).on("AUTH PLAIN *", "535 5.7.8 wrong\r\n").quit(),
            auth,
            77,
            "auth",
            "credentials",
        ),
        (Script::new().say("554 5.3.2 closed\r\n"), json!({}), 69, "greeting", "refused"),
        (Script::new().say("421 4.3.2 busy\r\n"), json!({}), 75, "greeting", "temporary"),
        (
            Script::offering(&[])
                .on("NOOP", "250 ok\r\n")
                .on("MAIL *", "250 ok\r\n")
                .on("RCPT *", "550 no\r\n")
                .quit(),
            json!({}),
            67,
            "rcpt",
            "refused",
        ),
    ];
    for (script, members, exit, stage, kind) in cases {
        let peer = Peer::start_all(vec![script.clone(), script]);
        let configuration = configuration(peer.port(), &members);
        let outcome =
            verify(&configuration).args(&["--json", "--to", "jo@example.org"]).run_blocking();
        assert_eq!(outcome.code, Some(exit), "{outcome:#?}");
        let document = outcome.json();
        assert_eq!((&document["ok"], stages(&document).last()), (&json!(false), Some(&stage)));
        assert_eq!(
            (&document["error"]["kind"], &document["error"]["stage"]),
            (&json!(kind), &json!(stage))
        );
        let shown = verify(&configuration).args(&["--to", "jo@example.org"]).run_blocking();
        assert_eq!(shown.code, Some(exit));
        assert!(shown.stdout.contains(&format!("✗ {stage}")), "{}", shown.stdout);
        assert!(
            shown.stderr.contains(" S: ") && shown.stderr.contains(&format!("error at {stage}: "))
        );
        assert!(!shown.stderr.contains("open-sesame") && !shown.stdout.contains("open-sesame"));
        peer.finish_blocking();
    }
}

#[test]
fn what_ends_before_the_session_is_an_error_alone() {
    let sound = configuration(9, &json!({}));
    let cases = [
        (verify(&sound).args(&["--to", "jo,sam"]), 65, "address"),
        (verify(&configuration(0, &json!({}))), 78, "configuration"),
        (command(["verify", "missing.json"]), 66, "input"),
    ];
    for (cli, exit, kind) in cases {
        let outcome = cli.arg("--json").run_blocking();
        assert_eq!((outcome.code, &outcome.json()["error"]["kind"]), (Some(exit), &json!(kind)));
        assert_eq!(outcome.json().as_object().map(serde_json::Map::len), Some(1));
    }
}

#[test]
fn a_verification_keeps_to_the_egress_policy() {
    let outcome = verify(&configuration(9, &json!({})))
        .args(&["--json", "--egress", "public"])
        .run_blocking();
    let document = outcome.json();
    assert_eq!(
        (outcome.code, &document["error"]["kind"]),
        (Some(77), &json!("egress")),
        "{document:#}"
    );
    assert_eq!(outcome.stderr.lines().next().map(|line| line.starts_with("error at ")), Some(true));
}
