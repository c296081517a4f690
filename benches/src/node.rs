//! Section 7: the package for Node beside nodemailer. How many messages a second, what the event
//! loop notices of them, and the memory of tenants.

use crate::Outcome;
use crate::child::Batch;
use crate::measure::{Effort, Series, calibrate, in_rounds};
use crate::peers::{Client, OnNode, Work, tenants_in_node};
use crate::report::{Ratio, Report, Table};
use crate::sink::Sink;

/// How many connections carry the messages.
const CONNECTIONS: usize = 10;

/// In the order of the tables' rows.
const CLIENTS: [(&str, Client); 2] =
    [("the package", Client::Package), ("nodemailer", Client::Nodemailer("nodemailer"))];

/// The row that others are compared with.
const NODEMAILER: usize = 1;

/// The numbers of tenants that are measured.
const TENANTS: [usize; 2] = [1, 1000];

pub(crate) fn node(effort: &Effort, report: &mut Report) -> Outcome<()> {
    report.section("In Node", "");
    for (work, what) in [(Work::Send, "Sending"), (Work::Render, "Rendering")] {
        compare(work, what, effort, report)?;
    }
    let measured =
        in_rounds("Memory in Node", &TENANTS, effort.rounds, |count| tenants_in_node(*count))?;
    let series = TENANTS.iter().zip(measured).map(|(count, values)| {
        let mebibytes = values.iter().map(|bytes: &f64| bytes / f64::from(1 << 20));
        Series::new(format!("tenants: {count}"), mebibytes)
    });
    report.table(Table {
        title: "The whole process of Node".to_owned(),
        unit: "MiB",
        series: series.collect(),
        ratios: Vec::new(),
        remarks: None,
    });
    Ok(())
}

fn compare(work: Work, what: &str, effort: &Effort, report: &mut Report) -> Outcome<()> {
    let run = |client: Client, count| {
        let sink = Sink::start()?;
        client.run(Batch { port: sink.port, connections: CONNECTIONS, count }, work)
    };
    let mut contestants = Vec::new();
    for (_, client) in CLIENTS {
        let count = calibrate(effort.turn, |count| Ok(run(client, count)?.seconds))?;
        contestants.push((client, count));
    }
    let measured = in_rounds(what, &contestants, effort.rounds, |(client, count)| {
        Ok((*count as f64, run(*client, *count)?))
    })?;
    let table = |title: &str, unit, value: fn(&(f64, OnNode)) -> f64| {
        let series = CLIENTS.iter().zip(&measured);
        let series = series.map(|((name, _), turns)| Series::new(*name, turns.iter().map(value)));
        let (ratios, remarks) = (vec![Ratio::By(NODEMAILER)], None);
        Table { title: format!("{what} {title}"), unit, series: series.collect(), ratios, remarks }
    };
    let rate = |(count, told): &(f64, OnNode)| count / told.seconds;
    report.table(table("on ten connections", "messages a second", rate));
    let late = |(_, told): &(f64, OnNode)| told.late;
    report.table(table("and the event loop: one timer in a hundred is later", "ms", late));
    Ok(())
}
