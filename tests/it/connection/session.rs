//! Connections that fail, end early, or carry what needs care.

use serde_json::json;
use smtp_connector::{ErrorKind, Request, Stage};
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::examination::{check_one_error, errors};
use crate::helpers::session::{check_failure, deliver, mailer, verify};
use crate::helpers::tenant;

/// nodemailer finds out when it connects; here the check does.
#[tokio::test]
async fn a_port_that_is_none_is_an_error_of_the_configuration() {
    for port in [json!(999_999_999), json!(-1), json!(0.5), json!("smtp")] {
        let found = errors(&json!({ "port": port })).await;
        check_one_error(&found, "invalid-port", "/port", &port.to_string());
    }
}

/// nodemailer strips what follows the line break and goes on; here the check refuses the name.
#[tokio::test]
async fn a_name_that_would_inject_a_command_is_refused_by_the_check() {
    for name in ["me\r\nMAIL FROM:<x>", "me\rRSET", "me\nRSET", "me\r\n\r\n\n", "me\0", "me x"] {
        let found = errors(&json!({ "name": name })).await;
        assert!(matches!(&found[..], [(_, path)] if path == "/name"), "{name:?}: {found:?}");
    }
    let script = Script::greeting().on("EHLO mail.app.test", "250 peer\r\n").takes_mail();
    deliver(vec![script], &json!({ "name": "mail.app.test" })).await.expect("acceptance");
}

/// The refusal is heard, and not only the end of the connection. As it may pass, it is tried once
/// more.
#[tokio::test]
async fn a_server_that_refuses_and_leaves_is_heard() {
    let busy = || Script::new().say("454 4.3.0 try again later\r\n").close();
    let outcome = deliver(vec![busy(), busy()], &json!({})).await;
    let error = check_failure(outcome, Stage::Greeting, ErrorKind::Temporary);
    assert_eq!(
        error.reply().map(ToString::to_string).as_deref(),
        Some("454 4.3.0 try again later")
    );
}

#[tokio::test]
async fn a_connection_that_is_reset_is_an_error_and_no_wait() {
    for (script, stage) in [
        (Script::greeting().hear("EHLO *").reset(), Stage::Ehlo),
        (Script::offering(&[]).hear("MAIL *").reset(), Stage::Mail),
        (Script::offering(&[]).on("MAIL *", "250 ok\r\n").hear("RCPT *").reset(), Stage::Rcpt),
    ] {
        let outcome = deliver(vec![script], &json!({ "maxRequeues": 0 })).await;
        check_failure(outcome, stage, ErrorKind::Lost);
    }
}

#[tokio::test]
async fn every_line_of_the_message_ends_with_crlf() {
    let content = "one\ntwo\r\nthree\rfour\n.\n..five\n";
    let members = json!({ "templates": tenant::templates(content) });
    let peer = Peer::start(Script::offering(&[]).takes_mail());
    mailer(peer.port(), &members).await.send(&tenant::sign_in("one")).await.expect("acceptance");
    let recordings = peer.finish().await;
    let sent = String::from_utf8(recordings[0].contents[0].clone()).expect("ASCII");
    let bare = sent.replace("\r\n", "");
    assert!(!bare.contains(['\r', '\n']), "{sent:?}");
    let (_, body) = sent.split_once("\r\n\r\n").expect("a header");
    assert_eq!(body, "one\r\ntwo\r\nthree\r\nfour\r\n..\r\n...five\r\n.\r\n");
}

/// nodemailer sends the address as it is where the server has no SMTPUTF8; here it is refused
/// before MAIL.
#[tokio::test]
async fn an_address_beyond_ascii_needs_a_server_for_it() {
    let request = Request::new("SignIn", "jürgen@example.com").payload(json!({ "code": "482913" }));
    let able =
        Script::offering(&["SMTPUTF8", "8BITMIME"]).on("MAIL FROM:<*> SMTPUTF8*", "250 ok\r\n");
    let able = able.on("RCPT TO:<jürgen@example.com>", "250 ok\r\n").on("DATA", "354 go\r\n");
    let peer = Peer::start_all(vec![
        able.hear_any_content().say("250 queued\r\n").quit(),
        Script::offering(&["8BITMIME"]).quit(),
    ]);
    let mailer = mailer(peer.port(), &json!({ "pool": false })).await;
    mailer.send(&request).await.expect("acceptance");
    let error = check_failure(mailer.send(&request).await, Stage::Mail, ErrorKind::Address);
    assert!(error.hint().is_some_and(|hint| hint.contains("offers SMTPUTF8")), "{error:?}");
    peer.finish().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_told_before_it_is_sent() {
    let outcome = deliver(vec![Script::offering(&["SIZE 100"]).quit()], &json!({})).await;
    let error = check_failure(outcome, Stage::Mail, ErrorKind::Message);
    assert!(error.to_string().ends_with("and the server takes 100 at most"), "{error}");
    assert_eq!(error.hint(), Some("Make the template smaller."));
}

#[tokio::test]
async fn a_reply_to_ehlo_without_end_is_told_as_such() {
    let endless = "250-x\r\n".repeat(1000);
    let outcome = deliver(vec![Script::greeting().on("EHLO *", endless).close()], &json!({})).await;
    let error = check_failure(outcome, Stage::Ehlo, ErrorKind::Protocol);
    assert!(error.hint().is_some_and(|hint| hint.contains("has no end")), "{error:?}");
}

#[tokio::test]
async fn extensions_are_noticed_as_the_server_lists_them() {
    for (offered, listed) in [(vec!["REQUIRETLS", "SIZE 10"], true), (vec!["SIZE 10"], false)] {
        let script = Script::offering(&offered).on("NOOP", "250 ok\r\n").quit();
        let peer = Peer::start(script);
        let verification = verify(peer.port(), &json!({})).await;
        assert_eq!(verification.capabilities, offered, "{listed}");
        peer.finish().await;
    }
}
