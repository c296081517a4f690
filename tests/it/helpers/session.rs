//! One message, or one verification, for a server at a port of this machine.

use serde_json::Value;
use smtp_connector::{Error, ErrorKind, Mailer, Receipt, Result, Stage, Verification};
use smtp_connector_tests::peer::{Peer, Script};

use super::tenant;

/// A mailer for a server at a port of 127.0.0.1, with these members besides; null takes one away.
pub(crate) async fn mailer(port: u16, members: &Value) -> Mailer {
    let mut configuration = tenant::configuration(port);
    configuration.as_object_mut().expect("an object").remove("ignoreTLS");
    tenant::mailer(&tenant::bundled().await, &tenant::with(configuration, members)).await
}

pub(crate) async fn send(port: u16, members: &Value) -> Result<Receipt> {
    let mailer = mailer(port, members).await;
    mailer.send(&tenant::sign_in("482913")).await
}

pub(crate) async fn verify(port: u16, members: &Value) -> Verification {
    mailer(port, members).await.verify(None).await.expect("nothing about the request is wrong")
}

/// Plays one script per connection, sends one message, and gives what became of it.
pub(crate) async fn deliver(scripts: Vec<Script>, members: &Value) -> Result<Receipt> {
    let peer = Peer::start_all(scripts);
    let outcome = send(peer.port(), members).await;
    peer.finish().await;
    outcome
}

#[track_caller]
pub(crate) fn check_failure(outcome: Result<Receipt>, stage: Stage, kind: ErrorKind) -> Error {
    let error = outcome.expect_err("a failure");
    assert_eq!((error.stage(), error.kind()), (Some(stage), kind), "{error:?}");
    error
}
