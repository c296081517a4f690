//! Python's aiosmtpd: submission with a login, over STARTTLS and over implicit TLS.

use std::cell::Cell;

use serde_json::{Value, json};

use super::service::Service;
use super::{PASSWORD, REFUSED, Site, USER, free_port, python};

/// A running aiosmtpd.
#[derive(Debug)]
pub struct Aiosmtpd {
    service: Service,
    submission_port: u16,
    smtps_port: u16,
    read: Cell<usize>,
}

impl Aiosmtpd {
    /// Starts it.
    pub fn start(site: &Site) -> Self {
        let (submission_port, smtps_port) = (free_port(), free_port());
        let settings = json!({
            "submissionPort": submission_port,
            "smtpsPort": smtps_port,
            "certificate": site.join("server.pem"),
            "key": site.join("server.key"),
            "user": USER,
            "password": PASSWORD,
            "refused": REFUSED,
        });
        let mut command = python("aiosmtpd_server.py");
        command.arg(settings.to_string());
        let service =
            Service::start(site, "aiosmtpd", &mut command, &[submission_port, smtps_port]);
        Self { service, submission_port, smtps_port, read: Cell::new(0) }
    }

    /// The port for submission: STARTTLS, then AUTH by PLAIN or LOGIN, both required.
    pub fn submission_port(&self) -> u16 {
        self.submission_port
    }

    /// The port for submission over implicit TLS, with AUTH required.
    pub fn smtps_port(&self) -> u16 {
        self.smtps_port
    }

    /// Waits for the next mail: `{"from", "to": [], "mechanism", "message"}`.
    pub fn next_mail(&self) -> Value {
        self.service.line(self.read.replace(self.read.get() + 1)).expect("a mail arrives")
    }
}
