//! Kept connections: when they are used again, and when they are not.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use smtp_connector::ErrorKind;
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::relay::{Habits, Relay};

use super::{mailer, send_at_once};
use crate::helpers::tenant::sign_in;

/// A message that a peer takes without saying goodbye.
fn one_message(script: Script, reply: &str) -> Script {
    let taken = script.on("MAIL FROM:*", "250 ok\r\n").on("RCPT TO:*", "250 ok\r\n");
    taken.on("DATA", "354 go\r\n").hear_any_content().say(reply)
}

#[tokio::test]
async fn a_connection_carries_one_message_after_the_other() {
    let script = one_message(Script::offering(&[]), "250 one\r\n");
    let peer = Peer::start(one_message(script, "250 two\r\n").quit());
    let mailer = mailer(peer.port(), &json!({})).await;
    let first = mailer.send(&sign_in("482913")).await.expect("acceptance");
    let second = mailer.send(&sign_in("551177")).await.expect("acceptance");
    assert_eq!((first.reply.text(), second.reply.text()), ("one".to_owned(), "two".to_owned()));
    let occupancy = mailer.occupancy();
    assert_eq!((occupancy.connections, occupancy.waiting), (1, 0));
    let stages = |receipt: &smtp_connector::Receipt| {
        receipt.timings.iter().map(|(stage, _)| stage.to_string()).collect::<Vec<_>>().join(" ")
    };
    // What led to the connection belongs to the message that it was made for.
    assert_eq!(stages(&first), "dns connect greeting ehlo mail rcpt data content");
    assert_eq!(stages(&second), "mail rcpt data content");
    assert_eq!(second.transcript.lines().len(), 8, "{}", second.transcript);
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn no_more_connections_are_open_than_allowed() {
    for pipelining in [false, true] {
        let relay = Relay::start(Habits {
            pipelining,
            delay: Duration::from_millis(2),
            ..Habits::default()
        });
        let members = json!({ "maxConnections": 3, "maxMessages": 7 });
        let mailer = mailer(relay.port(), &members).await;
        assert_eq!(mailer.connections(), 3);
        let outcomes = send_at_once(&mailer, 60).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        mailer.close().await;
        let book = relay.ended(9).await;
        assert_eq!(book.peak, 3);
        assert!(book.visits.iter().all(|visit| visit.messages.len() <= 7), "{book:#?}");
        assert!(
            book.visits
                .iter()
                .all(|visit| visit.commands.last().is_some_and(|last| last == "QUIT"))
        );
        let codes: BTreeSet<_> = book
            .messages()
            .iter()
            .filter_map(|text| text.lines().last()?.strip_prefix("code-")?.parse::<u32>().ok())
            .collect();
        assert_eq!((book.messages().len(), codes.len()), (60, 60));
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced_without_a_word() {
    // The peer closes at once after its reply, so that the next message finds it gone.
    let closed = one_message(Script::offering(&[]), "250 one\r\n").close();
    let said = one_message(Script::offering(&[]), "250 one\r\n421 4.4.2 idle too long\r\n").close();
    for first in [closed, said] {
        let peer = Peer::start_all(vec![first, Script::offering(&[]).takes_mail()]);
        let mailer = mailer(peer.port(), &json!({})).await;
        mailer.send(&sign_in("482913")).await.expect("acceptance");
        tokio::time::sleep(Duration::from_millis(100)).await;
        let second = mailer.send(&sign_in("551177")).await.expect("acceptance");
        assert_eq!(
            (second.attempts, second.reply.text().as_str()),
            (1, "2.0.0 queued as 42".get(6..).expect("text"))
        );
        drop(mailer);
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_connection_that_is_closed_at_the_next_message_is_replaced_at_once() {
    for end in [Script::close, Script::reset] {
        let lost = end(one_message(Script::offering(&[]), "250 one\r\n").hear("MAIL *"));
        let peer = Peer::start_all(vec![lost, Script::offering(&[]).takes_mail()]);
        let mailer = mailer(peer.port(), &json!({})).await;
        mailer.send(&sign_in("482913")).await.expect("acceptance");
        let begun = std::time::Instant::now();
        let second = mailer.send(&sign_in("551177")).await.expect("acceptance");
        assert_eq!(second.attempts, 1);
        assert!(
            begun.elapsed() < Duration::from_millis(400),
            "no pause is due: nothing has failed"
        );
        drop(mailer);
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_lost_connection_is_made_good_as_often_as_allowed() {
    for most in [0, 1, 2] {
        // The first connection is kept and closed at the second message, and so is each further
        // one.
        let kept = one_message(Script::offering(&[]), "250 one\r\n").hear("MAIL *").close();
        let further = vec![Script::offering(&[]).hear("MAIL *").close(); most];
        let peer = Peer::start_all([vec![kept], further].concat());
        let mailer = mailer(peer.port(), &json!({ "maxRequeues": most })).await;
        mailer.send(&sign_in("482913")).await.expect("acceptance");
        let sent = mailer.send_within(&sign_in("551177"), Duration::from_secs(20)).await;
        let error = sent.expect_err("each connection is lost");
        assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
        drop(mailer);
        peer.finish().await;
    }
}

#[tokio::test]
async fn replies_that_nobody_waits_for_end_the_connection() {
    // Taken for the answer to MAIL, the further reply would shift all others by one, and the
    // refusal of the second message would be taken for its acceptance.
    let talkative = one_message(Script::offering(&[]), "250 one\r\n250 and one more\r\n").stall();
    let refusing = one_message(Script::offering(&[]), "554 5.7.1 spam\r\n").quit();
    let peer = Peer::start_all(vec![talkative, refusing]);
    let mailer = mailer(peer.port(), &json!({})).await;
    mailer.send(&sign_in("482913")).await.expect("acceptance");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = mailer.send(&sign_in("551177")).await.expect_err("it is refused");
    assert_eq!(error.reply().map(|reply| reply.code), Some(554), "{error}");
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_transaction_that_failed_is_taken_back_before_the_next() {
    let refused = Script::offering(&[])
        .on("MAIL FROM:*", "250 ok\r\n")
        .on("RCPT TO:*", "550 5.1.1 unknown\r\n");
    let peer = Peer::start(one_message(refused.on("RSET", "250 ok\r\n"), "250 kept\r\n").quit());
    let mailer = mailer(peer.port(), &json!({})).await;
    mailer.send(&sign_in("482913")).await.expect_err("the recipient is unknown");
    mailer.send(&sign_in("551177")).await.expect("acceptance");
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_refusal_for_now_ends_the_connection() {
    let later = Script::offering(&[]).on("MAIL FROM:*", "451 4.3.0 later\r\n").quit();
    let peer = Peer::start_all(vec![later, Script::offering(&[]).takes_mail()]);
    let mailer = mailer(peer.port(), &json!({})).await;
    assert_eq!(mailer.send(&sign_in("482913")).await.expect("acceptance").attempts, 2);
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_code_that_a_server_says_back_in_a_later_message_is_masked() {
    let script = one_message(Script::offering(&[]), "250 kept 482913\r\n");
    let peer = Peer::start(one_message(script, "554 5.7.1 like 482913 and 551177\r\n").quit());
    let mailer = mailer(peer.port(), &json!({})).await;
    let receipt = mailer.send(&sign_in("482913")).await.expect("acceptance");
    let error = mailer.send(&sign_in("551177")).await.expect_err("a refusal");
    let shown = format!("{receipt:?} {error:?} {error} {}", json!(receipt));
    assert!(
        shown.contains("like *** and ***")
            && !shown.contains("482913")
            && !shown.contains("551177"),
        "{shown}"
    );
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_verification_makes_a_connection_of_its_own_and_stays_within_the_bound() {
    let relay = Relay::start(Habits::default());
    let mailer = mailer(relay.port(), &json!({ "maxConnections": 1 })).await;
    mailer.send(&sign_in("482913")).await.expect("acceptance");
    let verification = mailer.verify(None).await.expect("the request is sound");
    assert!(verification.error.is_none(), "{verification:?}");
    mailer.send(&sign_in("551177")).await.expect("acceptance");
    mailer.close().await;
    let book = relay.ended(3).await;
    assert_eq!((book.peak, book.visits.len()), (1, 3));
}
