//! Looks at the clocks, and reports what they tell: the time must be the beginning of the epoch,
//! and a second must pass at once.

use std::time::{Duration, Instant, SystemTime};

use smtp_connector_test_guests::connector::Report;
use smtp_connector_test_guests::{Behaviour, component, plan, report_with, warning};

struct ReadsClock;

impl Behaviour for ReadsClock {
    fn check(configuration: &str) -> Report {
        let mut findings = Vec::new();
        if SystemTime::now() != SystemTime::UNIX_EPOCH {
            findings.push(warning("found", "the component knows what time it is".to_owned()));
        }
        let began = Instant::now();
        std::thread::sleep(Duration::from_secs(3600));
        findings.push(warning("slept", format!("{:?}", began.elapsed())));
        report_with(findings, configuration, plan(configuration))
    }
}

component!(ReadsClock);
