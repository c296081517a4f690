//! The keys that bring the session to the log.

use serde_json::json;

use super::send;
use crate::helpers::proof::{check, check_keys};

#[test]
pub(crate) fn logger() {
    assert_eq!(send(&json!({ "logger": false }), &[]).stderr, "");
    let log = send(&json!({ "logger": true }), &[]).stderr;
    assert!(
        log.contains("INFO") && log.contains("AUTH PLAIN ***") && log.contains("queued as 42"),
        "{log}"
    );
    let debug = send(&json!({}), &["--log", "debug"]).stderr;
    assert!(debug.contains("DEBUG") && debug.contains("AUTH PLAIN ***"), "{debug}");
    in_runtime(check([(json!({ "logger": {} }), "error wrong-type /logger")]));
}

#[test]
pub(crate) fn debug() {
    let log = send(&json!({ "logger": true, "debug": true }), &[]).stderr;
    assert!(log.contains("direction=\"sent\" bytes=6"), "{log}");
    assert!(!send(&json!({ "logger": true }), &[]).stderr.contains("direction"));
    in_runtime(check([(json!({ "debug": true }), "warning no-effect /debug")]));
}

#[test]
pub(crate) fn transaction_log() {
    let log = send(&json!({ "logger": true, "transactionLog": true }), &[]).stderr;
    assert!(log.contains("AUTH PLAIN ***") && !log.contains("direction"), "{log}");
    in_runtime(check([(json!({ "transactionLog": true }), "warning no-effect /transactionLog")]));
}

#[tokio::test]
pub(crate) async fn component() {
    check_keys("", &["component"], "warning no-effect").await;
}

fn in_runtime(checked: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(checked);
}
