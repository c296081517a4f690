//! The keys of the pool and of the rate.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use smtp_connector_tests::peer::{Peer, Script};
use smtp_connector_tests::relay::{Book, Habits, Relay};

use crate::helpers::proof::{check, check_plan};
use crate::helpers::tenant::sign_in;
use crate::pool::{mailer, send_at_once};

/// Sends messages at once to a server that takes a little time, and gives what it saw.
async fn sent(count: usize, members: &Value) -> Book {
    let relay = Relay::start(Habits { delay: Duration::from_millis(2), ..Habits::default() });
    let mailer = mailer(relay.port(), members).await;
    let outcomes = send_at_once(&mailer, count).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    relay.book()
}

#[tokio::test]
pub(crate) async fn pool() {
    let connections =
        [(json!({}), 5), (json!({ "pool": true }), 5), (json!({ "pool": false }), 20)];
    for (members, expected) in connections {
        let book = sent(20, &members).await;
        assert_eq!((book.visits.len(), book.peak), (expected, 5), "{members}");
    }
    check([(json!({ "pool": "yes" }), "error wrong-type /pool")]).await;
}

#[tokio::test]
pub(crate) async fn max_connections() {
    assert_eq!(sent(20, &json!({ "maxConnections": 2 })).await.peak, 2);
    assert_eq!(sent(20, &json!({ "maxConnections": 8 })).await.peak, 8);
    check([
        (json!({ "maxConnections": 0 }), "error out-of-range /maxConnections"),
        (json!({ "maxConnections": "5" }), "error wrong-type /maxConnections"),
        (json!({ "maxConnections": 2, "pool": false }), "warning no-effect /maxConnections"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn max_messages() {
    let book = sent(20, &json!({ "maxConnections": 2, "maxMessages": 4 })).await;
    assert!(book.visits.iter().all(|visit| visit.messages.len() <= 4), "{book:#?}");
    check_plan([(json!({}), json!({ "pool": { "maxConnections": 5, "maxMessages": 100 } }))]).await;
    check([
        (json!({ "maxMessages": 0 }), "error out-of-range /maxMessages"),
        (json!({ "maxMessages": 2, "pool": false }), "warning no-effect /maxMessages"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn max_requeues() {
    // The server closes after each message: the next one finds the connection gone, or loses it at
    // MAIL.
    let relay =
        Relay::start(Habits { pipelining: true, closes_after: Some(1), ..Habits::default() });
    let one = json!({ "maxConnections": 1 });
    let outcomes = send_at_once(&mailer(relay.port(), &one).await, 10).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let none = json!({ "maxConnections": 1, "maxRequeues": 0 });
    let outcomes = send_at_once(&mailer(relay.port(), &none).await, 10).await;
    assert!(
        outcomes.iter().any(Result::is_ok) && outcomes.iter().any(Result::is_err),
        "{outcomes:?}"
    );
    let unlimited = json!({ "pool": { "maxConnections": 5, "maxMessages": 100 } });
    check_plan([(json!({ "maxRequeues": -1 }), unlimited)]).await;
    check([(json!({ "maxRequeues": 1.5 }), "error out-of-range /maxRequeues")]).await;
}

#[tokio::test]
pub(crate) async fn rate_limit() {
    let begun = Instant::now();
    sent(20, &json!({ "rateLimit": 5, "rateDelta": 100 })).await;
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    check([
        (json!({ "rateLimit": 0 }), ""),
        (json!({ "rateLimit": -1 }), "error out-of-range /rateLimit"),
        (json!({ "rateLimit": 1, "pool": false }), "warning no-effect /rateLimit"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn rate_delta() {
    let limit = |window: u64| {
        json!({
            "pool": {
                "maxConnections": 5, "maxMessages": 100,
                "rateLimit": { "messages": 3, "windowMs": window },
            },
        })
    };
    check_plan([
        (json!({ "rateLimit": 3 }), limit(1000)),
        (json!({ "rateLimit": 3, "rateDelta": 60_000 }), limit(60_000)),
    ])
    .await;
    check([
        (json!({ "rateDelta": 5 }), "warning no-effect /rateDelta"),
        (json!({ "rateLimit": 3, "rateDelta": [] }), "error wrong-type /rateDelta"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn pipelining() {
    // The peer answers nothing before it has heard all that it waits for.
    let together = Script::offering(&["PIPELINING"])
        .hear("MAIL FROM:*")
        .hear("RCPT TO:*")
        .on("DATA", "250 ok\r\n250 ok\r\n354 go\r\n")
        .hear_any_content()
        .say("250 ok\r\n")
        .quit();
    let one_by_one = Script::offering(&["PIPELINING"]).takes_mail();
    for (members, script) in [(json!({}), together), (json!({ "pipelining": false }), one_by_one)] {
        let peer = Peer::start(script);
        let mailer = mailer(peer.port(), &members).await;
        mailer.send(&sign_in("482913")).await.expect("acceptance");
        drop(mailer);
        peer.finish().await;
    }
    check_plan([
        (json!({}), json!({ "pipelining": true })),
        (json!({ "pool": false, "pipelining": false }), json!({ "pipelining": false })),
    ])
    .await;
    check([(json!({ "pipelining": 0 }), "error wrong-type /pipelining")]).await;
}
