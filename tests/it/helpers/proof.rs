//! How a row is proved: by what the check says to a configuration, by the plan that it makes, or by
//! a session with a server that is, or is not, this machine.

use serde_json::{Value, json};
use smtp_connector::{Check, ErrorKind, Stage, Verification};
use smtp_connector_tests::peer::{Peer, Script};

use super::session;
use super::tenant::{self, with};
use crate::proxy::connect;

/// The check of a configuration with a host, a sender, templates, and these members.
async fn examine(members: &Value) -> Check {
    let base = json!({
        "host": "mx.example", "fromEmail": "no-reply@acme.test",
        "templates": tenant::templates("{{code}}"),
    });
    let configuration = with(base, members).to_string();
    tenant::bundled().await.check(&configuration, &tenant::local()).await.expect("a report")
}

/// The findings on these members: severity, code and place, in the order of the document.
pub(crate) async fn findings(members: &Value) -> String {
    let found = examine(members).await.diagnostics.into_iter().map(|finding| {
        let severity = if finding.is_error() { "error" } else { "warning" };
        format!("{severity} {} {}", finding.code, finding.path)
    });
    found.collect::<Vec<_>>().join(", ")
}

/// Checks what is found in each case.
pub(crate) async fn check<const N: usize>(cases: [(Value, &str); N]) {
    for (members, expected) in cases {
        assert_eq!(findings(&members).await, expected, "{members}");
    }
}

/// Checks that each key of an object (the top level where it has no name) is found so whatever its
/// value is, and not at all where the value asks for nothing.
pub(crate) async fn check_keys(object: &str, keys: &[&str], expected: &str) {
    for key in keys {
        for value in [json!("x"), json!(true), json!(5), json!(["x"]), json!({ "x": 1 })] {
            let place =
                if object.is_empty() { format!("/{key}") } else { format!("/{object}/{key}") };
            let found = findings(&inside(object, key, &value)).await;
            assert_eq!(found, format!("{expected} {place}"), "{value}");
        }
        for nothing in [json!(null), json!(false), json!(0), json!("")] {
            assert_eq!(findings(&inside(object, key, &nothing)).await, "", "{key} {nothing}");
        }
    }
}

fn inside(object: &str, key: &str, value: &Value) -> Value {
    match object {
        "" => json!({ key: value }),
        "auth" => json!({ "auth": { "user": "ann", "pass": "secret-word", key: value } }),
        object => json!({ object: { key: value } }),
    }
}

/// What the check says of the way to the server.
pub(crate) async fn plan(members: &Value) -> Value {
    let check = examine(members).await;
    let plan = serde_json::to_value(check.plan.as_ref()).expect("a plan is data");
    assert!(plan.is_object(), "{members}: {:?}", check.diagnostics);
    plan
}

/// Checks members of the plan in each case.
pub(crate) async fn check_plan<const N: usize>(cases: [(Value, Value); N]) {
    for (members, expected) in cases {
        let plan = plan(&members).await;
        for (key, value) in expected.as_object().expect("members") {
            assert_eq!(&plan[key], value, "{members}: {key}");
        }
    }
}

/// Verifies against a server on this machine.
pub(crate) async fn verify(script: Script, members: &Value) -> Verification {
    let peer = Peer::start(script);
    let verification = session::verify(peer.port(), members).await;
    peer.finish().await;
    verification
}

/// Verifies against `mx.example:587`, to which a proxy leads whose URL the port completes.
pub(crate) async fn verify_through(proxy: Script, url: &str, members: &Value) -> Verification {
    let peer = Peer::start(proxy);
    let url = url.replace("PORT", &peer.port().to_string());
    let verification =
        session::verify(587, &with(json!({ "host": "mx.example", "proxy": url }), members)).await;
    peer.finish().await;
    verification
}

/// Verifies against a server on another machine: one behind a proxy is.
pub(crate) async fn verify_far(script: Script, members: &Value) -> Verification {
    verify_through(script, "http://127.0.0.1:PORT", members).await
}

/// A server on another machine that greets.
pub(crate) fn far() -> Script {
    connect(Script::new(), "mx.example:587", None).say("HTTP/1.1 200 ok\r\n\r\n220 mx ESMTP\r\n")
}

/// Takes a password.
pub(crate) fn logged_in(script: Script) -> Script {
    script.on("AUTH PLAIN *", "235 welcome\r\n")
}

/// A verification that goes to its end.
pub(crate) fn verified(script: Script) -> Script {
    script.on("NOOP", "250 ok\r\n").quit()
}

#[track_caller]
pub(crate) fn check_sound(verification: &Verification) {
    assert!(verification.error.is_none(), "{verification:?}");
}

#[track_caller]
pub(crate) fn check_end(verification: &Verification, stage: Stage, kind: ErrorKind) {
    let end = verification.error.as_ref().map(|error| (error.stage(), error.kind()));
    assert_eq!(end, Some((Some(stage), kind)), "{verification:?}");
}
