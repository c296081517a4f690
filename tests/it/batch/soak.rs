//! A hundred thousand messages in one run: what the process holds does not grow with them.
#![cfg(target_os = "linux")]

use std::fs;
use std::time::Duration;

use serde_json::json;
use smtp_connector_tests::faulty::{FaultyServer, Kept, Options};

use super::{Site, check_code};
use crate::helpers::command::{MEMORY, configuration};

const COUNT: usize = 100_000;

/// How long the run may take: a hundred messages a second, for a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(1000);

/// What the allocator may keep more at the end than at the beginning, in kilobytes. A hundred bytes
/// of each message would be more than that.
const SLACK: usize = 8_000;

/// Descriptors beyond those of the connections: streams, files, the runtime's own.
const DESCRIPTORS: usize = 40;

/// What a process holds at one moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    kilobytes: usize,
    descriptors: usize,
}

/// Looks at a process; none where it has ended.
fn sample(id: u32) -> Option<Sample> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
    let descriptors = fs::read_dir(format!("/proc/{id}/fd")).ok()?.count();
    Some(Sample { kilobytes: resident.parse().ok()?, descriptors })
}

#[tokio::test]
#[ignore = "sends a hundred thousand messages; .ci/run does"]
async fn a_hundred_thousand_messages_leave_no_trace_in_memory() {
    let server = FaultyServer::start(Options { pipelining: true, ..Options::default() });
    // Without an `id`, so that not even the names of the requests need to be kept.
    let request = |number| {
        let payload = json!({ "code": format!("tok-{number}") });
        json!({ "to": format!("u{number}@example.org"), "type": "SignIn", "payload": payload })
            .to_string()
            + "\n"
    };
    let requests: String = (0..COUNT).map(request).collect();
    let site = Site::new(&configuration(server.port(), &json!({})), &requests);
    let mut running = site.resumable().within(PATIENCE).start().await;
    let mut samples = Vec::new();
    while !running.ended_within(Duration::from_millis(100)).await {
        samples.extend(sample(running.id()));
    }
    let outcome = running.finish().await;
    check_code(&outcome, 0);
    println!("{}{} samples, the last {:?}", outcome.stderr, samples.len(), samples.last());
    assert_eq!(
        fs::read_to_string(site.results()).expect("there are results").lines().count(),
        COUNT
    );
    let record = server.record().await;
    assert_eq!(record.len(), COUNT);
    assert!(record.values().all(|kept| *kept == Kept { told: 1, untold: 0 }));
    assert!(samples.len() >= 8, "it was over too soon to tell: {samples:?}");
    let quarter = |at: usize| &samples[at * samples.len() / 4..(at + 1) * samples.len() / 4];
    let most = |samples: &[Sample], of: fn(&Sample) -> usize| {
        samples.iter().map(of).max().unwrap_or_default()
    };
    let (early, late) = (most(quarter(1), |s| s.kilobytes), most(quarter(3), |s| s.kilobytes));
    assert!(late <= early + SLACK && late < MEMORY, "{early} kB at first, {late} kB in the end");
    let descriptors = most(&samples, |s| s.descriptors);
    assert!(descriptors <= DESCRIPTORS, "{descriptors} descriptors: {samples:?}");
}
