//! What `logger`, `debug` and `transactionLog` bring to the log, and what never gets there.

use serde_json::json;

use super::send;

#[test]
fn nothing_is_logged_unless_the_configuration_or_the_command_asks() {
    assert_eq!(send(&json!({}), &[]).stderr, "");
    assert_eq!(send(&json!({ "logger": false }), &[]).stderr, "");
    let asked = send(&json!({}), &["--log", "debug"]).stderr;
    assert!(
        asked.contains("AUTH PLAIN ***") && asked.contains("MAIL FROM:<no-reply@example.com>"),
        "{asked}"
    );
    assert_eq!(send(&json!({ "logger": true }), &["--log", "off"]).stderr, "");
}

#[test]
fn the_logger_logs_the_dialogue_and_debug_the_traffic_too() {
    for members in [json!({ "logger": true }), json!({ "logger": true, "transactionLog": true })] {
        let log = send(&members, &[]).stderr;
        for line in [
            "220 peer ESMTP",
            "AUTH PLAIN ***",
            "RCPT TO:<jo@example.org>",
            "250 2.0.0 queued as 42",
        ] {
            assert!(log.contains(line), "{line} is not in\n{log}");
        }
        assert!(!log.contains("direction"), "{log}");
    }
    let log = send(&json!({ "logger": true, "debug": true }), &[]).stderr;
    assert!(log.contains("direction=\"sent\" bytes=6"), "{log}");
    assert!(log.contains("direction=\"received\" bytes="), "{log}");
}
