//! What was measured where, and which releases of the peers.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::child::{output, scratch};

/// The lock file of this build.
const LOCK: &str = include_str!("../../Cargo.lock");

/// The machine and the releases, each with its name.
pub(crate) fn describe() -> Outcome<Vec<(String, String)>> {
    let processor = fs::read_to_string("/proc/cpuinfo")?;
    let processor =
        processor.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let load = fs::read_to_string("/proc/loadavg")?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cores = std::thread::available_parallelism()?;
    let facts = [
        ("processor", format!("{} × {}", cores, processor.unwrap_or("unknown"))),
        ("kernel", kernel),
        ("load before the run", load.split(' ').next().unwrap_or_default().to_owned()),
        ("compiler", printed("rustc", &["--version"])?),
        ("Postfix (smtp-sink, smtp-source)", debian("postfix")?),
        ("node", printed("node", &["--version"])?),
        ("nodemailer", format!("{}; {}", npm("nodemailer")?, npm("nodemailer-9")?)),
        ("PostgreSQL", printed("psql", &["--version"])?),
        ("Redis", debian("redis-server")?),
        ("BullMQ", npm("bullmq")?),
        ("Handlebars", format!("{} (npm), {} (crate)", npm("handlebars")?, locked("handlebars"))),
        ("lettre", locked("lettre")),
        ("wasmtime", locked("wasmtime")),
    ];
    Ok(facts.map(|(name, fact)| (name.to_owned(), fact.trim().to_owned())).into())
}

fn printed(program: &str, arguments: &[&str]) -> Outcome<String> {
    Ok(String::from_utf8(output(Command::new(program).args(arguments))?)?)
}

/// The version of an installed package of Debian.
fn debian(package: &str) -> Outcome<String> {
    printed("dpkg-query", &["--show", "--showformat=${Version}", package])
}

/// The release of an installed package of npm.
fn npm(package: &str) -> Outcome<String> {
    let path = scratch(&format!("node/node_modules/{package}/package.json"));
    let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_slice::<Value>(&text)?["version"].as_str().unwrap_or_default().to_owned())
}

/// The release of a crate in this build.
fn locked(name: &str) -> String {
    let entry = LOCK.split_once(&format!("name = \"{name}\"\nversion = \""));
    let version = entry.and_then(|(_, rest)| rest.split('"').next());
    version.unwrap_or("unknown").to_owned()
}
