//! Several recipients, with and without PIPELINING; SIZE; connections that idle.

use std::time::Duration;

use super::peer::Peer;
use super::{attempt, plan, prepared, submit_message, submitter_keeping};
use crate::error::{ErrorKind, Stage};
use crate::plan::{Pool, TransportPlan};
use crate::redactor::Redactor;
use crate::submission::pool::Keeping;

const TO: [&str; 3] = ["ann@b.test", "bob@b.test", "eve@b.test"];

/// EHLO replies without and with PIPELINING.
const EHLO: [&str; 2] = ["250 mx.test\r\n", "250-mx.test\r\n250 PIPELINING\r\n"];

fn nothing(_: &mut TransportPlan) {}

#[tokio::test]
async fn of_three_recipients_the_middle_one_is_refused() {
    for ehlo in EHLO {
        let rcpt = ["250 ok\r\n", "550 5.1.1 unknown\r\n", "250 ok\r\n"];
        let peer = Peer::new().on("EHLO", &[ehlo]).on("RCPT", &rcpt);
        let (result, heard) = submit_message(peer, nothing, &prepared(&TO, "x")).await;
        let receipt = result.expect("acceptance");
        assert_eq!(receipt.accepted, ["ann@b.test", "eve@b.test"]);
        assert_eq!(receipt.rejected.len(), 1);
        assert_eq!(receipt.rejected[0].address, "bob@b.test");
        assert!(heard.ends_with("DATA\r\nx\r\n.\r\nQUIT\r\n"), "{heard}");
    }
}

#[tokio::test]
async fn where_all_recipients_are_refused_nothing_is_sent() {
    for (ehlo, end) in EHLO.into_iter().zip(["QUIT\r\n", "DATA\r\n.\r\nQUIT\r\n"]) {
        let rcpt = ["550 no\r\n", "450 4.2.1 later\r\n", "551 no\r\n"];
        let peer = Peer::new().on("EHLO", &[ehlo]).on("RCPT", &rcpt);
        let (result, heard) = submit_message(peer, nothing, &prepared(&TO, "x")).await;
        let error = result.expect_err("a refusal");
        // One refusal that may pass is reason enough to try again.
        assert_eq!((error.kind(), error.stage()), (ErrorKind::Temporary, Some(Stage::Rcpt)));
        assert!(heard.ends_with(&format!("RCPT TO:<eve@b.test>\r\n{end}")), "{heard}");
    }
}

#[tokio::test]
async fn the_size_is_told_where_the_server_asks_and_a_refusal_of_it_is_heard() {
    let offer = "250-mx.test\r\n250 SIZE 1000\r\n";
    let message = prepared(&["ann@b.test"], "Subject: x\r\n\r\n.dots count once\r\n");
    let (result, heard) = submit_message(Peer::new().on("EHLO", &[offer]), nothing, &message).await;
    result.expect("acceptance");
    assert!(heard.contains("MAIL FROM:<app@a.test> SIZE=32\r\n"), "{heard}");
    let full = Peer::new().on("EHLO", &[offer]).on("MAIL", &["452 4.3.1 no room for 32 bytes\r\n"]);
    let (result, _) = submit_message(full, nothing, &message).await;
    let error = result.expect_err("a refusal");
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Temporary, Some(Stage::Mail)));
}

/// A plan with one connection at a time, for so many messages each.
fn pooled(port: u16, max_messages: u32) -> TransportPlan {
    let pool = Pool { max_connections: 1, max_messages, max_requeues: None, rate_limit: None };
    TransportPlan { pool: Some(pool), ..plan(port) }
}

/// Sends two messages over one connection with a pause between them, the mailer living on; gives
/// what the server heard until it was left.
async fn with_pause(pause: Duration, keeping: Keeping) -> String {
    let (address, heard) = Peer::new().start().await;
    let submitter = submitter_keeping(pooled(address.port(), 2), keeping).expect("a plan");
    let message = prepared(&["ann@b.test"], "x");
    for _ in 0..2 {
        let sent = attempt(&submitter, &message, &Redactor::default(), None).await;
        sent.expect("acceptance");
        tokio::time::sleep(pause).await;
    }
    let heard = tokio::time::timeout(Duration::from_secs(5), heard).await;
    heard.expect("the connection ends").expect("the peer's task")
}

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_connection_is_asked_only_after_it_has_idled() {
    let heard = with_pause(SHORT, Keeping { fresh: LONG, idle: LONG, age: LONG }).await;
    assert!(!heard.contains("NOOP"), "{heard}");
    let heard = with_pause(SHORT, Keeping { fresh: SHORT / 2, idle: LONG, age: LONG }).await;
    assert!(heard.contains(".\r\nNOOP\r\nMAIL"), "{heard}");
}

#[tokio::test]
async fn a_connection_that_has_idled_or_aged_too_long_is_closed() {
    for keeping in [
        Keeping { fresh: LONG, idle: SHORT, age: LONG },
        Keeping { fresh: LONG, idle: 4 * SHORT, age: SHORT },
    ] {
        let (address, heard) = Peer::new().start().await;
        let submitter = submitter_keeping(pooled(address.port(), 10), keeping).expect("a plan");
        let message = prepared(&["ann@b.test"], "x");
        let sent = attempt(&submitter, &message, &Redactor::default(), None).await;
        sent.expect("acceptance");
        // The mailer lives on: it is the connection that ends.
        let heard = tokio::time::timeout(Duration::from_secs(5), heard).await;
        let heard = heard.expect("it is closed").expect("the peer's task");
        assert!(heard.ends_with(".\r\nQUIT\r\n"), "{keeping:?}: {heard}");
        // Nothing is left behind for it.
        let ended = tokio::time::timeout(LONG / 12, submitter.pool.emptied());
        ended.await.expect("no place is taken");
    }
}
