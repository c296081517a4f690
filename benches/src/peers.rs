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

/// Composes messages with Handlebars and delivers them with the pool of a nodemailer, which is a
/// package of npm. Gives the seconds.
pub(crate) fn nodemailer(package: &str, batch: Batch, template_bytes: usize) -> Outcome<f64> {
    let Batch { port, connections, count } = batch;
    let (from, subject, html) = (mail::AUTHOR, mail::SUBJECT, mail::template(template_bytes));
    let order = json!({
        "package": package,
        "port": port,
        "connections": connections,
        "count": count,
        "from": from,
        "subject": subject,
        "html": html,
    });
    node("pool.mjs", &order)
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
