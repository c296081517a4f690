//! Servers that take messages over HTTP, as processes.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::child::delivery::TEMPLATE_BYTES;
use crate::child::posting::{Posted, Posting, Until};
use crate::child::{Task, measure, scratch};
use crate::databases::Redis;
use crate::running::{Running, unused_port};
use crate::{Outcome, mail};

/// The key of the stores: 32 octets in base64. Nothing that is measured is secret.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// How many connections lead to the relay.
const CONNECTIONS: usize = 10;

/// A server that takes messages.
#[derive(Debug)]
pub(crate) struct Served {
    _running: Running,
    port: u16,
    path: &'static str,
    token: String,
}

impl Served {
    /// Starts this project's service, with an empty store and this relay; without one, its relay is
    /// away.
    pub(crate) fn service(store: &str, relay: Option<u16>) -> Outcome<Self> {
        let folder = scratch("service");
        // What the turn before left behind.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("connectors"))?;
        let relay = relay.map_or_else(unused_port, Ok)?;
        let template = mail::template(TEMPLATE_BYTES);
        let configuration = mail::configuration(relay, CONNECTIONS, &template);
        fs::write(folder.join("connectors/bench.json"), configuration.to_string())?;
        let mut command = Command::new(std::env::current_exe()?.with_file_name("smtp-connector"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--egress", "any"]);
        command.args(["--connectors", "connectors", "--store", store]).current_dir(&folder);
        command.env("SMTP_CONNECTOR_KEYS", KEY).env("SMTP_CONNECTOR_RECIPIENT_MESSAGES", "0");
        // The compiled component is kept from turn to turn.
        let cache = scratch("cache");
        fs::create_dir_all(&cache)?;
        command.env("XDG_CACHE_HOME", cache.canonicalize()?);
        let (running, [port, token]) = Running::telling(&mut command, ["127.0.0.1:", "smtpc_"])?;
        Ok(Self {
            _running: running,
            port: port.parse()?,
            path: "/v1/connectors/bench/messages",
            token: format!("smtpc_{token}"),
        })
    }

    /// Starts the queue of nodemailer and `BullMQ`; without a relay nothing leaves it.
    pub(crate) fn bullmq(redis: &Redis, relay: Option<u16>) -> Outcome<Self> {
        let order = json!({
            "redis": redis.port,
            "port": relay,
            "connections": CONNECTIONS,
            "from": mail::AUTHOR,
            "subject": mail::SUBJECT,
            "html": mail::template(TEMPLATE_BYTES),
        });
        let mut command = Command::new("node");
        command.arg(scratch("node/bullmq.mjs")).arg(order.to_string());
        let (running, [port]) = Running::telling(&mut command, ["127.0.0.1:"])?;
        Ok(Self { _running: running, port: port.parse()?, path: "/", token: String::new() })
    }

    /// Has so many clients post messages.
    pub(crate) fn take(&self, clients: usize, count: usize, until: Until) -> Outcome<Posted> {
        let (port, path, token) = (self.port, self.path.to_owned(), self.token.clone());
        measure(&Task::Post(Posting { port, path, token, clients, count, until }))
    }
}
