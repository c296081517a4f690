//! The peers that are programs of their own.

use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Outcome;
use crate::child::composition::Effort;
use crate::child::delivery::TEMPLATE_BYTES;
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
    /// A nodemailer, the package of npm of this name, and Handlebars.
    Nodemailer(&'static str),
}

/// What a client does with messages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// Composes them.
    Render,
    /// Composes and delivers them.
    Send,
}

/// What a client on node tells.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct OnNode {
    /// How many seconds it took.
    pub(crate) seconds: f64,
    /// How late the event loop came to one in a hundred of its timers, in milliseconds.
    pub(crate) late: f64,
}

impl Client {
    fn script(self) -> &'static str {
        match self {
            Self::Package => "node.mjs",
            Self::Nodemailer(_) => "pool.mjs",
        }
    }

    /// What the script is to do.
    fn order(self, batch: Batch, work: Work) -> Value {
        let Batch { port, connections, count } = batch;
        let render = matches!(work, Work::Render);
        let template = mail::template(TEMPLATE_BYTES);
        match self {
            Self::Package => json!({
                "connections": connections,
                "count": count,
                "render": render,
                "configuration": mail::configuration(port, connections, &template),
            }),
            Self::Nodemailer(package) => json!({
                "package": package,
                "port": port,
                "connections": connections,
                "count": count,
                "render": render,
                "from": mail::AUTHOR,
                "subject": mail::SUBJECT,
                "html": template,
            }),
        }
    }

    /// Composes messages on node, and perhaps delivers them.
    pub(crate) fn run(self, batch: Batch, work: Work) -> Outcome<OnNode> {
        node(self.script(), &self.order(batch, work))
    }
}

/// The memory of node with so many tenants, in bytes.
pub(crate) fn tenants_in_node(count: usize) -> Outcome<f64> {
    let configuration = mail::configuration(25, 5, &mail::template(TEMPLATE_BYTES));
    node("tenants.mjs", &json!({ "count": count, "configuration": configuration }))
}

/// Composes messages with handlebars.js, its templates compiled beforehand.
pub(crate) fn handlebars_js(count: usize, template_bytes: usize) -> Outcome<Effort> {
    let (subject, html) = (mail::SUBJECT, mail::template(template_bytes));
    node("compose.mjs", &json!({ "count": count, "subject": subject, "html": html }))
}

/// What one of the scripts in `clients` prints.
fn node<T: DeserializeOwned>(script: &str, order: &Value) -> Outcome<T> {
    let mut command = Command::new("node");
    command.arg(scratch("node").join(script)).arg(order.to_string());
    Ok(serde_json::from_slice(&output(&mut command)?)?)
}
