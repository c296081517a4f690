//! This program, started again as a process of its own for one measurement: a task comes as JSON,
//! and what was measured goes back as JSON.

pub(crate) mod composition;
pub(crate) mod delivery;
pub(crate) mod neighbours;
pub(crate) mod posting;
pub(crate) mod tenants;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::to_string;

use crate::Outcome;
use composition::How;
use neighbours::Neighbourhood;
use posting::Posting;

/// The argument that asks for a task.
pub(crate) const COMMAND: &str = "task";

/// How many instances are kept: one for each worker of the runtime.
const KEPT: usize = 2;

/// What a child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Composes so many messages.
    Compose(How, usize),
    /// Delivers messages through lettre's pool.
    LettrePool(Batch),
    /// Has many tenants send beside one that makes trouble.
    Neighbours(Neighbourhood),
    /// Posts messages to a service.
    Post(Posting),
    /// Composes and delivers messages.
    Send(Batch),
    /// The same, in instances of the component that are kept.
    SendKept(Batch),
    /// Delivers messages that were composed before.
    Submit(Batch),
    /// Configures so many tenants.
    Tenants(usize),
}

/// Messages to deliver.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Batch {
    /// Where the server listens on loopback.
    pub(crate) port: u16,
    /// How many connections there may be.
    pub(crate) connections: usize,
    /// How many messages.
    pub(crate) count: usize,
}

/// Does a task in this process.
pub(crate) fn run(task: &str) -> Outcome<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let measured = runtime.block_on(async {
        Outcome::Ok(match serde_json::from_str(task)? {
            Task::Compose(how, count) => to_string(&composition::compose(how, count).await?)?,
            Task::LettrePool(batch) => to_string(&delivery::through_lettre(batch).await?)?,
            Task::Neighbours(tenants) => to_string(&neighbours::live(tenants).await?)?,
            Task::Post(posting) => to_string(&posting::post(posting).await?)?,
            Task::Send(batch) => to_string(&delivery::send(batch, 0).await?)?,
            Task::SendKept(batch) => to_string(&delivery::send(batch, KEPT).await?)?,
            Task::Submit(batch) => to_string(&delivery::submit(batch).await?)?,
            Task::Tenants(count) => to_string(&tenants::configure(count).await?)?,
        })
    })?;
    println!("{measured}");
    Ok(())
}

/// Has a task done by a process of its own.
pub(crate) fn measure<T: DeserializeOwned>(task: &Task) -> Outcome<T> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([COMMAND, &to_string(task)?]);
    Ok(serde_json::from_slice(&output(&mut command)?)?)
}

/// What a program prints, unless it fails.
pub(crate) fn output(command: &mut Command) -> Outcome<Vec<u8>> {
    let output = command.stdin(Stdio::null()).output();
    let Output { status, stdout, stderr } =
        output.map_err(|error| format!("{command:?}: {error}"))?;
    if !status.success() {
        return Err(format!("{command:?}: {status}\n{}", String::from_utf8_lossy(&stderr)).into());
    }
    Ok(stdout)
}

/// A path below `target/benches`.
pub(crate) fn scratch(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/benches").join(path)
}
