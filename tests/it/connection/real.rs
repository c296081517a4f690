//! The system's resolver: one that never answers, and a name with several addresses. The connector
//! gets a mount namespace of its own, in which the resolver's files are others.

use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smtp_connector_tests::cli::binary;
use smtp_connector_tests::peer::{Peer, Script};
use tempfile::TempDir;

use crate::helpers::command::configuration;

/// Sends a mail where this text stands in place of a file of the system.
fn send(file: &str, text: &str, configuration: &Value) -> Value {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the folder is ours");
        path
    };
    let replacement = write("replacement", text);
    let configuration = write("config.json", &configuration.to_string());
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", r#"mount --bind "$1" "$2" && shift 2 && exec "$@""#, "sh"])
        .arg(replacement)
        .arg(file)
        .arg(binary())
        .args(["send", "--type", "SignIn", "--to", "ann@b.test", "--json"])
        .arg(configuration)
        .env("XDG_CACHE_HOME", binary().with_file_name("test-cache"))
        .output()
        .expect("util-linux is part of Debian");
    let errors = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

#[test]
#[ignore = "needs root and a mount namespace; .ci/run has both"]
fn a_resolver_that_never_answers_is_given_up_in_time() {
    // The port of DNS, at an address of loopback that nothing else listens on.
    let _silent = UdpSocket::bind("127.0.0.77:53").expect("we are root");
    let configuration = configuration(
        587,
        &json!({ "host": "mx.example.org", "dnsTimeout": 700, "maxRequeues": 0 }),
    );
    let begun = Instant::now();
    let document = send("/etc/resolv.conf", "nameserver 127.0.0.77\n", &configuration);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let error = &document["error"];
    assert_eq!(
        (&error["kind"], &error["stage"], &error["transient"]),
        (&json!("dns"), &json!("dns"), &json!(true))
    );
}

#[test]
#[ignore = "needs root and a mount namespace; .ci/run has both"]
fn the_addresses_of_a_name_are_tried_in_turn() {
    let peer = Peer::start(Script::offering(&[]).takes_mail());
    let configuration = configuration(peer.port(), &json!({ "host": "mx.several.test" }));
    let hosts = "127.0.0.2 mx.several.test\n127.0.0.3 mx.several.test\n127.0.0.1 mx.several.test\n";
    let document = send("/etc/hosts", hosts, &configuration);
    assert_eq!(document["accepted"], json!(["ann@b.test"]), "{document}");
    peer.finish_blocking();
}
