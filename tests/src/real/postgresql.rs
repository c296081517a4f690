//! PostgreSQL, with a database that nobody else uses.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::service::Service;
use super::{Site, free_port, run};

/// The user of Debian who may run it: PostgreSQL refuses root.
const USER: &str = "postgres";

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Postgresql {
    service: Option<Service>,
    data: PathBuf,
    port: u16,
}

impl Postgresql {
    /// Makes a database and starts a server for it.
    pub fn start(site: &Site) -> Self {
        let data = site.folder("postgresql");
        run(Command::new("chown").arg(USER).arg(&data));
        let mut initdb = as_user("initdb");
        run(initdb.args(["--auth", "trust", "--encoding", "UTF8", "--no-sync"]).arg(&data));
        let mut server = Self { service: None, data, port: free_port() };
        server.restart(site);
        server
    }

    /// Starts it again after [`Self::kill`].
    pub fn restart(&mut self, site: &Site) {
        let mut command = as_user("postgres");
        command.arg("-D").arg(&self.data).args(["-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", "unix_socket_directories=", "-c", "max_connections=200"]);
        command.args(["-p", &self.port.to_string()]);
        self.service = Some(Service::start(site, "postgresql", &mut command, &[self.port]));
    }

    /// Kills it as a power failure would (SIGQUIT: its processes end at once).
    pub fn kill(&mut self) {
        let pid = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let pid = pid.lines().next().unwrap_or_default().to_owned();
        run(Command::new("kill").args(["-QUIT", &pid]));
        self.service = None;
    }

    /// Where it listens on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }
}

/// One of its programs, which Debian keeps apart by version.
fn as_user(program: &str) -> Command {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut programs: Vec<_> =
        versions.map(|version| version.path().join("bin").join(program)).collect();
    programs.sort();
    let path = programs.pop().unwrap_or_else(|| Path::new(program).to_owned());
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={USER}"), &format!("--regid={USER}"), "--clear-groups"]);
    command.arg(path);
    command
}
