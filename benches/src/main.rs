//! The speed harness: this project and its peers side by side, in one run.
//!
//! BENCHMARKS.md says what it measures. Every measurement is a process of its own;
//! this program starts itself again for those that are ours.

mod child;
mod compose;
mod databases;
mod delay;
mod machine;
mod mail;
mod measure;
mod memory;
mod neighbours;
mod node;
mod peers;
mod report;
mod running;
mod served;
mod service;
mod sink;
mod start;
mod throughput;

use std::error::Error;
use std::process::ExitCode;

use measure::Effort;
use report::Report;

/// What can fail fails the whole run: the text is for whoever started it.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A section of the report: its name on the command line, and what measures it.
type Section = (&'static str, fn(&Effort, &mut Report) -> Outcome<()>);

const SECTIONS: [Section; 8] = [
    ("throughput", throughput::loopback),
    ("distance", throughput::distance),
    ("compose", compose::compose),
    ("start", start::start),
    ("memory", memory::memory),
    ("neighbours", neighbours::neighbours),
    ("node", node::node),
    ("service", service::service),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [command, task] if command == child::COMMAND => child::run(task),
        arguments => run(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Outcome<()> {
    let (options, wanted): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|argument| argument.starts_with('-'));
    let known = |name: &&String| SECTIONS.iter().any(|(section, _)| name == section);
    if options.iter().any(|option| *option != "--quick") || !wanted.iter().all(known) {
        let sections: Vec<_> = SECTIONS.iter().map(|(name, _)| *name).collect();
        return Err(
            format!("usage: benches/run [--quick] [SECTION…], of {}", sections.join(", ")).into()
        );
    }
    let effort = if options.is_empty() { Effort::FULL } else { Effort::QUICK };
    let mut report = Report::new(machine::describe()?);
    for (name, measure) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|wanted| *wanted == name) {
            measure(&effort, &mut report)?;
        }
    }
    report.finish()
}
