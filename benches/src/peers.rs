//! The peers that are programs of their own.

use std::process::{Command, Stdio};
use std::time::Instant;

use serde::Serialize;

use crate::Outcome;
use crate::child::{Batch, output, scratch};
use crate::mail;

/// How many bytes of content make a message of 970 bytes with the header that smtp-source writes.
const SMTP_SOURCE_CONTENT: &str = "855";

/// Delivers messages with Postfix's smtp-source on kept connections. Gives the seconds, the start of the
/// process included: some milliseconds.
pub(crate) fn smtp_source(batch: Batch) -> Outcome<f64> {
    let mut command = Command::new("smtp-source");
    command.args(["-d", "-l", SMTP_SOURCE_CONTENT, "-s", &batch.connections.to_string()]);
    command.args(["-m", &batch.count.to_string(), &format!("127.0.0.1:{}", batch.port)]);
    let began = Instant::now();
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("smtp-source: {error}"))?;
    if !status.success() {
        return Err(format!("smtp-source: {status}").into());
    }
    Ok(began.elapsed().as_secs_f64())
}

/// What the scripts in `clients` are told.
#[derive(Debug, Serialize)]
struct Order<'a> {
    package: &'a str,
    port: u16,
    connections: usize,
    count: usize,
    from: &'a str,
    subject: &'a str,
    html: String,
}

/// Composes messages with Handlebars and delivers them with the pool of a nodemailer, which is a package of
/// npm. Gives the seconds.
pub(crate) fn nodemailer(package: &str, batch: Batch, template_bytes: usize) -> Outcome<f64> {
    let Batch { port, connections, count } = batch;
    let html = mail::template(template_bytes);
    let (from, subject) = (mail::AUTHOR, mail::SUBJECT);
    let order = Order { package, port, connections, count, from, subject, html };
    let mut command = Command::new("node");
    command.arg(scratch("node/pool.mjs")).arg(serde_json::to_string(&order)?);
    Ok(serde_json::from_slice(&output(&mut command)?)?)
}
