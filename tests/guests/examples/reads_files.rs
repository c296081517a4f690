//! Looks for files and folders, and tries to leave one behind, and reports what works: nothing
//! must.

use std::fs;

use smtp_connector_test_guests::connector::Report;
use smtp_connector_test_guests::{Behaviour, component, plan, report_with, warning};

struct ReadsFiles;

impl Behaviour for ReadsFiles {
    fn check(configuration: &str) -> Report {
        let worked = [
            ("read /etc/passwd", fs::read("/etc/passwd").is_ok()),
            ("list /", fs::read_dir("/").is_ok()),
            ("list .", fs::read_dir(".").is_ok()),
            ("write a file", fs::write("/tmp/left-behind", "x").is_ok()),
            ("make a folder", fs::create_dir("left-behind").is_ok()),
        ];
        let worked = worked.iter().filter(|(_, worked)| *worked);
        let findings = worked.map(|(what, _)| warning("found", format!("it can {what}")));
        report_with(findings.collect(), configuration, plan(configuration))
    }
}

component!(ReadsFiles);
