//! The permit for a message to go out, and messages that are tried once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::peer::Peer;
use super::{plan, prepared, submitter};
use crate::delivery::Delivery;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{Pool, TransportPlan};
use crate::receipt::Receipt;
use crate::redactor::Redactor;

/// EHLO replies without and with PIPELINING.
const EHLO: [&str; 2] = ["250 mx.test\r\n", "250-mx.test\r\n250 PIPELINING\r\n"];

/// Delivers messages at once, over one connection; gives what became of them and what the server
/// heard.
async fn deliver(peer: Peer, deliveries: &[Delivery]) -> (Vec<Result<Receipt>>, String) {
    let (address, heard) = peer.start().await;
    let pool = Pool { max_connections: 1, max_messages: 9, max_requeues: None, rate_limit: None };
    let mut plan = TransportPlan { pool: Some(pool), ..plan(address.port()) };
    plan.timeouts.socket = Duration::from_millis(500);
    let submitter = Arc::new(submitter(plan).expect("a plan within this host's means"));
    let sends: Vec<_> = deliveries
        .iter()
        .map(|delivery| {
            let (submitter, delivery) = (submitter.clone(), delivery.clone());
            tokio::spawn(async move {
                let message = prepared(&["ann@b.test"], "Subject: hi\r\n\r\nhello\r\n");
                let deadline = delivery.deadline();
                submitter.deliver(&message, &Redactor::default(), &delivery, deadline).await
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for send in sends {
        outcomes.push(send.await.expect("the sending task"));
    }
    submitter.close().await;
    (outcomes, heard.await.expect("the peer's task"))
}

fn refusing() -> Delivery {
    Delivery::default().once().permit(|| async { Err(io::Error::other("not yours")) })
}

fn assert_not_permitted(error: &Error) {
    assert_eq!((error.kind(), error.stage()), (ErrorKind::Internal, Some(Stage::Data)));
    assert!(error.is_transient() && !error.is_ambiguous(), "{error:?}");
}

#[tokio::test]
async fn a_message_without_its_permit_is_not_said_and_ends_its_connection() {
    let unanswered = Delivery::default().once().permit(std::future::pending);
    for (ehlo, delivery) in
        EHLO.into_iter().flat_map(|ehlo| [(ehlo, refusing()), (ehlo, unanswered.clone())])
    {
        let (outcomes, heard) = deliver(Peer::new().on("EHLO", &[ehlo]), &[delivery]).await;
        assert_not_permitted(outcomes[0].as_ref().expect_err("no permit"));
        assert!(heard.ends_with("RCPT TO:<ann@b.test>\r\nDATA\r\n"), "{heard}");
    }
}

#[tokio::test]
async fn a_permit_is_asked_for_once_and_waited_for() {
    for ehlo in EHLO {
        let asked = Arc::new(AtomicU32::new(0));
        let granting = {
            let asked = asked.clone();
            move || {
                asked.fetch_add(1, Ordering::SeqCst);
                async {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    Ok(())
                }
            }
        };
        let delivery = Delivery::default().permit(granting);
        let (outcomes, heard) = deliver(Peer::new().on("EHLO", &[ehlo]), &[delivery]).await;
        assert!(outcomes[0].is_ok(), "{outcomes:?}");
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(heard.ends_with("hello\r\n.\r\nQUIT\r\n"), "{heard}");
    }
}

#[tokio::test]
async fn a_message_announced_behind_another_needs_its_own_permit() {
    let peer = Peer::new().on("EHLO", &[EHLO[1]]);
    let (outcomes, heard) = deliver(peer, &[Delivery::default(), refusing()]).await;
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
    assert_not_permitted(outcomes[1].as_ref().expect_err("no permit"));
    assert_eq!(heard.matches("hello").count(), 1, "{heard}");
    assert_eq!(heard.matches("MAIL FROM").count(), 2, "{heard}");
}

#[tokio::test]
async fn a_message_that_is_tried_once_is_not_tried_again() {
    let later = || Peer::new().on("MAIL", &["450 4.2.1 later\r\n"]);
    for delivery in [Delivery::default(), Delivery::default().within(Duration::from_secs(60))] {
        let (outcomes, _) = deliver(later(), &[delivery.once()]).await;
        let error = outcomes[0].as_ref().expect_err("a refusal");
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Temporary, 1));
        assert!(error.is_transient());
    }
}
