//! Section 6: what one tenant's trouble costs the others.

use crate::Outcome;
use crate::child::neighbours::{Latency, Neighbourhood, Trouble};
use crate::child::{Task, measure};
use crate::measure::{Effort, Series, in_rounds};
use crate::report::{Ratio, Report, Table};
use crate::sink::Sink;

/// In the order of the tables' rows.
const TROUBLES: [Trouble; 4] =
    [Trouble::Nothing, Trouble::SlowTemplate, Trouble::DeadRelay, Trouble::Flood];

pub(crate) fn neighbours(effort: &Effort, report: &mut Report) -> Outcome<()> {
    report.section("Neighbours", "How long a message takes beside a tenant that makes trouble.");
    let measured = in_rounds("Neighbours", &TROUBLES, effort.rounds, |trouble| {
        let sink = Sink::start()?;
        let (port, seconds) = (sink.port, 2.0 * effort.turn);
        let neighbourhood = Neighbourhood { trouble: *trouble, port, seconds };
        measure::<Latency>(&Task::Neighbours(neighbourhood))
    })?;
    let table = |title: &str, value: fn(&Latency) -> f64| {
        let series = TROUBLES.iter().zip(&measured);
        let series =
            series.map(|(trouble, turns)| Series::new(name(*trouble), turns.iter().map(value)));
        Table {
            title: title.to_owned(),
            unit: "milliseconds",
            series: series.collect(),
            ratios: vec![Ratio::By(0)],
            remarks: None,
        }
    };
    report.table(table("A message of another tenant, the median", |latency| latency.median));
    report.table(table("A message of another tenant, one in a hundred", |latency| latency.tail));
    Ok(())
}

fn name(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Nothing => "no trouble",
        Trouble::SlowTemplate => "a slow template",
        Trouble::DeadRelay => "a dead relay",
        Trouble::Flood => "a flood",
    }
}
