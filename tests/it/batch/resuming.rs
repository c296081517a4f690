//! Run after run with one file of results: what is final is not sent again, whatever ended the run
//! before.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use smtp_connector_tests::cli::Signal;
use smtp_connector_tests::faulty::{FaultyServer, Kept};

use super::{
    Site, by_name, catch_all, check_code, check_statuses, exists, for_server, request, requests,
    server,
};
use crate::helpers::command::configuration;

/// A result of an earlier run.
fn result(id: &str, status: &str) -> String {
    let rest = match status {
        "accepted" => json!({ "result": {} }),
        _ => json!({ "error": { "kind": "refused", "stage": "rcpt" } }),
    };
    let mut line = json!({ "line": 1, "id": id, "status": status });
    line.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
    line.to_string() + "\n"
}

#[tokio::test]
async fn a_second_run_sends_what_failed_and_what_is_new() {
    let mended = Arc::new(AtomicBool::new(false));
    let mending = mended.clone();
    let server = FaultyServer::choosing(move |place, recipient| {
        by_name(place, recipient).filter(|_| !mending.load(Ordering::SeqCst))
    });
    let site = Site::new(&for_server(&server), &requests(&["ann", "later", "lost", "never"]));
    check_code(&site.resumable().run().await, 75);
    let first =
        [("ann", "accepted"), ("later", "failed"), ("lost", "ambiguous"), ("never", "refused")];
    check_statuses(&site.lines(), &first);
    let before = fs::read_to_string(site.results()).expect("there are results");
    mended.store(true, Ordering::SeqCst);
    site.request(&requests(&["ann", "later", "lost", "never", "sam"]));
    let outcome = site.resumable().run().await;
    check_code(&outcome, 75);
    assert_eq!(outcome.stdout, "");
    assert!(outcome.stderr.starts_with("2 accepted, 3 skipped; "), "{}", outcome.stderr);
    let after = fs::read_to_string(site.results()).expect("there are results");
    let added = after.strip_prefix(&before).expect("nothing of the file was changed");
    check_statuses(&super::lines(added), &[("later", "accepted"), ("sam", "accepted")]);
    assert!(!exists(&site.inflight()), "a run that ended leaves no notes");
    let told = Kept { told: 1, untold: 0 };
    let expected =
        [("ann", told), ("later", told), ("lost", Kept { told: 0, untold: 1 }), ("sam", told)];
    let expected = expected.map(|(name, kept)| (format!("tok-{name}"), kept));
    assert_eq!(server.record().await, HashMap::from(expected));
}

#[tokio::test]
async fn a_run_without_anything_to_do_tells_what_became_of_all() {
    let site = Site::new(&configuration(9, &json!({})), &requests(&["a", "b"]));
    for (second, code) in [("accepted", 0), ("refused", 67), ("ambiguous", 75)] {
        fs::write(site.results(), result("a", "accepted") + &result("b", second))
            .expect("it can be written");
        let outcome = site.resumable().run().await;
        check_code(&outcome, code);
        assert!(outcome.stderr.starts_with("0 accepted, 2 skipped; "), "{}", outcome.stderr);
    }
}

#[tokio::test]
async fn a_request_without_an_id_is_its_line_and_its_content() {
    let server = catch_all().await;
    let line = |to: &str| json!({ "to": to, "type": "SignIn" }).to_string() + "\n";
    let (jo, sam) = (line("jo@example.org"), line("sam@example.org"));
    let site =
        Site::new(&configuration(server.address().port(), &json!({})), &format!("{jo}{sam}"));
    check_code(&site.resumable().run().await, 0);
    check_statuses(&site.lines(), &[("1", "accepted"), ("2", "accepted")]);
    site.request(&format!("{jo}{jo}"));
    let outcome = site.resumable().run().await;
    check_code(&outcome, 0);
    assert!(outcome.stderr.starts_with("1 accepted, 1 skipped; "), "{}", outcome.stderr);
    assert_eq!(server.caught().len(), 3);
}

#[tokio::test]
async fn a_result_that_was_cut_short_is_none() {
    let server = catch_all().await;
    let whole = result("a", "accepted");
    let torn = result("b", "accepted");
    for length in 1..torn.len() - 1 {
        if length > 20 && length < torn.len() - 3 && length % 7 > 0 {
            continue;
        }
        let site =
            Site::new(&configuration(server.address().port(), &json!({})), &requests(&["a", "b"]));
        fs::write(site.results(), whole.clone() + &torn[..length]).expect("it can be written");
        let outcome = site.resumable().run().await;
        check_code(&outcome, 0);
        check_statuses(&site.lines(), &[("a", "accepted"), ("b", "accepted")]);
        assert!(outcome.stderr.starts_with("1 accepted, 1 skipped; "), "{}", outcome.stderr);
    }
}

#[tokio::test]
async fn a_result_that_lacks_only_its_line_feed_counts() {
    let site = Site::new(&configuration(9, &json!({})), &requests(&["a"]));
    fs::write(site.results(), result("a", "accepted").trim_end()).expect("it can be written");
    check_code(&site.resumable().run().await, 0);
    assert_eq!(
        fs::read_to_string(site.results()).expect("there are results"),
        result("a", "accepted")
    );
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_left_alone() {
    let foreign = [
        "hello".to_owned(),
        "hello\n".to_owned(),
        request("a"),
        result("a", "accepted") + "[]\n",
        result("a", "done"),
        r#"{"line":1,"status":"accepted","result":{}}"#.to_owned() + "\n",
        r#"{"line":1,"id":"a","status":"refused"}"#.to_owned() + "\n",
        r#"{"line":1,"#.to_owned() + "\n",
    ];
    for content in foreign {
        let site = Site::new(&configuration(9, &json!({})), &request("a"));
        fs::write(site.results(), &content).expect("it can be written");
        let outcome = site.resumable().run().await;
        check_code(&outcome, 66);
        let number = content.lines().count();
        assert!(
            outcome.stderr.contains(&format!("line {number} of ")),
            "{content}: {}",
            outcome.stderr
        );
        assert_eq!(fs::read_to_string(site.results()).expect("it is there"), content);
    }
    let site = Site::new(&configuration(9, &json!({})), &request("a"));
    for content in ["hello\n", "{\"results\":0}\nhello\n", "{\"results\":100}\n"] {
        fs::write(site.inflight(), content).expect("it can be written");
        check_code(&site.resumable().run().await, 66);
        assert_eq!(fs::read_to_string(site.inflight()).expect("it is there"), content);
    }
}

#[tokio::test]
async fn two_runs_do_not_share_a_file() {
    let site = Site::new(&configuration(9, &json!({})), &request("a"));
    let options = OpenOptions::new().append(true).create(true).clone();
    let file = options.open(site.results()).expect("it can be opened");
    file.lock().expect("it can be locked");
    let outcome = site.resumable().run().await;
    check_code(&outcome, 66);
    assert!(outcome.stderr.contains("another run is writing to it"), "{}", outcome.stderr);
}

#[tokio::test]
async fn what_was_going_out_when_a_run_was_killed_is_ambiguous() {
    let server = server();
    let site = Site::new(&for_server(&server), &requests(&["ann", "silence", "sam"]));
    let running = site.resumable().start().await;
    let contains = |file: &Path, text| fs::read_to_string(file).unwrap_or_default().contains(text);
    while !contains(&site.inflight(), "silence")
        || fs::read_to_string(site.results()).map_or(0, |text| text.lines().count()) < 2
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    running.signal(Signal::KILL);
    assert_eq!(running.finish().await.code, None);
    // Another note was torn.
    let mut notes =
        OpenOptions::new().append(true).open(site.inflight()).expect("the notes are there");
    notes.write_all(b"{\"line\":4,\"id\":\"jo").expect("they can be written");
    site.request(&requests(&["ann", "silence", "sam", "jo"]));
    let outcome = site.resumable().run().await;
    check_code(&outcome, 75);
    let expected =
        [("ann", "accepted"), ("jo", "accepted"), ("sam", "accepted"), ("silence", "ambiguous")];
    check_statuses(&site.lines(), &expected);
    let lines = site.lines();
    let error = &lines.iter().find(|line| line["id"] == "silence").expect("a result")["error"];
    assert_eq!((&error["kind"], &error["ambiguous"]), (&json!("lost"), &json!(true)));
    assert_eq!((&error["transient"], &error["attempts"]), (&json!(false), &json!(1)));
    assert!(outcome.stderr.starts_with("1 message was going out"), "{}", outcome.stderr);
    assert!(!exists(&site.inflight()), "a run that ended leaves no notes");
}

#[tokio::test]
async fn an_older_result_does_not_speak_for_a_message_that_was_going_out() {
    let site = Site::new(&configuration(9, &json!({})), &requests(&["a", "b"]));
    let old = result("a", "failed");
    let length = old.len();
    fs::write(site.results(), old + &result("b", "accepted")).expect("it can be written");
    let notes = format!(
        "{{\"results\":{length}}}\n{{\"line\":1,\"id\":\"a\"}}\n{{\"line\":2,\"id\":\"b\"}}\n"
    );
    for _ in 0..2 {
        // The second time as if the first one had been killed before it removed the notes.
        fs::write(site.inflight(), &notes).expect("it can be written");
        check_code(&site.resumable().run().await, 75);
        let expected = [("a", "ambiguous"), ("a", "failed"), ("b", "accepted")];
        check_statuses(&site.lines(), &expected);
    }
}
