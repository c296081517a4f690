//! A server's process: started, waited for, heard, stopped.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{Site, wait_for};

/// A running process, which ends with this value.
#[derive(Debug)]
pub(super) struct Service {
    process: Child,
    output: PathBuf,
}

impl Service {
    /// Starts `command` and waits until something listens on each of `ports`.
    ///
    /// Its standard output is in `NAME.out`, its standard error in `NAME.log`.
    pub(super) fn start(site: &Site, name: &str, command: &mut Command, ports: &[u16]) -> Self {
        let output = site.join(&format!("{name}.out"));
        let file = |path| File::create(path).expect("the directory is ours");
        command.stdin(Stdio::null()).stdout(file(output.clone()));
        command.stderr(file(site.join(&format!("{name}.log"))));
        let process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut service = Self { process, output };
        let up = wait_for(|| match service.process.try_wait() {
            Ok(None) => listening(ports).then_some(true),
            _ => Some(false),
        });
        assert_eq!(up, Some(true), "{name} does not start:\n{}{}", site.logs(), service.printed());
        service
    }

    /// Waits for the line of JSON with this index in what the process prints.
    pub(super) fn line(&self, index: usize) -> Option<Value> {
        wait_for(|| serde_json::from_str(self.printed().lines().nth(index)?).ok())
    }

    /// The lines of JSON that the process has printed so far.
    pub(super) fn lines(&self) -> Vec<Value> {
        self.printed()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    fn printed(&self) -> String {
        fs::read_to_string(&self.output).unwrap_or_default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        stop(self.process.id());
        let _ = self.process.wait();
    }
}

/// Asks a process to end: SIGTERM lets a server stop its own processes, which SIGKILL would leave
/// behind.
pub(super) fn stop(pid: u32) {
    let _ = Command::new("kill").arg(pid.to_string()).status();
}

/// Whether something listens on each of these ports of loopback.
pub(super) fn listening(ports: &[u16]) -> bool {
    ports.iter().all(|&port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())
}
