//! Makes programs that no host should keep, or that it cannot open itself.
//!
//! Markers in the configuration: `program-of-24-mib`; `program-of-garbage`, which it refuses when
//! it is to open it; `program-that-grows`, by a megabyte with each check that it remembers.

use std::cell::Cell;

use smtp_connector_test_guests::connector::{Outcome, Report};
use smtp_connector_test_guests::{Behaviour, component, plan, report};

thread_local! {
    static CHECKS: Cell<usize> = const { Cell::new(0) };
}

struct Programs;

impl Behaviour for Programs {
    fn check(configuration: &str) -> Report {
        let checks = CHECKS.replace(CHECKS.get() + 1);
        let program = if configuration.contains("program-of-24-mib") {
            vec![b' '; 24 << 20]
        } else if configuration.contains("program-of-garbage") {
            vec![0xff; 64]
        } else if configuration.contains("program-that-grows") {
            vec![b' '; checks << 20]
        } else {
            return report(configuration, plan(configuration));
        };
        let outcome = Outcome { plan: plan(configuration), program };
        Report { diagnostics: Vec::new(), outcome: Some(outcome) }
    }

    fn open(program: &[u8]) -> Result<(), String> {
        match std::str::from_utf8(program) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

component!(Programs);
