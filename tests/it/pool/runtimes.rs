//! Mailers that outlive the runtime on which their connections were opened.

use std::time::Duration;

use serde_json::json;
use smtp_connector_tests::relay::{Habits, Relay};
use tokio::runtime::{Builder, Runtime};

use super::mailer;
use crate::helpers::tenant::{PATIENCE, sign_in};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

#[test]
fn a_connection_whose_runtime_has_ended_is_replaced() {
    let relay = Relay::start(Habits::default());
    let first = runtime();
    let mailer = first.block_on(mailer(relay.port(), &json!({ "maxConnections": 1 })));
    first.block_on(mailer.send(&sign_in("482913"))).expect("acceptance");
    drop(first);
    let sent = runtime()
        .block_on(async { tokio::time::timeout(PATIENCE, mailer.send(&sign_in("551177"))).await });
    sent.expect("nobody waits for ever").expect("acceptance");
    assert_eq!(relay.book().visits.len(), 2);
}

#[test]
fn what_waits_for_a_connection_whose_runtime_ends_goes_over_another() {
    let delay = Duration::from_millis(300);
    let relay = Relay::start(Habits { delay, ..Habits::default() });
    let (first, second) = (runtime(), runtime());
    let mailer = second.block_on(mailer(relay.port(), &json!({ "maxConnections": 1 })));
    let sender = mailer.clone();
    first.spawn(async move { sender.send(&sign_in("482913")).await });
    let sent = second.block_on(async {
        // By then the first message has the one connection, and is not sent.
        tokio::time::sleep(delay).await;
        let sender = mailer.clone();
        let waiting = tokio::spawn(async move { sender.send(&sign_in("551177")).await });
        tokio::time::sleep(delay).await;
        first.shutdown_background();
        tokio::time::timeout(PATIENCE, waiting).await
    });
    sent.expect("nobody waits for ever").expect("no panic").expect("acceptance");
    let messages = relay.book().messages();
    assert!(messages.len() == 1 && messages[0].contains("551177"), "{messages:?}");
}
