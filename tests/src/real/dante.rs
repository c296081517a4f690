//! Dante: a proxy for SOCKS 4 and 5 without a login. It does not know SOCKS 4a.

use std::process::Command;

use super::service::Service;
use super::{Site, free_port};

/// A running Dante.
#[derive(Debug)]
pub struct Dante {
    _service: Service,
    port: u16,
}

impl Dante {
    /// Starts it.
    pub fn start(site: &Site) -> Self {
        let port = free_port();
        let configuration = site.write("dante.conf", settings(port));
        let mut command = Command::new("danted");
        command.arg("-f").arg(configuration);
        Self { _service: Service::start(site, "dante", &mut command, &[port]), port }
    }

    /// The port for both versions.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn settings(port: u16) -> String {
    format!(
        "logoutput: stderr
internal: 127.0.0.1 port = {port}
external: lo
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{
  from: 127.0.0.0/8 to: 0.0.0.0/0
  log: error connect
}}
socks pass {{
  from: 127.0.0.0/8 to: 0.0.0.0/0
  log: error connect
}}
"
    )
}
