//! Looks for environment variables, arguments and standard input, and reports what it finds: there
//! must be nothing.

use std::io::Read as _;

use smtp_connector_test_guests::connector::Report;
use smtp_connector_test_guests::{Behaviour, component, plan, report_with, warning};

struct ReadsEnvironment;

impl Behaviour for ReadsEnvironment {
    fn check(configuration: &str) -> Report {
        let variables =
            std::env::vars_os().map(|(name, _)| format!("variable {}", name.to_string_lossy()));
        let arguments =
            std::env::args_os().map(|argument| format!("argument {}", argument.to_string_lossy()));
        let found = variables.chain(arguments).chain(input());
        let finding = |found| warning("found", format!("the component can reach {found}"));
        report_with(found.map(finding).collect(), configuration, plan(configuration))
    }
}

fn input() -> Option<String> {
    let mut byte = [0];
    let read = std::io::stdin().read(&mut byte).unwrap_or(0);
    (read > 0).then(|| "standard input".to_owned())
}

component!(ReadsEnvironment);
