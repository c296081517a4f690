//! Section 8: the service. How many messages it takes durably, how many go through it, and how long
//! one is on its way.

use crate::Outcome;
use crate::child::posting::{Posted, Until};
use crate::databases::{Postgresql, Redis};
use crate::measure::{Effort, Series, calibrate, in_rounds};
use crate::report::{Bound, Ratio, Report, Table, number};
use crate::served::Served;
use crate::sink::Sink;

/// The numbers of clients that are measured.
const CLIENTS: [usize; 2] = [1, 64];

/// Who takes messages.
#[derive(Debug, Clone, Copy)]
enum Contestant {
    Sqlite,
    Postgresql,
    BullMq,
}

use Contestant::{BullMq, Postgresql as OnPostgresql, Sqlite};

/// In the order of the tables' rows.
const CONTESTANTS: [Contestant; 3] = [Sqlite, OnPostgresql, BullMq];

impl Contestant {
    fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "the service, SQLite",
            Self::Postgresql => "the service, PostgreSQL",
            Self::BullMq => "nodemailer with BullMQ",
        }
    }

    /// Takes messages in a turn of its own, with an empty queue.
    fn take(
        self,
        postgresql: &Postgresql,
        (clients, count, until): (usize, usize, Until),
    ) -> Outcome<Posted> {
        // Where nothing is to leave, the relay is away.
        let sink = (until != Until::Taken).then(Sink::start).transpose()?;
        let relay = sink.as_ref().map(|sink| sink.port);
        match self {
            Self::Sqlite => {
                Served::service("smtp-connector.db", relay)?.take(clients, count, until)
            }
            Self::Postgresql => {
                Served::service(&postgresql.database()?, relay)?.take(clients, count, until)
            }
            Self::BullMq => {
                let redis = Redis::start()?;
                Served::bullmq(&redis, relay)?.take(clients, count, until)
            }
        }
    }
}

pub(crate) fn service(effort: &Effort, report: &mut Report) -> Outcome<()> {
    report.section("The service", "");
    let postgresql = Postgresql::start()?;
    let each_a_turn = |what: &str, clients, until| {
        let mut contestants = Vec::new();
        for contestant in CONTESTANTS {
            let take = |count| Ok(contestant.take(&postgresql, (clients, count, until))?.seconds);
            contestants.push((contestant, calibrate(effort.turn, take)?));
        }
        let title = format!("{what}, {}", plural(clients));
        let turns = in_rounds(&title, &contestants, effort.rounds, |(contestant, count)| {
            let posted = contestant.take(&postgresql, (clients, *count, until))?;
            Ok((*count as f64 / posted.seconds, posted.latency))
        })?;
        Outcome::Ok((title, turns))
    };
    for clients in CLIENTS {
        let (title, turns) = each_a_turn("Taken durably", clients, Until::Taken)?;
        let table = table(title, "messages a second", &turns, |(rate, _)| *rate);
        let bound = if clients == 1 { 2000.0 } else { 10_000.0 };
        let rate = table.series[Sqlite as usize].median();
        let what = format!("taken durably, SQLite, {}", plural(clients));
        report.goal(what, Bound::AtLeast(bound), rate, " a second");
        report.table(table);
    }
    let [_, many] = CLIENTS;
    let through = "From the first request to the last receipt";
    let (title, turns) = each_a_turn(through, many, Until::Delivered)?;
    report.table(table(title, "messages a second", &turns, |(rate, _)| *rate));
    for clients in CLIENTS {
        let (title, turns) = each_a_turn("Request to receipt", clients, Until::Receipt)?;
        let mut table =
            table(format!("{title}, 99th percentile"), "ms", &turns, |(_, took)| took.tail);
        let medians = turns.iter().map(|turns| {
            let medians = turns.iter().map(|(_, took)| took.median);
            number(Series::new("", medians).median())
        });
        table.remarks = Some(("half of them", medians.collect()));
        report.table(table);
    }
    Ok(())
}

fn table<T>(title: String, unit: &'static str, turns: &[Vec<T>], value: fn(&T) -> f64) -> Table {
    let series = CONTESTANTS.iter().zip(turns);
    let series = series.map(|(who, turns)| Series::new(who.name(), turns.iter().map(value)));
    let (ratios, remarks) = (vec![Ratio::By(BullMq as usize)], None);
    Table { title, unit, series: series.collect(), ratios, remarks }
}

fn plural(clients: usize) -> String {
    if clients == 1 { "1 client".to_owned() } else { format!("{clients} clients") }
}
