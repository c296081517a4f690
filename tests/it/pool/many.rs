//! The pool: what nodemailer's users expect of it.

use std::time::{Duration, Instant};

use serde_json::json;
use smtp_connector::{ErrorKind, Stage};
use smtp_connector_tests::relay::{Habits, Relay};

use crate::helpers::tenant::sign_in;
use crate::pool::{mailer, send_at_once};

#[tokio::test]
async fn a_hundred_mails_share_the_connections() {
    let relay = Relay::start(Habits { delay: Duration::from_millis(1), ..Habits::default() });
    let mailer = mailer(relay.port(), &json!({})).await;
    let outcomes = send_at_once(&mailer, 100).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let book = relay.book();
    assert_eq!((book.messages().len(), book.peak), (100, 5));
    assert!(book.visits.iter().all(|visit| visit.messages.len() > 1), "{book:#?}");
}

#[tokio::test]
async fn refused_senders_fail_and_the_others_arrive() {
    for pipelining in [false, true] {
        let refused_sender = Some("bad".to_owned());
        let relay = Relay::start(Habits { pipelining, refused_sender, ..Habits::default() });
        let (good, bad) = (
            mailer(relay.port(), &json!({ "fromEmail": "good@acme.test" })).await,
            mailer(relay.port(), &json!({ "fromEmail": "bad@acme.test" })).await,
        );
        let (good, bad) = tokio::join!(send_at_once(&good, 30), send_at_once(&bad, 30));
        assert!(good.iter().all(Result::is_ok), "{good:?}");
        for outcome in bad {
            let error = outcome.expect_err("the sender is refused");
            assert_eq!((error.kind(), error.stage()), (ErrorKind::Refused, Some(Stage::Mail)));
        }
        assert_eq!(relay.book().messages().len(), 30);
    }
}

#[tokio::test]
async fn messages_that_a_closing_server_did_not_take_go_over_other_connections() {
    for pipelining in [false, true] {
        let relay = Relay::start(Habits { pipelining, closes_after: Some(3), ..Habits::default() });
        let mailer = mailer(relay.port(), &json!({ "maxConnections": 2 })).await;
        let outcomes = send_at_once(&mailer, 40).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let book = relay.book();
        assert_eq!((book.messages().len(), book.peak), (40, 2));
    }
}

#[tokio::test]
async fn a_server_that_stalls_at_the_second_mail_fails_its_sender() {
    let relay = Relay::start(Habits { stalls_after: Some(1), ..Habits::default() });
    let mailer = mailer(relay.port(), &json!({ "maxConnections": 1, "socketTimeout": 200 })).await;
    mailer.send(&sign_in("482913")).await.expect("acceptance");
    let error = mailer.send(&sign_in("551177")).await.expect_err("the server stalls");
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Timeout, Some(Stage::Mail)));
    // Another connection is not concerned.
    mailer.send(&sign_in("661177")).await.expect("acceptance");
}

#[tokio::test]
async fn a_connection_carries_no_more_messages_than_it_may() {
    let relay = Relay::start(Habits { pipelining: true, ..Habits::default() });
    let mailer = mailer(relay.port(), &json!({ "maxConnections": 1, "maxMessages": 5 })).await;
    let outcomes = send_at_once(&mailer, 100).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let book = relay.ended(20).await;
    let counts: Vec<_> = book.visits.iter().map(|visit| visit.messages.len()).collect();
    assert_eq!((counts, book.peak), (vec![5; 20], 1));
}

#[tokio::test]
async fn a_limit_of_rate_holds_in_every_window() {
    let relay = Relay::start(Habits { pipelining: true, ..Habits::default() });
    let window = Duration::from_millis(200);
    let mailer = mailer(relay.port(), &json!({ "rateLimit": 20, "rateDelta": 200 })).await;
    let begun = Instant::now();
    let outcomes = send_at_once(&mailer, 100).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    // Four windows lie between the first twenty and the last.
    assert!(begun.elapsed() >= 4 * window, "{:?}", begun.elapsed());
    let times = relay.book().times();
    for pair in times.windows(21) {
        // A message may arrive a little later than it was allowed to go.
        assert!(
            pair[20] - pair[0] > window - Duration::from_millis(50),
            "{:?}",
            pair[20] - pair[0]
        );
    }
}

#[tokio::test]
async fn closing_ends_what_waits_and_finishes_what_is_under_way() {
    let relay = Relay::start(Habits { delay: Duration::from_millis(50), ..Habits::default() });
    let mailer = mailer(relay.port(), &json!({ "maxConnections": 1 })).await;
    let sends = tokio::spawn({
        let mailer = mailer.clone();
        async move { send_at_once(&mailer, 10).await }
    });
    tokio::time::sleep(Duration::from_millis(120)).await;
    mailer.close().await;
    let outcomes = sends.await.expect("no panic");
    let (accepted, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((accepted.len(), relay.book().messages().len()), (1, 1));
    for outcome in failed {
        let error = outcome.expect_err("it was not sent");
        assert_eq!(
            (error.kind(), error.is_transient(), error.is_ambiguous()),
            (ErrorKind::Closed, true, false)
        );
    }
    let error = mailer.send(&sign_in("551177")).await.expect_err("the mailer is closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    relay.ended(1).await;
}

#[tokio::test]
async fn a_mailer_that_is_dropped_says_goodbye_on_every_connection() {
    let relay = Relay::start(Habits { delay: Duration::from_millis(1), ..Habits::default() });
    let mailer = mailer(relay.port(), &json!({})).await;
    send_at_once(&mailer, 20).await;
    drop(mailer);
    let book = relay.ended(5).await;
    let last: Vec<_> = book.visits.iter().filter_map(|visit| visit.commands.last()).collect();
    assert_eq!(last, ["QUIT"; 5]);
}
