//! Commands that go out together (RFC 2920), and the end of a message with the beginning of the
//! next.

use std::time::Duration;

use serde_json::json;
use smtp_connector::{Delivery, ErrorKind, Stage};
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::relay::{Habits, Relay};

use super::{deliver_at_once, mailer, send_at_once};
use crate::helpers::tenant::sign_in;

const ENVELOPE: &str = "MAIL FROM:<no-reply@acme.test>\r\nRCPT TO:<user@example.com>\r\nDATA\r\n";

/// The answers to an envelope that is taken.
const INVITATION: &str = "250 ok\r\n250 ok\r\n354 go\r\n";

/// Hears the whole envelope before it answers any of it.
fn envelope(script: Script, replies: &str) -> Script {
    script.hear_octets(ENVELOPE).say(replies)
}

/// Has taken a first message up to its end, and has not answered it.
fn in_first_message() -> Script {
    envelope(Script::offering(&["PIPELINING"]), INVITATION).hear_any_content()
}

#[tokio::test]
async fn an_envelope_goes_out_at_once_where_that_is_offered() {
    let script = in_first_message().say("250 one\r\n");
    let peer =
        Peer::start(envelope(script, INVITATION).hear_any_content().say("250 two\r\n").quit());
    let mailer = mailer(peer.port(), &json!({})).await;
    for expected in ["one", "two"] {
        assert_eq!(
            mailer.send(&sign_in("482913")).await.expect("acceptance").reply.text(),
            expected
        );
    }
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn every_reply_is_judged() {
    use ErrorKind::{Protocol, Refused, Temporary};
    let cases = [
        ("550 5.7.1 no\r\n503 5.5.1 no MAIL\r\n503 5.5.1 no RCPT\r\n", Stage::Mail, Refused),
        ("250 ok\r\n550 5.1.1 unknown\r\n554 5.5.1 no valid recipients\r\n", Stage::Rcpt, Refused),
        ("250 ok\r\n250 ok\r\n554 5.3.4 no\r\n", Stage::Data, Refused),
        ("250 ok\r\n250 ok\r\n250 ok\r\n", Stage::Data, Protocol),
        ("250 ok\r\n250 again\r\n250 shifted\r\n354 go\r\n", Stage::Data, Protocol),
        ("354 go\r\n250 ok\r\n250 ok\r\n", Stage::Mail, Protocol),
        ("550 5.7.1 no\r\n421 4.7.0 bye\r\n", Stage::Mail, Refused),
        ("421 4.7.0 bye\r\n", Stage::Mail, Temporary),
    ];
    for (replies, stage, kind) in cases {
        // Once without a deadline for what may pass: the second attempt meets the same.
        let attempts = if kind == Temporary { 2 } else { 1 };
        let script = envelope(Script::offering(&["PIPELINING"]), replies).close();
        let peer = Peer::start_all(vec![script; attempts]);
        let mailer = mailer(peer.port(), &json!({})).await;
        let error = mailer.send(&sign_in("482913")).await.expect_err("a failure");
        assert_eq!(
            (error.stage(), error.kind(), error.is_ambiguous()),
            (Some(stage), kind, false),
            "{replies:?}"
        );
        drop(mailer);
        peer.finish().await;
    }
}

#[tokio::test]
async fn an_invitation_without_recipients_is_answered_by_a_lone_dot() {
    let refused = "250 ok\r\n550 5.1.1 unknown\r\n354 go\r\n";
    let script =
        envelope(Script::offering(&["PIPELINING"]), refused).on(".", "554 5.5.1 nobody\r\n");
    let script = script
        .hear_octets(format!("RSET\r\n{ENVELOPE}"))
        .say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    let peer = Peer::start(script.hear_any_content().say("250 kept\r\n").quit());
    let mailer = mailer(peer.port(), &json!({})).await;
    let error = mailer.send(&sign_in("482913")).await.expect_err("the recipient is unknown");
    assert_eq!((error.stage(), error.kind()), (Some(Stage::Rcpt), ErrorKind::Refused));
    mailer.send(&sign_in("551177")).await.expect("acceptance");
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn the_next_envelope_goes_out_with_the_end_of_a_message() {
    // The second envelope is heard before the first message is answered.
    let script = in_first_message();
    let script = script.hear_octets(ENVELOPE).say("250 one\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    let peer = Peer::start(script.hear_any_content().say("250 two\r\n").quit());
    let mailer = mailer(peer.port(), &json!({ "maxConnections": 1 })).await;
    let outcomes = send_at_once(&mailer, 2).await;
    let mut replies: Vec<_> =
        outcomes.into_iter().map(|outcome| outcome.expect("acceptance").reply.text()).collect();
    replies.sort();
    assert_eq!(replies, ["one", "two"]);
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn what_was_announced_behind_a_loss_goes_over_another_connection() {
    // The first message may have arrived, and says so; of the second the server has the envelope
    // only.
    let script = in_first_message();
    let lost = script.hear_octets(ENVELOPE).close();
    let peer = Peer::start_all(vec![lost, Script::offering(&[]).takes_mail()]);
    let mailer = mailer(peer.port(), &json!({ "maxConnections": 1 })).await;
    let outcomes = send_at_once(&mailer, 2).await;
    let (accepted, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(accepted.len(), 1);
    assert!(failed[0].as_ref().is_err_and(smtp_connector::Error::is_ambiguous), "{failed:?}");
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_refused_message_does_not_touch_the_one_behind_it() {
    let script = in_first_message();
    let script =
        script.hear_octets(ENVELOPE).say("554 5.7.1 spam\r\n250 ok\r\n250 ok\r\n354 go\r\n");
    let peer = Peer::start(script.hear_any_content().say("250 two\r\n").quit());
    let mailer = mailer(peer.port(), &json!({ "maxConnections": 1 })).await;
    let outcomes = send_at_once(&mailer, 2).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_hundred_messages_take_few_writes() {
    let relay = Relay::start(Habits { pipelining: true, ..Habits::default() });
    let mailer = mailer(relay.port(), &json!({ "maxConnections": 2, "maxMessages": 1000 })).await;
    let outcomes = send_at_once(&mailer, 100).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let book = relay.book();
    assert_eq!((book.messages().len(), book.peak), (100, 2));
}

#[tokio::test]
async fn an_offer_that_is_a_lie_is_taken_once() {
    let offer = || Script::offering(&["PIPELINING"]);
    // How a server loses its way among commands that it offered to take together.
    let lies = [
        envelope(offer(), "").close(),
        envelope(offer(), "").reset(),
        envelope(offer(), "250 ok\r\n").close(),
        envelope(offer(), "503 5.5.1 bad sequence of commands\r\n").stall(),
        envelope(offer(), "250 ok\r\n503 5.5.1 bad sequence of commands\r\n").stall(),
        envelope(offer(), "250 ok\r\n250 ok\r\n503 5.5.1 bad sequence\r\n").stall(),
        envelope(offer(), "554 SMTP synchronization error\r\n").close(),
        envelope(offer(), "421 4.7.0 improper command pipelining\r\n").close(),
    ];
    for lie in lies {
        let again = offer().takes_mail();
        let peer = Peer::start_all(vec![lie, again.clone(), again]);
        // Neither a lost connection that is made good nor an attempt: it happens once.
        let members = json!({ "pool": false, "maxRequeues": 0 });
        let mailer = mailer(peer.port(), &members).await;
        for code in ["482913", "551177"] {
            let receipt = mailer.send(&sign_in(code)).await.expect("acceptance");
            assert_eq!(receipt.attempts, 1);
        }
        drop(mailer);
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_refusal_is_none_of_pipelining() {
    // What follows a refusal comes at the wrong time, and says so.
    let replies = "550 5.7.1 no\r\n503 5.5.1 MAIL first\r\n503 5.5.1 RCPT first\r\n";
    let script = envelope(Script::offering(&["PIPELINING"]), replies);
    let script = script.hear_octets(format!("RSET\r\n{ENVELOPE}"));
    let script = script.say(format!("250 ok\r\n{replies}")).quit();
    let peer = Peer::start(script);
    let mailer = mailer(peer.port(), &json!({})).await;
    for code in ["482913", "551177"] {
        let error = mailer.send(&sign_in(code)).await.expect_err("a refusal");
        assert_eq!((error.stage(), error.kind()), (Some(Stage::Mail), ErrorKind::Refused));
    }
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_server_that_has_proved_it_is_not_doubted_for_a_loss() {
    let script = in_first_message().say("250 one\r\n");
    let lost = envelope(script, "").close();
    let again = envelope(Script::offering(&["PIPELINING"]), INVITATION).hear_any_content();
    let peer = Peer::start_all(vec![lost, again.say("250 two\r\n").quit()]);
    let mailer = mailer(peer.port(), &json!({})).await;
    for code in ["482913", "551177"] {
        mailer.send(&sign_in(code)).await.expect("acceptance");
    }
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_server_that_loses_what_comes_behind_a_message_gets_it_by_itself() {
    let script = in_first_message().hear_octets(ENVELOPE);
    let lie = script.say("250 one\r\n503 5.5.1 bad sequence of commands\r\n").stall();
    let again = Script::offering(&["PIPELINING"]);
    let take = |script: Script, reply: &str| {
        let script = script.on("MAIL FROM:*", "250 ok\r\n").on("RCPT TO:*", "250 ok\r\n");
        script.on("DATA", "354 go\r\n").hear_any_content().say(reply)
    };
    let again = take(take(again, "250 two\r\n"), "250 three\r\n").quit();
    let peer = Peer::start_all(vec![lie, again]);
    let mailer = mailer(peer.port(), &json!({ "maxConnections": 1 })).await;
    let outcomes = send_at_once(&mailer, 3).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    drop(mailer);
    peer.finish().await;
}

#[tokio::test]
async fn a_server_that_drops_what_comes_with_a_command_is_found_out_by_the_first_message() {
    // It throws away what it has read behind the first line.
    let deaf = envelope(Script::offering(&["PIPELINING"]), "250 ok\r\n").stall();
    let until = Delivery::default().within(Duration::from_millis(1500));
    for (members, delivery) in
        [(json!({ "socketTimeout": 500 }), Delivery::default()), (json!({}), until)]
    {
        let again = Script::offering(&["PIPELINING"]).takes_mail();
        let peer = Peer::start_all(vec![deaf.clone(), again]);
        let mailer = mailer(peer.port(), &members).await;
        let message = mailer.render(&sign_in("482913")).await.expect("the request is sound");
        let error = mailer.submit(&message, &delivery).await.expect_err("silence");
        assert!(matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Expired), "{error}");
        mailer.send(&sign_in("551177")).await.expect("acceptance");
        drop(mailer);
        peer.finish().await;
    }
}

#[tokio::test]
async fn a_server_that_drops_what_comes_behind_a_message_is_found_out_by_the_second() {
    let deaf = in_first_message().hear_octets(ENVELOPE).say("250 one\r\n").stall();
    let again = Script::offering(&["PIPELINING"]).takes_mail();
    let peer = Peer::start_all(vec![deaf, again]);
    let mailer = mailer(peer.port(), &json!({ "maxConnections": 1 })).await;
    let delivery = Delivery::default().within(Duration::from_millis(2500));
    let outcomes = deliver_at_once(&mailer, 2, &delivery).await;
    let (accepted, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(accepted.len(), 1);
    let expired = failed[0].as_ref().is_err_and(|error| error.kind() == ErrorKind::Expired);
    assert!(expired, "{failed:?}");
    mailer.send(&sign_in("551177")).await.expect("acceptance");
    drop(mailer);
    peer.finish().await;
}
