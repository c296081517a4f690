//! Python's tiny-proxy: what the other proxies cannot, SOCKS 4a and an HTTP login with any
//! characters.

use super::service::Service;
use super::{PASSWORD, Site, USER, free_port, python};

/// A running proxy for two protocols.
#[derive(Debug)]
pub struct PythonProxy {
    _service: Service,
    http_port: u16,
    socks4_port: u16,
}

impl PythonProxy {
    /// Starts it for [`USER`], over HTTP with [`PASSWORD`].
    pub fn start(site: &Site) -> Self {
        let (http_port, socks4_port) = (free_port(), free_port());
        let mut command = python("proxy.py");
        command.args([&http_port.to_string(), &socks4_port.to_string(), USER, PASSWORD]);
        let service = Service::start(site, "python-proxy", &mut command, &[http_port, socks4_port]);
        Self { _service: service, http_port, socks4_port }
    }

    /// The port for HTTP.
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// The port for SOCKS 4 and 4a.
    pub fn socks4_port(&self) -> u16 {
        self.socks4_port
    }
}
