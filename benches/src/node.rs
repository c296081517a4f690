//! Section 6: the package for Node. What its event loop notices of messages under way, and the
//! memory of its tenants.

use crate::Outcome;
use crate::child::Batch;
use crate::child::delivery::TEMPLATE_BYTES;
use crate::measure::{Effort, Series, in_rounds};
use crate::peers::{Client, event_loop_delay, tenants_in_node};
use crate::report::{Report, Table};
use crate::sink::Sink;

/// How many messages are sent for each value of the delay.
const MESSAGES: usize = 2000;

/// How many connections carry them.
const CONNECTIONS: usize = 10;

/// The numbers of tenants that are measured.
const TENANTS: [usize; 2] = [1, 1000];

pub(crate) fn node(effort: &Effort, report: &mut Report) -> Outcome<()> {
    report.section("In Node", "");
    let clients = [Client::Package, Client::Nodemailer("nodemailer")];
    let measured = in_rounds("Event loop", &clients, effort.rounds, |client| {
        let sink = Sink::start()?;
        let batch = Batch { port: sink.port, connections: CONNECTIONS, count: MESSAGES };
        event_loop_delay(*client, batch, TEMPLATE_BYTES)
    })?;
    let names = ["the package", "nodemailer"].into_iter();
    let series = names.zip(measured).map(|(name, values)| Series::new(name, values)).collect();
    report.table(table("Delay of the event loop while sending, 99th percentile", "ms", series));
    let measured = in_rounds("Memory in Node", &TENANTS, effort.rounds, |count| {
        tenants_in_node(*count, TEMPLATE_BYTES)
    })?;
    let series = TENANTS.iter().zip(measured).map(|(count, values)| {
        let mebibytes = values.iter().map(|bytes: &f64| bytes / f64::from(1 << 20));
        Series::new(format!("tenants: {count}"), mebibytes)
    });
    report.table(table("The whole process of Node", "MiB", series.collect()));
    Ok(())
}

fn table(title: &str, unit: &'static str, series: Vec<Series>) -> Table {
    Table { title: title.to_owned(), unit, series, ratios: Vec::new(), remarks: None }
}
