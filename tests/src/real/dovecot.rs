//! Dovecot, as nothing but the server that checks passwords for Postfix.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use super::{PASSWORD, USER, free_port, log, wait_for_listener};

/// A running Dovecot.
#[derive(Debug)]
pub(super) struct Dovecot {
    process: Child,
    port: u16,
}

impl Dovecot {
    /// Starts it with everything that it writes below `directory`.
    pub(super) fn start(directory: &Path) -> Self {
        let port = free_port();
        let configuration = directory.join("dovecot.conf");
        fs::write(&configuration, settings(directory, port)).expect("the directory is ours");
        fs::write(directory.join("users"), format!("{USER}:{{PLAIN}}{PASSWORD}\n"))
            .expect("the directory is ours");
        let process = Command::new("dovecot").arg("-F").arg("-c").arg(configuration).spawn();
        let process = process.expect("the package dovecot-core is installed");
        let dovecot = Self { process, port };
        assert!(wait_for_listener(port), "Dovecot does not start:\n{}", log(directory, "dovecot.log"));
        dovecot
    }

    /// The port at which Postfix asks.
    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // SIGTERM lets it stop its own processes, which SIGKILL would leave behind.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

fn settings(directory: &Path, port: u16) -> String {
    let directory = directory.display();
    format!(
        "base_dir = {directory}/dovecot
state_dir = {directory}/dovecot
log_path = {directory}/dovecot.log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
passdb {{
  driver = passwd-file
  args = {directory}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={directory}
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"
    )
}
