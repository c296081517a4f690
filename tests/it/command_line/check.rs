//! `check`: every finding at its place, for people and for programs, whatever the input.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use smtp_connector_tests::cli::Outcome;

use crate::helpers::command::{CONSOLE, MEMORY, check_json, command, peak_memory};

/// A configuration with ten faults.
const FAULTY: &str = include_str!("../../fixtures/ten-faults.json");

/// The faults: severity, code, pointer and the line of the file that shows it.
const FAULTS: [(&str, &str, &str, usize); 10] = [
    ("error", "invalid-port", "/port", 3),
    ("error", "wrong-type", "/secure", 4),
    ("error", "contradiction", "/ignoreTLS", 5),
    ("warning", "unknown-key", "/auth/passwort", 9),
    ("error", "missing-key", "/auth/pass", 7),
    ("error", "invalid-address", "/fromEmail", 11),
    ("error", "invalid-header-value", "/customHeaders/X-Campaign", 13),
    ("warning", "unknown-key", "/colour", 15),
    ("error", "out-of-range", "/connectionTimeout", 18),
    ("error", "missing-template", "/templates", 19),
];

fn check(input: impl AsRef<[u8]>, arguments: &[&str]) -> Outcome {
    command(["check", "config.json"].iter().chain(arguments))
        .file("config.json", input)
        .run_blocking()
}

#[track_caller]
fn check_finding(input: impl AsRef<[u8]>, code: &str, message: &str) {
    let outcome = check(&input, &["--json"]);
    let expected = (Some(78), json!(false), json!(1));
    let document = outcome.json();
    let count = json!(document["diagnostics"].as_array().map(Vec::len));
    assert_eq!((outcome.code, document["ok"].clone(), count), expected, "{outcome:#?}");
    let found = &document["diagnostics"][0];
    assert_eq!((&found["severity"], &found["path"]), (&json!("error"), &json!("")));
    assert_eq!((found["code"].as_str(), found["message"].as_str()), (Some(code), Some(message)));
    assert_eq!(document.get("transport"), None);
    let shown = check(input, &[]);
    assert_eq!(shown.code, Some(78));
    assert!(shown.stdout.contains(message) && shown.stdout.contains(code), "{shown:#?}");
    assert!(shown.stdout.ends_with("config.json: 1 error\n"), "{shown:#?}");
}

#[test]
fn a_console_configuration_is_sound() {
    let outcome = check(CONSOLE, &["--json"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let document = outcome.json();
    let keys: BTreeSet<_> =
        document.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, BTreeSet::from(["diagnostics", "ok", "transport"]));
    check_json(&document["diagnostics"], &json!([]), "console");
    let transport = &document["transport"];
    let shown = ["host", "port", "tls", "auth"].map(|key| &transport[key]);
    let expected =
        [json!("127.0.0.1"), json!(587), json!("opportunistic-starttls"), json!("password")];
    assert_eq!(shown, expected.each_ref());
    let shown = check(CONSOLE, &[]);
    let expected = "config.json: nothing to complain about → 127.0.0.1:587, tls \
        opportunistic-starttls, auth password\n";
    assert_eq!((shown.code, shown.stdout.as_str(), shown.stderr.as_str()), (Some(0), expected, ""));
}

#[test]
fn every_example_is_sound() {
    let known = command(["describe"]).run_blocking().json();
    let expected = [
        ("gmail", "implicit", "password"),
        ("gmail-oauth2", "implicit", "oauth2-refresh"),
        ("sendgrid", "required-starttls", "password"),
        ("aliyun", "implicit", "password"),
        ("outlook365", "required-starttls", "oauth2-client-credentials"),
        ("all", "required-starttls", "password"),
        ("demo", "opportunistic-starttls", "password"),
    ];
    let ids: Vec<_> =
        known["examples"].as_array().into_iter().flatten().map(|one| &one["id"]).collect();
    assert_eq!(ids, expected.map(|(id, _, _)| id));
    for (id, tls, auth) in expected {
        let example = command(["example", id]).run_blocking();
        let outcome = check(&example.stdout, &["--json"]);
        let document = outcome.json();
        assert_eq!((outcome.code, &document["diagnostics"]), (Some(0), &json!([])), "{id}");
        let transport = &document["transport"];
        assert_eq!((&transport["tls"], &transport["auth"]), (&json!(tls), &json!(auth)), "{id}");
    }
}

#[test]
fn the_token_and_the_absence_of_a_login_have_names() {
    let with = |auth: Value| {
        let mut configuration: Value = serde_json::from_str(CONSOLE).expect("the fixture is JSON");
        configuration["auth"] = auth;
        configuration.to_string()
    };
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let cases = [
        (json!({}), "none"),
        (json!({ "type": "OAuth2", "user": "u@a.test", "accessToken": "t0ken" }), "oauth2-token"),
        (
            json!({ "user": "u@a.test", "serviceClient": "me@a.test", "privateKey": key }),
            "oauth2-jwt",
        ),
    ];
    for (auth, name) in cases {
        let document = check(with(auth), &["--json"]).json();
        if name == "oauth2-jwt" && document["ok"] == json!(false) {
            // Whether this key can be used is the host's to say; how it would log in is not in
            // question.
            continue;
        }
        assert_eq!(document["transport"]["auth"], json!(name), "{document:#}");
    }
}

#[test]
fn ten_faults_are_reported_at_once_each_at_its_place() {
    let outcome = check(FAULTY, &["--json"]);
    assert_eq!(outcome.code, Some(78));
    let document = outcome.json();
    let found: Vec<_> = document["diagnostics"].as_array().expect("a list").iter().collect();
    assert_eq!(found.len(), FAULTS.len(), "{document:#}");
    for (severity, code, path, _) in FAULTS {
        let matches = |found: &&&Value| {
            found["severity"] == severity && found["code"] == code && found["path"] == path
        };
        assert!(found.iter().any(|found| matches(&found)), "no {code} at {path} in {document:#}");
    }
    for found in found {
        let keys: Vec<_> =
            found.as_object().expect("an object").keys().map(String::as_str).collect();
        assert!(
            keys == ["severity", "code", "path", "message", "help"]
                || keys == ["severity", "code", "path", "message"],
            "{found:#}"
        );
    }
}

#[test]
fn people_see_the_lines_that_the_findings_are_about() {
    let outcome = check(FAULTY, &[]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(78), ""));
    insta::assert_snapshot!("ten_faults", outcome.stdout);
    for (_, code, path, line) in FAULTS {
        let report =
            outcome.stdout.split(&format!("{code} {path}\n")).nth(1).expect("it is reported");
        let place = format!("[config.json:{line}:");
        assert!(
            report.split('╰').next().is_some_and(|head| head.contains(&place)),
            "{path}: {report}"
        );
    }
    for hidden in ["open-sesame", "magenta", "\u{1b}"] {
        assert!(!outcome.stdout.contains(hidden), "{hidden} is shown");
    }
}

#[test]
fn a_minified_file_is_quoted_in_part() {
    let minified = FAULTY.lines().map(str::trim).collect::<String>();
    let outcome = check(&minified, &[]);
    assert_eq!(outcome.code, Some(78));
    let widest = outcome
        .stdout
        .lines()
        .filter(|line| line.starts_with(" 1 │"))
        .map(|line| line.chars().count());
    let widest = widest.max().expect("lines are quoted");
    assert!(widest <= 140, "{widest} characters: {}", outcome.stdout);
    for (pointer, value) in [("/port", "70000"), ("/connectionTimeout", "-3")] {
        let column = minified.find(value).expect("the value is there") + 1;
        let place = format!("[config.json:1:{column}]");
        let report = outcome.stdout.split(&format!(" {pointer}\n")).nth(1).expect("it is reported");
        assert!(
            report.split('╰').next().is_some_and(|head| head.contains(&place)),
            "{place}: {report}"
        );
        assert!(report.contains(value));
    }
    assert!(!outcome.stdout.contains("open-sesame") && !outcome.stdout.contains("magenta"));
}

#[test]
fn places_are_those_of_the_file_behind_values_that_are_not_quoted() {
    let text = "{\n \"colour\": {\n  \"of\": \"magenta-0815\"\n },\n \"port\": 70000\n}";
    let outcome = check(text, &[]);
    assert!(
        outcome.stdout.contains("[config.json:5:10]\n 5 │  \"port\": 70000\n"),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome.stdout.contains("[config.json:2:12]\n 2 │  \"colour\": \"***\",\n"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_repeated_key_hides_no_secret_from_the_mask() {
    let text = concat!(
        r#"{"auth":{"user":"u","pass":"first-secret"},"port":70000,"#,
        r#""auth":{"user":"u","pass":"second-secret"}}"#,
    );
    let outcome = check(text, &[]);
    assert_eq!(outcome.code, Some(78));
    assert!(outcome.stdout.contains("70000"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("-secret"), "{}", outcome.stdout);
}

#[test]
fn what_is_no_configuration_is_one_finding() {
    let depth = 100_000;
    let cases = [
        (b"[]".to_vec(), "wrong-type", "expected an object, found an array"),
        (b"5".to_vec(), "wrong-type", "expected an object, found a number"),
        (b"null".to_vec(), "wrong-type", "expected an object, found null"),
        (
            b"".to_vec(),
            "not-json",
            "the configuration is not valid JSON: EOF while parsing a value at line 1 column 0",
        ),
        (
            b"{\"host\": \"a\",\n \"port\": 5,,}".to_vec(),
            "not-json",
            "the configuration is not valid JSON: key must be a string at line 2 column 12",
        ),
        (
            b"{} trailing".to_vec(),
            "not-json",
            "the configuration is not valid JSON: trailing characters at line 1 column 4",
        ),
        (
            b"{\"host\": \"a\xff\"}".to_vec(),
            "not-utf8",
            "the configuration is not UTF-8: byte 11 begins no character",
        ),
        (
            [vec![b'['; depth], vec![b']'; depth]].concat(),
            "not-json",
            "the configuration is not valid JSON: recursion limit exceeded at line 1 column 128",
        ),
        (
            vec![b' '; 17 << 20],
            "too-large",
            "the configuration has 16777217 bytes; at most 16777216 are read",
        ),
    ];
    for (input, code, message) in cases {
        check_finding(input, code, message);
    }
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_configuration() {
    let outcome = check(format!("\u{feff}{CONSOLE}"), &["--json"]);
    assert_eq!((outcome.code, &outcome.json()["ok"]), (Some(0), &json!(true)));
}

#[test]
fn the_last_of_repeated_keys_counts() {
    let repeated = CONSOLE.replacen('{', r#"{"port": 25, "host": "first.example","#, 1);
    let outcome = check(repeated, &["--json"]);
    let transport = &outcome.json()["transport"];
    assert_eq!((&transport["host"], &transport["port"]), (&json!("127.0.0.1"), &json!(587)));
}

#[test]
fn warnings_leave_a_configuration_sound() {
    let warned = CONSOLE.replacen('{', r#"{"colour": "magenta-0815","#, 1);
    let outcome = check(&warned, &["--json"]);
    let document = outcome.json();
    assert_eq!((outcome.code, &document["ok"]), (Some(0), &json!(true)));
    let found = &document["diagnostics"][0];
    assert_eq!((&found["severity"], &found["path"]), (&json!("warning"), &json!("/colour")));
    assert!(!outcome.stdout.contains("magenta"));
    let shown = check(&warned, &[]);
    assert_eq!(shown.code, Some(0));
    assert!(shown.stdout.contains("config.json: 1 warning → 127.0.0.1:587"), "{}", shown.stdout);
}

#[test]
fn standard_input_is_read() {
    for arguments in [["check", "-", "--json"], ["check", "--json", "-"]] {
        let outcome = command(arguments).stdin(CONSOLE).run_blocking();
        assert_eq!((outcome.code, &outcome.json()["ok"]), (Some(0), &json!(true)));
    }
    let shown = command(["check", "-"]).stdin(FAULTY).run_blocking();
    assert!(shown.stdout.contains("[standard input:3:11]"), "{}", shown.stdout);
}

#[test]
fn what_cannot_be_read_is_named() {
    for name in ["missing.json", "."] {
        let outcome = command(["check", name, "--json"]).run_blocking();
        let error = &outcome.json()["error"];
        assert_eq!((outcome.code, &error["kind"]), (Some(66), &json!("input")), "{outcome:#?}");
        assert!(outcome.stderr.contains(&format!("cannot read `{name}`")), "{}", outcome.stderr);
        let shown = command(["check", name]).run_blocking();
        assert_eq!((shown.code, shown.stdout.as_str()), (Some(66), ""));
    }
}

#[test]
fn many_findings_are_counted_and_not_all_shown() {
    let unknown: String = (0..5000).map(|number| format!("\"k{number}\": 0,\n")).collect();
    let faulty = CONSOLE.replace("\"dnsTimeout\": 30000", "\"dnsTimeout\": -3");
    let outcome = check(faulty.replacen('{', &format!("{{{unknown}"), 1), &[]);
    assert_eq!(outcome.code, Some(78));
    assert!(outcome.stdout.starts_with("out-of-range /dnsTimeout\n"), "{}", &outcome.stdout[..200]);
    assert!(
        outcome.stdout.contains("… and 4901 more; `check --json` lists all"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stdout.ends_with("config.json: 1 error, 5000 warnings\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn hostile_configurations_stay_within_the_memory_of_a_command() {
    let list = |item: &str, count: usize| {
        format!("{{\"x\":[{}{item}]}}", format!("{item},").repeat(count - 1))
    };
    let nested = format!("{}{}", "{\"a\":[".repeat(60), "]}".repeat(60));
    let members = |member: &str, count| {
        let members: Vec<_> =
            (0..count).map(|number| member.replace('#', &format!("{number:07}"))).collect();
        format!("{{{}}}", members.join(","))
    };
    let cases = [
        ("zeros", list("0", 8_000_000)),
        ("nested", list(&nested, (16 << 20) / (nested.len() + 1) - 1)),
        ("open", "{\"a\":[".repeat((16 << 20) / 6)),
        ("unknown keys", members("\"k#\":0", 1_000_000)),
        ("some unknown keys", members("\"k#\":0", 60_000)),
        ("secrets", members("\"k#\":{\"pass\":\"abcde\"}", 500_000)),
        ("sources", members("\"k#\":{\"pass\":{\"env\":\"A\"}}", 400_000)),
        (
            "a long name above secrets",
            format!("{{\"{}\":{}}}", "n".repeat(8 << 20), list("{\"pass\":\"p\"}", 500_000)),
        ),
        ("objects", list("{}", 5_000_000)),
        ("fields of a URL", {
            let fields: Vec<_> = (0..1_000_000).map(|number| format!("k{number:07}=1")).collect();
            format!("{{\"url\":\"smtp://h?{}\"}}", fields.join("&"))
        }),
        ("one long field of a URL", {
            format!("{{\"url\":\"smtp://h?a=b@{}\"}}", "é@".repeat(4 << 20))
        }),
        ("a long line", format!("{{\"host\":\"a\",\"fromEmail\":\"{}\"}}", "a".repeat(15 << 20))),
    ];
    for (name, input) in cases {
        assert!(input.len() <= 16 << 20, "{name} has {} bytes", input.len());
        check_memory(name, &input);
    }
}

/// Watches the memory of a check until it ends.
#[cfg(target_os = "linux")]
#[track_caller]
fn check_memory(name: &str, input: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("config.json");
    std::fs::write(&file, input).expect("the folder can be written");
    let (code, peak) = peak_memory(&["check".as_ref(), file.as_os_str()]);
    assert_eq!(code, Some(78), "{name}");
    assert!((1..MEMORY).contains(&peak), "{name} took {peak} KB");
}
