//! What a configuration brings to the log, and what never gets there.

pub(crate) mod options;
mod session;

use serde_json::{Value, json};
use smtp_connector_tests::cli::Outcome;
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::command::{command, configuration};
use crate::helpers::tenant::with;

/// Sends a message with these members and arguments; its log never shows a secret.
pub(crate) fn send(members: &Value, arguments: &[&str]) -> Outcome {
    let script =
        Script::offering(&["AUTH PLAIN"]).on("AUTH PLAIN *", "235 welcome\r\n").takes_mail();
    let peer = Peer::start(script);
    let all = with(json!({ "auth": { "user": "mailer", "pass": "pw-zebra-4711" } }), members);
    let outcome =
        command(["send", "config.json", "--type", "SignIn", "--to", "jo@example.org", "--json"])
            .args(&["--payload", r#"{"code":"739164285"}"#])
            .args(arguments)
            .file("config.json", configuration(peer.port(), &all).to_string())
            .run_blocking();
    peer.finish_blocking();
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    for secret in ["pw-zebra-4711", "739164285", "AG1haWxlcgBwdy16ZWJyYS00NzEx"] {
        assert!(!outcome.stderr.contains(secret), "{}", outcome.stderr);
    }
    outcome
}
