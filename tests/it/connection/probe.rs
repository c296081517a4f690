//! What `verify` finds out about a port that speaks otherwise than the configuration has it.

use serde_json::{Value, json};
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::certificates::Authority;
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::session::verify;

#[track_caller]
fn check(scripts: Vec<Script>, members: &Value, stage: Stage, kind: ErrorKind, cure: &str) {
    let peer = Peer::start_all(scripts);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let verification = runtime.block_on(verify(peer.port(), members));
    runtime.block_on(peer.finish());
    let error = verification.error.expect("a failure");
    assert_eq!((error.stage(), error.kind()), (Some(stage), kind), "{error:?}");
    assert!(
        error.hint().is_some_and(|hint| hint.contains(cure)),
        "{:?} does not say {cure}",
        error.hint()
    );
    assert_eq!(verification.stages.last().map(|last| last.stage), Some(stage));
}

#[test]
fn a_port_of_implicit_tls_is_known_by_its_handshake() {
    let server = Authority::new().localhost().server();
    let short = json!({ "greetingTimeout": 200 });
    let handshake = Script::new().tls(&server);
    let scripts = vec![Script::new().stall(), handshake.clone()];
    check(scripts, &short, Stage::Greeting, ErrorKind::Timeout, "set `secure` to true");
    let scripts = vec![Script::new().close(), handshake];
    check(scripts, &json!({}), Stage::Greeting, ErrorKind::Lost, "set `secure` to true");
}

#[test]
fn a_port_in_clear_is_known_by_its_greeting() {
    let short = json!({ "secure": true, "connectionTimeout": 300 });
    let starttls = || Script::offering(&["STARTTLS"]).quit();
    let scripts = vec![Script::greeting().stall(), starttls()];
    check(
        scripts,
        &short,
        Stage::Tls,
        ErrorKind::Tls,
        "plaintext with STARTTLS, set `secure` to false",
    );
    let scripts = vec![Script::new().stall(), starttls()];
    check(
        scripts,
        &short,
        Stage::Tls,
        ErrorKind::Timeout,
        "plaintext with STARTTLS, set `secure` to false",
    );
    let scripts = vec![Script::greeting().stall(), Script::offering(&["SIZE"]).quit()];
    check(scripts, &short, Stage::Tls, ErrorKind::Tls, "without STARTTLS: set `secure` to false");
}

#[test]
fn a_port_that_says_nothing_is_told_as_such() {
    let short = json!({ "greetingTimeout": 200 });
    let scripts = vec![Script::new().stall(), Script::new().close()];
    check(scripts, &short, Stage::Greeting, ErrorKind::Timeout, "says nothing");
}

#[test]
fn a_certificate_is_no_reason_to_ask_again() {
    let server = Authority::new().localhost().server();
    let scripts = vec![Script::new().fail_tls(&server)];
    check(scripts, &json!({ "secure": true }), Stage::Tls, ErrorKind::Tls, "`tls.ca`");
}
