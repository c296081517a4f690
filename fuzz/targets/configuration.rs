//! A configuration is checked in the sandbox: the component behaves, and nothing that is said
//! quotes a secret.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use smtp_connector::Options;
use smtp_connector_fuzz::BENCH;

/// What secrets are known by.
const MARK: &str = "c4n4ry";

// Made ahead of the first run, lest its time be that run's.
fuzz_target!(init: { LazyLock::force(&BENCH); }, |text: &str| {
    let options = Options::default();
    let check = BENCH.connector.check(text, &options);
    let check = match BENCH.runtime.block_on(check) {
        Ok(check) => check,
        Err(error) => panic!("{:?}: {error}", error.kind()),
    };
    if text.matches(MARK).count() == 1 && is_secret(text) {
        let quotable = BENCH.connector.quotable(text, &check.diagnostics);
        let told = format!("{:?} {quotable:?}", check.diagnostics);
        assert!(!told.contains(MARK), "a secret is quoted: {told}");
    }
});

/// Whether the mark stands in a secret.
fn is_secret(text: &str) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return false };
    let marked = |pointer: &String| {
        let text = document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let is_url = pointer.ends_with("/url") || pointer.ends_with("/proxy");
        text.contains(MARK) && (!is_url || is_password(text))
    };
    BENCH.connector.descriptor().secret_pointers.iter().any(marked)
}

/// Whether the mark stands where a URL has its password: behind a user and a colon, ahead of any
/// path and query.
fn is_password(url: &str) -> bool {
    let before = url.split(MARK).next().unwrap_or_default();
    let user = before.split_once("//").filter(|(scheme, _)| !scheme.contains(['?', '#']));
    let user = user.and_then(|(_, user)| user.strip_suffix(':'));
    user.is_some_and(|user| !user.is_empty() && !user.contains(['/', '?', '#', '@', ':']))
}
