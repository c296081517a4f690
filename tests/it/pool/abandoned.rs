//! Sends that are dropped or run out of time: at no stage do they touch the next message.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector::{Delivery, ErrorKind};
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::relay::{Habits, Relay};

use super::{deliver_at_once, mailer, send_at_once};
use crate::helpers::tenant::sign_in;

const SHORT: Duration = Duration::from_millis(200);

/// A peer that goes silent at each stage of a session.
fn silences() -> Vec<Script> {
    let plain = || Script::offering(&[]);
    let to_data = || {
        plain()
            .on("MAIL FROM:*", "250 ok\r\n")
            .on("RCPT TO:*", "250 ok\r\n")
            .on("DATA", "354 go\r\n")
    };
    vec![
        Script::new().stall(),
        Script::greeting().hear("EHLO *").stall(),
        plain().hear("MAIL FROM:*").stall(),
        plain().on("MAIL FROM:*", "250 ok\r\n").hear("RCPT TO:*").stall(),
        plain().on("MAIL FROM:*", "250 ok\r\n").on("RCPT TO:*", "250 ok\r\n").hear("DATA").stall(),
        to_data().hear_any_content().stall(),
        Script::offering(&["PIPELINING"])
            .hear("MAIL FROM:*")
            .hear("RCPT TO:*")
            .hear("DATA")
            .stall(),
    ]
}

/// Sends a message that is given up, then one that must be whole, over a single connection at a
/// time.
async fn check_next(silence: Script, members: &Value, deadline: bool) {
    let refusing =
        Script::offering(&[]).on("MAIL FROM:*", "250 ok\r\n").on("RCPT TO:*", "250 ok\r\n");
    let refusing =
        refusing.on("DATA", "354 go\r\n").hear_any_content().say("554 5.7.1 spam\r\n").quit();
    let peer = Peer::start_all(vec![silence, refusing]);
    let mailer = mailer(peer.port(), members).await;
    if deadline {
        let error =
            mailer.send_within(&sign_in("482913"), SHORT).await.expect_err("nobody answers");
        assert_eq!(
            (error.kind(), error.is_transient()),
            (ErrorKind::Expired, !error.is_ambiguous())
        );
    } else {
        let dropped = tokio::time::timeout(SHORT, mailer.send(&sign_in("482913"))).await;
        assert!(dropped.is_err(), "the peer is silent");
    }
    let error = mailer.send(&sign_in("551177")).await.expect_err("the second message is refused");
    assert_eq!(error.reply().map(|reply| reply.code), Some(554), "{error}");
    drop(mailer);
    let recordings = peer.finish().await;
    let second = String::from_utf8_lossy(&recordings[1].contents[0]).into_owned();
    assert!(second.contains("551177") && !second.contains("482913"), "{second}");
}

#[tokio::test]
async fn a_send_that_is_given_up_at_any_stage_leaves_the_next_one_whole() {
    for deadline in [false, true] {
        for silence in silences() {
            check_next(silence, &json!({ "maxConnections": 1 }), deadline).await;
        }
    }
}

#[tokio::test]
async fn a_late_reply_is_not_taken_for_the_next_one() {
    let late = Script::offering(&[]).on("MAIL FROM:*", "250 ok\r\n").on("RCPT TO:*", "250 ok\r\n");
    let late = late
        .on("DATA", "354 go\r\n")
        .hear_any_content()
        .wait(2 * SHORT)
        .say("250 late\r\n")
        .stall();
    check_next(late, &json!({ "maxConnections": 1 }), true).await;
}

#[tokio::test]
async fn a_message_whose_time_is_over_while_it_waits_is_never_sent() {
    let relay = Relay::start(Habits {
        pipelining: true,
        delay: Duration::from_millis(60),
        ..Habits::default()
    });
    let mailer = mailer(relay.port(), &json!({ "maxConnections": 1 })).await;
    let within = tokio::time::timeout(Duration::from_millis(400), send_at_once(&mailer, 30)).await;
    assert!(within.is_err(), "thirty messages take longer");
    let sent = relay.book().messages().len();
    assert!((1..30).contains(&sent), "{sent}");
    tokio::time::sleep(Duration::from_millis(400)).await;
    // One may have been on its way to the end already.
    assert!(relay.book().messages().len() <= sent + 1, "{sent}");
    mailer.send(&sign_in("551177")).await.expect("acceptance");
}

#[tokio::test]
async fn every_message_of_many_ends_in_time_and_none_is_late() {
    let relay = Relay::start(Habits {
        pipelining: true,
        delay: Duration::from_millis(20),
        ..Habits::default()
    });
    let mailer = mailer(relay.port(), &json!({ "maxConnections": 1 })).await;
    let delivery = Delivery::default().within(Duration::from_millis(300));
    let begun = std::time::Instant::now();
    let outcomes = deliver_at_once(&mailer, 60, &delivery).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let ambiguous = outcomes
        .iter()
        .filter(|outcome| outcome.as_ref().is_err_and(smtp_connector::Error::is_ambiguous));
    let (ambiguous, kept) = (ambiguous.count(), relay.book().messages().len());
    assert!(accepted > 0 && accepted < 60, "{accepted}");
    // What was reported as not sent was not sent.
    assert!((accepted..=accepted + ambiguous).contains(&kept), "{accepted} {ambiguous} {kept}");
}

/// The notes of a delivery, in order.
fn noted() -> (Delivery, Arc<Mutex<Vec<&'static str>>>) {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let (begun, failed) = (notes.clone(), notes.clone());
    let note = |notes: &Mutex<Vec<_>>, what| notes.lock().expect("nobody panicked").push(what);
    let delivery = Delivery::default()
        .before_data(move || {
            note(&begun, "begun");
            Ok(())
        })
        .after_failure(move || note(&failed, "failed"));
    (delivery, notes)
}

#[tokio::test]
async fn an_attempt_that_failed_is_noted_before_the_next_one() {
    let script = || {
        let script = Script::offering(&[]).on("MAIL FROM:*", "250 ok\r\n");
        script.on("RCPT TO:*", "250 ok\r\n").on("DATA", "354 go\r\n").hear_any_content()
    };
    let later = script().say("451 4.3.0 not now\r\n").quit();
    let peer = Peer::start_all(vec![later, script().say("250 2.0.0 ok\r\n").quit()]);
    let mailer = mailer(peer.port(), &json!({})).await;
    let (delivery, notes) = noted();
    let receipt = mailer.deliver(&sign_in("482913"), &delivery).await.expect("acceptance");
    assert_eq!(receipt.attempts, 2);
    assert_eq!(*notes.lock().expect("nobody panicked"), ["begun", "failed", "begun"]);
    mailer.close().await;
    peer.finish().await;
}

#[tokio::test]
async fn a_note_that_fails_keeps_the_message_from_going_out() {
    for pipelining in [false, true] {
        let relay = Relay::start(Habits { pipelining, ..Habits::default() });
        let mailer = mailer(relay.port(), &json!({})).await;
        let delivery =
            Delivery::default().before_data(|| Err(std::io::Error::other("the disk is full")));
        let error =
            mailer.deliver(&sign_in("482913"), &delivery).await.expect_err("it cannot be noted");
        assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
        mailer.send(&sign_in("551177")).await.expect("acceptance");
        let messages = relay.book().messages();
        assert!(messages.len() == 1 && messages[0].contains("551177"), "{messages:?}");
    }
}
