//! stunnel: TLS in front of a server that has none, such as an HTTP proxy.

use std::process::Command;

use super::service::Service;
use super::{Site, free_port};

/// A running stunnel.
#[derive(Debug)]
pub struct Stunnel {
    _service: Service,
    port: u16,
}

impl Stunnel {
    /// Starts it in front of a port of loopback.
    pub fn start(site: &Site, behind: u16) -> Self {
        let port = free_port();
        let configuration = site.write("stunnel.conf", settings(site, port, behind));
        let mut command = Command::new("stunnel4");
        command.arg(configuration);
        Self { _service: Service::start(site, "stunnel", &mut command, &[port]), port }
    }

    /// The port that speaks TLS, with the site's certificate.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn settings(site: &Site, port: u16, behind: u16) -> String {
    let directory = site.path().display();
    format!(
        "foreground = yes
pid =
[tls]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{behind}
cert = {directory}/server.pem
key = {directory}/server.key
"
    )
}
