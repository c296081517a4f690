//! The packed connector and Logto's own, in Logto's loader: through Postfix their mails are alike.

use std::process::Command;

use serde_json::json;
use smtp_connector_tests::real::{PASSWORD, Postfix, RECIPIENT, Site, USER};

/// Loads both, sends each type of mail with each, and compares what arrives.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../node/test/through-postfix.js");

#[test]
#[ignore = "needs Postfix, Dovecot and the packages for Node; .ci/run makes and installs them"]
fn logto_sends_the_same_mails_as_with_its_own_connector() {
    let site = Site::new();
    let postfix = Postfix::start(&site);
    let place = json!({
        "submission": postfix.submission_port(),
        "smtps": postfix.smtps_port(),
        "relay": postfix.relay_port(),
        "authority": site.authority(),
        "user": USER,
        "password": PASSWORD,
        "recipient": RECIPIENT,
        "inbox": site.join("mail/inbox/new"),
    });
    let mut node = Command::new("node");
    node.arg(SCRIPT).arg(place.to_string());
    let output = node.output().expect("Node is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", site.logs());
}
