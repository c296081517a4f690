//! npm's smtp-server: submission by password or token, or LMTP with an answer for each recipient.

use std::cell::Cell;

use serde_json::{Value, json};

use super::service::Service;
use super::{DEFERRED, PASSWORD, REFUSED, Site, TokenEndpoint, USER, free_port, node};

/// A running smtp-server.
#[derive(Debug)]
pub struct SmtpServer {
    service: Service,
    port: u16,
    read: Cell<usize>,
}

impl SmtpServer {
    /// A mailbox that it refuses only after the message, over LMTP.
    pub const FULL: &str = "full@mail.test";

    /// Starts it for submission: STARTTLS, then AUTH by PLAIN, LOGIN, CRAM-MD5 or XOAUTH2, both
    /// required.
    ///
    /// XOAUTH2 takes exactly the tokens that a [`TokenEndpoint`] of the same site has issued.
    pub fn start(site: &Site) -> Self {
        Self::launch(site, false)
    }

    /// Starts it for LMTP, with optional STARTTLS and AUTH.
    pub fn start_lmtp(site: &Site) -> Self {
        Self::launch(site, true)
    }

    fn launch(site: &Site, lmtp: bool) -> Self {
        let port = free_port();
        let settings = json!({
            "port": port,
            "lmtp": lmtp,
            "certificate": site.join("server.pem"),
            "key": site.join("server.key"),
            "user": USER,
            "password": PASSWORD,
            "tokens": site.join(TokenEndpoint::ISSUED),
            "refused": REFUSED,
            "deferred": DEFERRED,
            "full": Self::FULL,
        });
        let mut command = node("smtp_server.cjs");
        command.arg(settings.to_string());
        Self {
            service: Service::start(site, "smtp-server", &mut command, &[port]),
            port,
            read: Cell::new(0),
        }
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for the next mail: `{"from", "to": [], "mechanism", "tls", "message"}`.
    pub fn next_mail(&self) -> Value {
        self.service.line(self.read.replace(self.read.get() + 1)).expect("a mail arrives")
    }
}
