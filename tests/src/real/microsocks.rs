//! microsocks: a proxy for SOCKS 5 with a login.

use std::process::Command;

use super::service::Service;
use super::{PASSWORD, Site, USER, free_port};

/// A running microsocks.
#[derive(Debug)]
pub struct Microsocks {
    _service: Service,
    port: u16,
}

impl Microsocks {
    /// Starts it for [`USER`] with [`PASSWORD`].
    pub fn start(site: &Site) -> Self {
        let port = free_port();
        let mut command = Command::new("microsocks");
        command.args(["-i", "127.0.0.1", "-p", &port.to_string(), "-u", USER, "-P", PASSWORD]);
        Self { _service: Service::start(site, "microsocks", &mut command, &[port]), port }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }
}
