//! A program's own messages, built with lettre and sent over the connections of a mailer.

use lettre::{AsyncTransport as _, Message};
use serde_json::json;
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_catch_all::{CatchAll, Options};
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::session;

/// A message for three recipients, one of them a blind one.
fn message() -> Message {
    let address = |text: &str| text.parse().expect("a mailbox");
    Message::builder()
        .from(address("Acme <no-reply@acme.test>"))
        .to(address("ann@b.test"))
        .cc(address("bob@b.test"))
        .bcc(address("eve@b.test"))
        .subject("Welcome")
        .body("Good to have you here.\n.\n".to_owned())
        .expect("a message")
}

#[tokio::test]
async fn a_message_of_lettre_reaches_all_its_recipients() {
    let server = CatchAll::start(Options::default()).await.expect("a free port");
    let tls = json!({ "ca": server.certificate_pem() });
    let mailer = session::mailer(server.address().port(), &json!({ "tls": tls })).await;
    let transport = mailer.transport();
    let receipt = transport.send(message()).await.expect("acceptance");
    assert_eq!(receipt.accepted, ["ann@b.test", "bob@b.test", "eve@b.test"]);
    assert!(receipt.tls.is_some(), "the configuration is the mailer's");
    let caught = server.next().await;
    let (heard, said) = (&caught.envelope, &receipt.envelope);
    assert_eq!(heard.reverse_path, said.reverse_path);
    assert_eq!(heard.forward_paths, said.forward_paths);
    let mail = caught.parse();
    assert_eq!(mail.field("message-id"), Some(receipt.message_id.as_str()));
    assert_eq!((mail.field("subject"), mail.field("bcc")), (Some("Welcome"), None));
    // One connection serves what lettre built and what the component composed.
    mailer.send(&crate::helpers::tenant::sign_in("482913")).await.expect("acceptance");
    transport.shutdown().await;
    let error =
        mailer.send(&crate::helpers::tenant::sign_in("482913")).await.expect_err("it is closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn who_was_refused_is_told_and_a_refusal_of_all_is_an_error() {
    let to = |replies: [&str; 3]| {
        let script = Script::offering(&[]).on("MAIL FROM:<no-reply@acme.test>", "250 ok\r\n");
        let script = script.on("RCPT TO:<ann@b.test>", replies[0]);
        script.on("RCPT TO:<bob@b.test>", replies[1]).on("RCPT TO:<eve@b.test>", replies[2])
    };
    let no = "550 5.1.1 unknown\r\n";
    let some = to(["250 ok\r\n", no, "250 ok\r\n"]).on("DATA", "354 go\r\n").hear_any_content();
    let peer = Peer::start_all(vec![some.say("250 kept\r\n").quit(), to([no; 3]).quit()]);
    let mailer = session::mailer(peer.port(), &json!({ "pool": false })).await;
    let receipt = mailer.transport().send(message()).await.expect("acceptance");
    assert_eq!(receipt.accepted, ["ann@b.test", "eve@b.test"]);
    assert_eq!(receipt.rejected[0].address, "bob@b.test");
    let error = mailer.transport().send(message()).await.expect_err("a refusal");
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Refused, Some(Stage::Rcpt)));
    mailer.close().await;
    peer.finish().await;
}
