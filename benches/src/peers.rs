//! The peers that are programs of their own.

use std::process::{Command, Stdio};
use std::time::Instant;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Outcome;
use crate::child::composition::Effort;
use crate::child::{Batch, output, scratch};
use crate::mail;

/// How many bytes of content make a message of 970 bytes with the header that smtp-source writes.
const SMTP_SOURCE_CONTENT: &str = "855";

/// Delivers messages with Postfix's smtp-source on kept connections. Gives the seconds, the start
/// of the process included: some milliseconds.
pub(crate) fn smtp_source(batch: Batch) -> Outcome<f64> {
    let mut command = Command::new("smtp-source");
    command.args(["-d", "-l", SMTP_SOURCE_CONTENT, "-s", &batch.connections.to_string()]);
    command.args(["-m", &batch.count.to_string(), &format!("127.0.0.1:{}", batch.port)]);
    let began = Instant::now();
    let status =
        command.stdin(Stdio::null()).status().map_err(|error| format!("smtp-source: {error}"))?;
    if !status.success() {
        return Err(format!("smtp-source: {status}").into());
    }
    Ok(began.elapsed().as_secs_f64())
}

/// A client that runs on node.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Client {
    /// This project's package.
    Package,
    /// The pool of a nodemailer, a package of npm of this name, and Handlebars.
    Nodemailer(&'static str),
}

impl Client {
    fn script(self) -> &'static str {
        match self {
            Self::Package => "node.mjs",
            Self::Nodemailer(_) => "pool.mjs",
        }
    }

    /// What the script is to do.
    fn order(self, batch: Batch, template_bytes: usize) -> Value {
        let Batch { port, connections, count } = batch;
        match self {
            Self::Package => {
                let template = mail::template(template_bytes);
                json!({
                    "connections": connections,
                    "count": count,
                    "configuration": mail::configuration(port, connections, &template),
                })
            }
            Self::Nodemailer(package) => json!({
                "package": package,
                "port": port,
                "connections": connections,
                "count": count,
                "from": mail::AUTHOR,
                "subject": mail::SUBJECT,
                "html": mail::template(template_bytes),
            }),
        }
    }
}

/// Composes messages and delivers them on node. Gives the seconds.
pub(crate) fn on_node(client: Client, batch: Batch, template_bytes: usize) -> Outcome<f64> {
    node(client.script(), &client.order(batch, template_bytes), &[])
}

/// How late node's event loop is while messages are delivered, in milliseconds.
pub(crate) fn event_loop_delay(
    client: Client,
    batch: Batch,
    template_bytes: usize,
) -> Outcome<f64> {
    let script = format!("./{}", client.script());
    node("loop.mjs", &client.order(batch, template_bytes), &[&script])
}

/// The memory of node with so many tenants, in bytes.
pub(crate) fn tenants_in_node(count: usize, template_bytes: usize) -> Outcome<f64> {
    let configuration = mail::configuration(25, 5, &mail::template(template_bytes));
    node("tenants.mjs", &json!({ "count": count, "configuration": configuration }), &[])
}

/// Composes messages with handlebars.js, its templates compiled beforehand.
pub(crate) fn handlebars_js(count: usize, template_bytes: usize) -> Outcome<Effort> {
    let (subject, html) = (mail::SUBJECT, mail::template(template_bytes));
    node("compose.mjs", &json!({ "count": count, "subject": subject, "html": html }), &[])
}

/// What one of the scripts in `clients` prints.
fn node<T: DeserializeOwned>(script: &str, order: &Value, further: &[&str]) -> Outcome<T> {
    let mut command = Command::new("node");
    command.arg(scratch("node").join(script)).arg(order.to_string()).args(further);
    Ok(serde_json::from_slice(&output(&mut command)?)?)
}
