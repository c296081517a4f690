//! Tinyproxy: an HTTP proxy with a login.

use std::process::Command;

use super::service::Service;
use super::{Site, free_port};

/// A running Tinyproxy.
#[derive(Debug)]
pub struct Tinyproxy {
    _service: Service,
    port: u16,
}

impl Tinyproxy {
    /// The user that it knows.
    pub const USER: &str = "gatekeeper";
    /// The user's password: Tinyproxy takes no other characters than letters, digits and `-._`.
    pub const PASSWORD: &str = "Open-7.Sesame";

    /// Starts it.
    pub fn start(site: &Site) -> Self {
        let port = free_port();
        let configuration = site.write("tinyproxy.conf", settings(port));
        let mut command = Command::new("tinyproxy");
        command.arg("-d").arg("-c").arg(configuration);
        Self { _service: Service::start(site, "tinyproxy", &mut command, &[port]), port }
    }

    /// Its port. It connects to every port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

fn settings(port: u16) -> String {
    format!(
        "User nobody
Group nogroup
Listen 127.0.0.1
Port {port}
Allow 127.0.0.1
Timeout 60
LogLevel Info
BasicAuth {} {}
",
        Tinyproxy::USER,
        Tinyproxy::PASSWORD
    )
}
