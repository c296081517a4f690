//! Runs that stop before the end of their requests, and lose nothing by it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use smtp_connector_tests::cli::{Running, Signal};
use smtp_connector_tests::faulty::{FaultyServer, Kept, Misdeed, Options, Place};
use smtp_connector_tests::relay::{Habits, Relay};

use super::{Site, check_code, exists, for_server, requests};
use crate::helpers::command::configuration;

const COUNT: usize = 200;

fn many() -> String {
    let ids: Vec<_> = (0..COUNT).map(|number| format!("u{number}")).collect();
    requests(&ids.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Starts a run, and waits until a message is going out.
async fn underway(site: &Site) -> Running {
    let running = site.resumable().start().await;
    let notes = || fs::read_to_string(site.inflight()).unwrap_or_default().lines().count();
    while notes() < 2 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    running
}

/// A server that does this after each final dot until it is mended.
fn until_mended(misdeed: Misdeed) -> (FaultyServer, Arc<AtomicBool>) {
    let mended = Arc::new(AtomicBool::new(false));
    let mending = mended.clone();
    let choose = move |place, _: &str| {
        (place == Place::Dot && !mending.load(Ordering::SeqCst)).then_some(misdeed)
    };
    (FaultyServer::choosing(choose), mended)
}

fn count(lines: &[Value], status: &str) -> usize {
    lines.iter().filter(|line| line["status"] == status).count()
}

#[tokio::test]
async fn a_run_that_is_asked_to_stop_finishes_what_it_began() {
    for signal in [Signal::INT, Signal::TERM] {
        let (server, mended) = until_mended(Misdeed::Late);
        let site = Site::new(&for_server(&server), &many());
        let running = underway(&site).await;
        running.signal(signal);
        let outcome = running.finish().await;
        check_code(&outcome, 75);
        assert!(outcome.stderr.contains("stopping: "), "{}", outcome.stderr);
        assert!(outcome.stderr.ends_with("stopped early\n"), "{}", outcome.stderr);
        let lines = site.lines();
        assert!((1..COUNT).contains(&lines.len()), "{}", lines.len());
        assert_eq!(count(&lines, "accepted"), lines.len());
        assert!(!exists(&site.inflight()), "nothing is in doubt");
        mended.store(true, Ordering::SeqCst);
        check_code(&site.resumable().run().await, 0);
        let record = server.record().await;
        assert_eq!((site.lines().len(), record.len()), (COUNT, COUNT));
        assert!(record.values().all(|kept| *kept == Kept { told: 1, untold: 0 }), "{record:?}");
    }
}

#[tokio::test]
async fn a_second_signal_stops_at_once() {
    let (server, mended) = until_mended(Misdeed::Stall);
    let site = Site::new(&for_server(&server), &many());
    let running = underway(&site).await;
    running.signal(Signal::INT);
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.signal(Signal::INT);
    let outcome = running.finish().await;
    check_code(&outcome, 75);
    assert!(exists(&site.inflight()), "some messages are in doubt");
    mended.store(true, Ordering::SeqCst);
    check_code(&site.resumable().run().await, 75);
    let lines = site.lines();
    let doubtful = count(&lines, "ambiguous");
    assert_eq!((lines.len(), count(&lines, "accepted") + doubtful), (COUNT, COUNT));
    assert!((1..=18).contains(&doubtful), "{doubtful}");
    assert!(server.record().await.values().all(|kept| kept.told + kept.untold == 1));
}

#[tokio::test]
async fn a_message_between_two_attempts_is_not_in_doubt() {
    let (refusals, refusing) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(true)));
    let (counter, mended) = (refusals.clone(), refusing.clone());
    let server = FaultyServer::choosing(move |place, _| {
        let refuses = place == Place::Dot && refusing.load(Ordering::SeqCst);
        counter.fetch_add(usize::from(refuses), Ordering::SeqCst);
        refuses.then_some(Misdeed::RefuseForNow)
    });
    let site = Site::new(&for_server(&server), &requests(&["ann"]));
    let running = site.resumable().args(&["--deadline", "5m"]).start().await;
    while refusals.load(Ordering::SeqCst) < 3 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // The client has heard the refusal by then, and the pause takes more than a second.
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.signal(Signal::KILL);
    running.finish().await;
    assert!(exists(&site.inflight()), "the run had not ended");
    mended.store(false, Ordering::SeqCst);
    let outcome = site.resumable().run().await;
    check_code(&outcome, 0);
    assert!(outcome.stderr.starts_with("1 accepted; "), "{}", outcome.stderr);
    assert_eq!(count(&site.lines(), "accepted"), 1);
    assert_eq!(server.record().await.get("tok-ann"), Some(&Kept { told: 1, untold: 0 }));
}

#[tokio::test]
async fn what_fails_for_every_message_ends_the_run() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    drop(listener);
    let site = Site::new(&configuration(port, &json!({})), &many());
    let outcome = site.resumable().run().await;
    check_code(&outcome, 75);
    let told = "stopped early: what fails here fails for every message: ";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    let lines = site.lines();
    assert!((20..60).contains(&lines.len()), "{}", lines.len());
    assert_eq!(count(&lines, "failed"), lines.len());
    let server = FaultyServer::start(Options::default());
    fs::write(site.path("config.json"), for_server(&server).to_string())
        .expect("it can be written");
    check_code(&site.resumable().run().await, 0);
    assert_eq!(server.record().await.len(), COUNT);
}

#[tokio::test]
async fn refused_credentials_and_senders_end_the_run() {
    for (place, status, kind) in
        [(Place::Auth, "failed", "credentials"), (Place::Mail, "refused", "refused")]
    {
        let choose = move |at, _: &str| (at == place).then_some(Misdeed::RefuseForGood);
        let mischief = smtp_connector_tests::faulty::Mischief::Chosen(Arc::new(choose));
        let server =
            FaultyServer::start(Options { authentication: true, mischief, ..Options::default() });
        let members = json!({ "auth": { "user": "mailer", "pass": "open-sesame" } });
        let site = Site::new(&configuration(server.port(), &members), &many());
        let outcome = site.resumable().run().await;
        check_code(&outcome, 75);
        let lines = site.lines();
        assert!((20..60).contains(&lines.len()), "{}", lines.len());
        assert_eq!(count(&lines, status), lines.len(), "{lines:#?}");
        assert!(lines.iter().all(|line| line["error"]["kind"] == kind), "{lines:#?}");
        assert!(!outcome.stderr.contains("sesame"), "{}", outcome.stderr);
    }
}

fn refusing(reply: &str) -> Relay {
    Relay::start(Habits { says_at_rcpt: Some(reply.to_owned()), ..Habits::default() })
}

/// Postfix and others say at RCPT what they have against a client, a sender or an account.
#[tokio::test]
async fn what_is_not_the_recipients_fault_ends_the_run_and_goes_out_after_the_cure() {
    for (reply, kind) in [
        ("504 5.5.2 <app>: Helo command rejected: need fully-qualified hostname", "refused"),
        ("553 5.7.1 <a@acme.test>: Sender address rejected: not owned by user ann", "refused"),
        ("550 5.4.5 Daily user sending limit exceeded", "refused"),
        ("554 5.7.1 <u1@example.org>: Relay access denied", "refused"),
        ("550 5.7.1 Access denied", "refused"),
        ("454 4.7.1 <u1@example.org>: Relay access denied", "temporary"),
        ("550 5.7.1 Authentication required", "credentials"),
    ] {
        let relay = refusing(reply);
        let site = Site::new(&configuration(relay.port(), &json!({})), &many());
        let outcome = site.resumable().arg("--deadline").arg("2s").run().await;
        check_code(&outcome, 75);
        let told = "stopped early: what fails here fails for every message: ";
        assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
        let lines = site.lines();
        assert!((20..60).contains(&lines.len()), "{reply}: {}", lines.len());
        for line in &lines {
            let error = &line["error"];
            assert_eq!((&line["status"], &error["kind"]), (&json!("failed"), &json!(kind)));
            assert!(error["hint"].is_string(), "{line:#}");
        }
        let cured = Relay::start(Habits::default());
        fs::write(site.path("config.json"), configuration(cured.port(), &json!({})).to_string())
            .expect("it can be written");
        check_code(&site.resumable().run().await, 0);
        assert_eq!(cured.book().messages().len(), COUNT, "{reply}");
    }
}

#[tokio::test]
async fn what_is_the_recipients_fault_is_final_and_ends_no_run() {
    for reply in ["550 5.1.1 <u1@example.org>: Recipient address rejected: User unknown", "550 no"]
    {
        let relay = refusing(reply);
        let site = Site::new(&configuration(relay.port(), &json!({})), &many());
        check_code(&site.resumable().run().await, 67);
        let lines = site.lines();
        assert_eq!((lines.len(), count(&lines, "refused")), (COUNT, COUNT), "{reply}");
        check_code(&site.resumable().run().await, 67);
        assert_eq!(site.lines().len(), COUNT, "{reply}");
    }
}
