//! `send`: the receipt, and a failure of every exit code with the very members that it must have.

use serde_json::{Value, json};
use smtp_connector_tests::certificates::{Authority, Identity};
use smtp_connector_tests::cli::{Cli, Outcome};
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::command::{check_json, command, configuration, server_with_login};

fn send(configuration: &Value) -> Cli {
    command(["send", "config.json", "--type", "SignIn", "--to", "Jo <jo@example.org>", "--json"])
        .file("config.json", configuration.to_string())
}

/// A server that takes everything up to the reply to MAIL.
fn up_to_mail(extensions: &[&str]) -> Script {
    Script::offering(extensions).on("MAIL FROM:<no-reply@example.com>*", "250 2.1.0 ok\r\n")
}

/// A server that takes everything up to the reply to RCPT.
fn up_to_rcpt() -> Script {
    up_to_mail(&[]).on("RCPT TO:<jo@example.org>", "250 2.1.5 ok\r\n")
}

/// A server that takes everything up to the message, whose end it has not answered.
fn up_to_content() -> Script {
    up_to_rcpt().on("DATA", "354 go ahead\r\n").hear_any_content()
}

/// Checks exit code and error. The wording is left to the people whom it is for; it must be there.
#[track_caller]
fn check_failure(outcome: &Outcome, code: i32, expected: &Value) {
    assert_eq!(outcome.code, Some(code), "{outcome:#?}");
    let mut document = outcome.json();
    let error = document["error"].as_object_mut().expect("an error");
    let message = error.remove("message");
    let message = message.as_ref().and_then(Value::as_str).expect("every error has a message");
    assert!(outcome.stderr.contains(message), "{message} is not among {}", outcome.stderr);
    error.remove("hint");
    check_json(&document, &json!({ "error": expected }), "error");
}

#[track_caller]
fn check_peer(scripts: Vec<Script>, members: &Value, code: i32, expected: &Value) {
    let peer = Peer::start_all(scripts);
    let outcome = send(&configuration(peer.port(), members)).run_blocking();
    check_failure(&outcome, code, expected);
    peer.finish_blocking();
}

#[tokio::test]
async fn a_receipt_tells_what_became_of_the_message() {
    let (server, configuration) = server_with_login().await;
    let outcome = send(&configuration).run().await;
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{outcome:#?}");
    let mut receipt = outcome.json();
    let caught = server.next().await;
    let parsed = caught.parse();
    let id = parsed.field("message-id").map(|id| json!(id));
    assert_eq!(
        receipt["messageId"].as_str().map(|id| id.starts_with('<') && id.ends_with('>')),
        Some(true)
    );
    assert_eq!(Some(receipt["messageId"].take()), id);
    assert_eq!(caught.authenticated_as.as_deref(), Some("mailer"));
    let timings = receipt["timings"].take();
    let stages: Vec<_> =
        timings.as_object().expect("an object").keys().map(String::as_str).collect();
    assert!(stages.iter().all(|stage| timings[*stage].is_f64()), "{timings:#}");
    for stage in [
        "connect", "greeting", "ehlo", "starttls", "tls", "auth", "mail", "rcpt", "data", "content",
    ] {
        assert!(stages.contains(&stage), "{stage} is not among {stages:?}");
    }
    let text = receipt["reply"]["text"].take();
    assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{receipt:#}");
    let expected = json!({
        "accepted": ["jo@example.org"],
        "rejected": [],
        "messageId": null,
        "envelope": { "from": "no-reply@example.com", "to": ["jo@example.org"] },
        "reply": { "code": 250, "enhanced": "2.0.0", "text": null },
        "tls": { "version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "verified": true },
        "attempts": 1,
        "timings": null,
    });
    check_json(&receipt, &expected, "receipt");
}

#[test]
fn a_reply_of_several_lines_is_joined_and_a_missing_status_left_out() {
    let peer = Peer::start(up_to_content().say("250-taken\r\n250 thank you\r\n").quit());
    let outcome = send(&configuration(peer.port(), &json!({}))).run_blocking();
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    check_json(
        &outcome.json()["reply"],
        &json!({ "code": 250, "text": "taken\nthank you" }),
        "reply",
    );
    peer.finish_blocking();
}

#[test]
fn people_read_a_receipt_in_lines() {
    let peer = Peer::start(up_to_content().say("250 2.0.0 queued\r\n").quit());
    let arguments = ["send", "config.json", "--type", "SignIn", "--to", "jo@example.org"];
    let file = configuration(peer.port(), &json!({})).to_string();
    let outcome = command(arguments).file("config.json", file).run_blocking();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let expected = "accepted 250 2.0.0 queued\n  from       no-reply@example.com\n  to         \
        jo@example.org\n";
    assert!(outcome.stdout.starts_with(expected), "{}", outcome.stdout);
    peer.finish_blocking();
}

#[test]
fn what_never_reaches_a_server_is_told_apart() {
    let failure =
        |kind: &str| json!({ "kind": kind, "transient": false, "ambiguous": false, "attempts": 0 });
    let sound = configuration(9, &json!({}));
    let cases = [
        (send(&sound).arg("--colour"), 64, "usage"),
        (send(&sound).args(&["--template", "missing.json"]), 66, "input"),
        (send(&sound).args(&["--payload", "@missing.json"]), 66, "input"),
        (send(&sound).args(&["--component", "missing.wasm"]), 66, "input"),
        (send(&sound).args(&["--payload", "[]"]), 65, "payload"),
        (send(&sound).args(&["--component", "config.json"]), 70, "component"),
    ];
    for (cli, code, kind) in cases {
        let outcome = cli.run_blocking();
        check_failure(&outcome, code, &failure(kind));
    }
    let to = ["send", "config.json", "--type", "SignIn", "--to", "jo, sam@example.org", "--json"];
    let outcome = command(to).file("config.json", sound.to_string()).run_blocking();
    check_failure(&outcome, 65, &failure("address"));
    let template = r#"{"subject":"{{#if}}","content":""}"#;
    let outcome =
        send(&sound).args(&["--template", "t.json"]).file("t.json", template).run_blocking();
    check_failure(&outcome, 65, &failure("template"));
}

#[test]
fn a_configuration_with_errors_brings_its_findings() {
    let outcome = send(&configuration(0, &json!({}))).run_blocking();
    let finding = &outcome.json()["error"]["diagnostics"][0];
    assert_eq!((&finding["severity"], &finding["path"]), (&json!("error"), &json!("/port")));
    let expected = json!({
        "kind": "configuration", "transient": false, "ambiguous": false, "attempts": 0,
        "diagnostics": [finding],
    });
    check_failure(&outcome, 78, &expected);
}

#[test]
fn a_name_without_an_address_is_no_host() {
    let outcome = send(&configuration(25, &json!({ "host": "nowhere.invalid" }))).run_blocking();
    let error = &outcome.json()["error"];
    assert_eq!(
        (outcome.code, &error["kind"], &error["stage"]),
        (Some(68), &json!("dns"), &json!("dns"))
    );
    assert_eq!((error.get("code"), error.get("reply")), (None, None));
}

#[test]
fn a_refused_connection_may_pass_and_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    drop(listener);
    let outcome = send(&configuration(port, &json!({}))).run_blocking();
    let expected = json!({
        "kind": "connect", "stage": "connect", "transient": true, "ambiguous": false, "attempts": 1,
    });
    check_failure(&outcome, 69, &expected);
}

#[test]
fn refusals_for_good_name_their_stage() {
    let greeting = Script::new().say("554 5.3.2 closed\r\n");
    let cases = [
        (greeting, 69, "greeting", 554, "5.3.2", "closed"),
        (
            Script::offering(&[]).on("MAIL *", "550 5.7.1 no\r\n").quit(),
            69,
            "mail",
            550,
            "5.7.1",
            "no",
        ),
        (
            up_to_mail(&[]).on("RCPT *", "550-5.1.1 no such\r\n550 5.1.1 mailbox\r\n").quit(),
            67,
            "rcpt",
            550,
            "5.1.1",
            "no such\nmailbox",
        ),
        (up_to_rcpt().on("DATA", "554 5.5.1 no\r\n").quit(), 69, "data", 554, "5.5.1", "no"),
        (
            up_to_content().say("552 5.3.4 too big\r\n").quit(),
            69,
            "content",
            552,
            "5.3.4",
            "too big",
        ),
    ];
    for (script, exit, stage, code, enhanced, text) in cases {
        let expected = json!({
            "kind": "refused", "stage": stage, "code": code, "enhanced": enhanced, "reply": text,
            "transient": false, "ambiguous": false, "attempts": 1,
        });
        check_peer(vec![script], &json!({}), exit, &expected);
    }
}

/// What a server has against a sender, a client or an account it may say at RCPT.
#[test]
fn a_recipient_is_refused_only_where_it_is_to_blame() {
    let cases = [
        ("550 5.1.1 <jo@example.org>: Recipient address rejected: User unknown", 67, "refused"),
        ("550 no", 67, "refused"),
        ("504 5.5.2 <app>: Helo command rejected: need fully-qualified hostname", 69, "refused"),
        ("553 5.7.1 <a@example.com>: Sender address rejected: not owned by user", 69, "refused"),
        ("550 5.4.5 Daily user sending limit exceeded", 69, "refused"),
        ("554 5.7.1 <jo@example.org>: Relay access denied", 69, "refused"),
        ("554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org", 69, "refused"),
        ("550 5.7.1 Access denied", 69, "refused"),
        ("550 5.7.1 Authentication required", 77, "credentials"),
        ("530 5.7.0 Must issue a STARTTLS command first", 77, "credentials"),
    ];
    for (reply, exit, kind) in cases {
        let script = up_to_mail(&[]).on("RCPT *", format!("{reply}\r\n")).quit();
        let peer = Peer::start(script);
        let outcome = send(&configuration(peer.port(), &json!({}))).run_blocking();
        let error = &outcome.json()["error"];
        assert_eq!(
            (outcome.code, &error["kind"], &error["stage"]),
            (Some(exit), &json!(kind), &json!("rcpt")),
            "{reply}: {outcome:#?}"
        );
        peer.finish_blocking();
    }
}

#[test]
fn what_may_pass_is_tried_twice() {
    let busy = || up_to_mail(&[]).on("RCPT *", "451 later\r\n").quit();
    let expected = json!({
        "kind": "temporary", "stage": "rcpt", "code": 451, "reply": "later",
        "transient": true, "ambiguous": false, "attempts": 2,
    });
    check_peer(vec![busy(), busy()], &json!({}), 75, &expected);
}

#[test]
fn silence_is_not_tried_again() {
    let expected = json!({
        "kind": "timeout", "stage": "greeting", "transient": true, "ambiguous": false,
        "attempts": 1,
    });
    check_peer(vec![Script::new().stall()], &json!({ "greetingTimeout": 200 }), 75, &expected);
}

#[test]
fn a_loss_after_the_final_dot_is_ambiguous_and_not_tried_again() {
    let peer = Peer::start(up_to_content().close());
    let outcome = send(&configuration(peer.port(), &json!({}))).run_blocking();
    let expected = json!({
        "kind": "lost", "stage": "content", "transient": false, "ambiguous": true, "attempts": 1,
    });
    check_failure(&outcome, 75, &expected);
    assert!(
        outcome.stderr.contains("the server may have accepted the message"),
        "{}",
        outcome.stderr
    );
    peer.finish_blocking();
}

#[test]
fn what_is_no_smtp_is_a_broken_dialogue() {
    let script = Script::new().say("SSH-2.0-server\r\n").stall();
    let expected = json!({
        "kind": "protocol", "stage": "greeting", "transient": false, "ambiguous": false,
        "attempts": 1,
    });
    check_peer(vec![script], &json!({}), 76, &expected);
}

#[test]
fn refused_credentials_are_final() {
    let script = Script::offering(&["AUTH PLAIN"]).on("AUTH PLAIN *", "535 5.7.8 wrong\r\n").quit();
    let expected = json!({
        "kind": "credentials", "stage": "auth", "code": 535, "enhanced": "5.7.8", "reply": "wrong",
        "transient": false, "ambiguous": false, "attempts": 1,
    });
    check_peer(
        vec![script],
        &json!({ "auth": { "user": "mailer", "pass": "open-sesame" } }),
        77,
        &expected,
    );
}

#[test]
fn an_unknown_certificate_fails_at_tls() {
    let server = Identity::self_signed().server();
    let script = Script::offering(&["STARTTLS"]).on("STARTTLS", "220 go\r\n").fail_tls(&server);
    let expected = json!({
        "kind": "tls", "stage": "tls", "transient": false, "ambiguous": false, "attempts": 1,
    });
    check_peer(vec![script], &json!({}), 69, &expected);
    let trusted = Authority::new();
    let script = Script::offering(&["STARTTLS"]).starttls(&trusted.localhost().server()).ehlo(&[]);
    let script = script.on("MAIL *", "550 5.7.1 no\r\n").quit();
    let expected = json!({
        "kind": "refused", "stage": "mail", "code": 550, "enhanced": "5.7.1", "reply": "no",
        "transient": false, "ambiguous": false, "attempts": 1,
    });
    check_peer(vec![script], &json!({ "tls": { "ca": trusted.pem() } }), 69, &expected);
}

#[test]
fn the_egress_policy_is_asked_before_any_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.set_nonblocking(true).expect("a listener can be made non-blocking");
    let port = listener.local_addr().expect("it is bound").port();
    for policy in ["public", "192.0.2.1", "relay.example"] {
        for host in ["127.0.0.1", "localhost"] {
            let configuration = configuration(port, &json!({ "host": host }));
            let outcome = send(&configuration).args(&["--egress", policy]).run_blocking();
            let error = &outcome.json()["error"];
            assert_eq!(
                (outcome.code, &error["kind"]),
                (Some(77), &json!("egress")),
                "{outcome:#?}"
            );
            assert_eq!(error["transient"], json!(false));
        }
    }
    let untouched = listener.accept().map_err(|error| error.kind());
    assert_eq!(untouched.err(), Some(std::io::ErrorKind::WouldBlock), "a connection was made");
    let peer = Peer::start(up_to_content().say("250 ok\r\n").quit());
    let allowed = send(&configuration(peer.port(), &json!({})))
        .args(&["--egress", "127.0.0.1,relay.example"]);
    assert_eq!(allowed.run_blocking().code, Some(0));
    peer.finish_blocking();
}
