//! The databases behind queues, with their data on the disk and as durable as they can be.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Outcome;
use crate::child::output;
use crate::running::{Running, unused_port};

/// The user of Debian who may run PostgreSQL, which refuses root.
const USER: &str = "postgres";

/// A running PostgreSQL.
#[derive(Debug)]
pub(crate) struct Postgresql {
    _running: Running,
    port: u16,
    databases: AtomicUsize,
    _data: Data,
}

impl Postgresql {
    /// Makes a cluster and starts a server for it.
    pub(crate) fn start() -> Outcome<Self> {
        let (data, port) = (Data::new("postgresql")?, unused_port()?);
        output(Command::new("chown").arg(USER).arg(&data.0))?;
        let initdb = ["--auth", "trust", "--encoding", "UTF8", "--no-sync"];
        output(as_user("initdb")?.args(initdb).arg(&data.0))?;
        let mut server = as_user("postgres")?;
        server.arg("-D").arg(&data.0).args(["-p", &port.to_string()]);
        server.args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]);
        // Its log would be one of connections that come and go.
        server.stderr(Stdio::null());
        let running = Running::listening(&mut server, port)?;
        Ok(Self { _running: running, port, databases: AtomicUsize::new(0), _data: data })
    }

    /// A database with nothing in it.
    pub(crate) fn database(&self) -> Outcome<String> {
        let name = format!("turn{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let place = ["--host", "127.0.0.1", "--port", &self.port.to_string(), "--username", USER];
        output(Command::new("createdb").args(place).arg(&name))?;
        Ok(format!("postgres://{USER}@127.0.0.1:{}/{name}", self.port))
    }
}

/// A running Redis, which writes everything to the disk before it answers.
#[derive(Debug)]
pub(crate) struct Redis {
    _running: Running,
    pub(crate) port: u16,
    _data: Data,
}

impl Redis {
    /// Starts it, with nothing in it.
    pub(crate) fn start() -> Outcome<Self> {
        let (data, port) = (Data::new("redis")?, unused_port()?);
        let mut server = Command::new("redis-server");
        server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        server.args(["--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning"]);
        server.arg("--dir").arg(&data.0);
        Ok(Self { _running: Running::listening(&mut server, port)?, port, _data: data })
    }
}

/// A folder for the data of a server, which goes with this value.
#[derive(Debug)]
struct Data(PathBuf);

impl Data {
    fn new(name: &str) -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        // What the turn before left behind.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        // What is left is temporary.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// One of PostgreSQL's programs, which Debian keeps apart by version.
fn as_user(program: &str) -> Outcome<Command> {
    let mut versions = Vec::new();
    for version in fs::read_dir("/usr/lib/postgresql")? {
        versions.push(version?.path());
    }
    versions.sort();
    let version = versions.pop().ok_or("PostgreSQL is not installed")?;
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={USER}"), &format!("--regid={USER}"), "--clear-groups"]);
    command.arg(Path::new(&version).join("bin").join(program));
    Ok(command)
}
