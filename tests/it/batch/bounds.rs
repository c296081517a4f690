//! However long the lines are, the command stays within its memory.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fmt::Write as _;

use serde_json::json;

use super::{Site, catch_all, lines};
use crate::helpers::command::{MEMORY, configuration, peak_memory};

#[tokio::test]
async fn long_lines_are_in_work_one_at_a_time() {
    let server = catch_all().await;
    let request = |padding: &str| {
        let payload = format!(r#"{{"padding":{padding}}}"#);
        format!(r#"{{"to":"jo@example.org","type":"SignIn","payload":{payload}}}"#) + "\n"
    };
    let text = request(&format!("\"{}\"", "x".repeat((8 << 20) - 100)));
    // What takes most memory for its length.
    let numbers = request(&format!("[{}0]", "1,".repeat(2 << 20)));
    let mut requests = String::new();
    for _ in 0..3 {
        let overlong = "x".repeat(30 << 20);
        writeln!(requests, "{text}{numbers}{overlong}").expect("a string can be written");
    }
    let site = Site::new(&configuration(server.address().port(), &json!({})), &requests);
    let (config, requests, results) =
        (site.path("config.json"), site.path("requests.ndjson"), site.results());
    let arguments: Vec<_> = [
        OsStr::new("batch"),
        config.as_ref(),
        requests.as_ref(),
        OsStr::new("--out"),
        results.as_ref(),
    ]
    .map(OsStr::to_owned)
    .into();
    let run = move || peak_memory(&arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    let (code, peak) = tokio::task::spawn_blocking(run).await.expect("the command can be run");
    let results = lines(&std::fs::read_to_string(site.results()).expect("there are results"));
    assert_eq!((code, results.len()), (Some(65), 9), "{results:#?}");
    assert_eq!(
        server.caught().len(),
        results.iter().filter(|line| line["status"] == "accepted").count()
    );
    assert!(peak < MEMORY, "{peak} kB");
    println!("{peak} kB");
}
