//! Sections 1 and 2: how many messages a second a sink on loopback gets, at once and with a round
//! trip of 20 ms.

use std::time::Duration;

use crate::Outcome;
use crate::child::{Batch, Task, measure};
use crate::delay::DelayProxy;
use crate::measure::{Effort, Series, calibrate, in_rounds};
use crate::peers::{Client, Work, smtp_source};
use crate::report::{Bound, Ratio, Report, Table, number};
use crate::sink::{Sink, round_trips};

/// How far away the sink is in the second section, one way.
const ONE_WAY: Duration = Duration::from_millis(10);

/// The numbers of connections that are measured.
const CONNECTIONS: [usize; 2] = [1, 10];

/// Who delivers.
#[derive(Debug, Clone, Copy)]
enum Contestant {
    SmtpSource,
    WholePath,
    Kept,
    Submission,
    Nodemailer,
    NodemailerNine,
    LettrePool,
    InNode,
}

use Contestant::{
    InNode, Kept, LettrePool, Nodemailer, NodemailerNine, SmtpSource, Submission, WholePath,
};

/// In the order of the tables' rows.
const CONTESTANTS: [Contestant; 8] =
    [SmtpSource, WholePath, Kept, Submission, Nodemailer, NodemailerNine, LettrePool, InNode];

/// Who is to be how many times as fast as whom, for each number of connections.
const GOALS: [[(Contestant, Contestant, f64); 3]; 2] = [
    [(WholePath, SmtpSource, 4.0), (Kept, SmtpSource, 4.0), (WholePath, Nodemailer, 15.0)],
    [(WholePath, SmtpSource, 1.5), (Kept, SmtpSource, 1.5), (WholePath, Nodemailer, 25.0)],
];

impl Contestant {
    fn name(self) -> &'static str {
        match self {
            Self::SmtpSource => "smtp-source",
            Self::WholePath => "whole path",
            Self::Kept => "whole path, kept instances",
            Self::Submission => "submission alone",
            Self::Nodemailer => "nodemailer",
            Self::NodemailerNine => "nodemailer 9",
            Self::LettrePool => "lettre's pool",
            Self::InNode => "whole path in Node",
        }
    }

    /// Delivers messages; gives the seconds.
    fn deliver(self, batch: Batch) -> Outcome<f64> {
        let on_node = |client: Client| Ok(client.run(batch, Work::Send)?.seconds);
        match self {
            Self::SmtpSource => smtp_source(batch),
            Self::WholePath => measure(&Task::Send(batch)),
            Self::Kept => measure(&Task::SendKept(batch)),
            Self::Submission => measure(&Task::Submit(batch)),
            Self::Nodemailer => on_node(Client::Nodemailer("nodemailer")),
            Self::NodemailerNine => on_node(Client::Nodemailer("nodemailer-9")),
            Self::LettrePool => measure(&Task::LettrePool(batch)),
            Self::InNode => on_node(Client::Package),
        }
    }
}

/// What one turn of a contestant came to.
struct Turn {
    rate: f64,
    bytes: f64,
}

/// Into a sink beside the client.
pub(crate) fn loopback(effort: &Effort, report: &mut Report) -> Outcome<()> {
    report.section("SMTP throughput on loopback", "");
    for (connections, goals) in CONNECTIONS.into_iter().zip(GOALS) {
        let title = format!("Loopback, {}", plural(connections));
        let table = compare(title, effort, connections, None)?;
        let rate = |contestant: Contestant| table.series[contestant as usize].median();
        for (who, peer, bound) in goals {
            let (who_name, peer_name) = (who.name(), peer.name());
            let what = format!("loopback, {}: {who_name}, × {peer_name}", plural(connections));
            report.goal(what, Bound::AtLeast(bound), rate(who) / rate(peer), "");
        }
        report.table(table);
    }
    Ok(())
}

/// Into a sink that is some way off.
pub(crate) fn distance(effort: &Effort, report: &mut Report) -> Outcome<()> {
    let sink = Sink::start()?;
    let proxy = DelayProxy::start(sink.port, ONE_WAY)?;
    let measured = Series::new("NOOP", round_trips(proxy.port)?).median() * 1e3;
    let text = format!("A NOOP and its answer take {} ms.", number(measured));
    report.section("SMTP throughput with a round trip of 20 ms", &text);
    for connections in CONNECTIONS {
        let title = format!("20 ms, {}", plural(connections));
        let table = compare(title, effort, connections, Some(ONE_WAY))?;
        if connections == 1 {
            let rate = |contestant: Contestant| table.series[contestant as usize].median();
            let ratio = rate(WholePath) / rate(SmtpSource);
            report.goal(
                "20 ms, 1 connection: whole path, × smtp-source",
                Bound::AtLeast(2.0),
                ratio,
                "",
            );
        }
        report.table(table);
    }
    Ok(())
}

fn compare(
    title: String,
    effort: &Effort,
    connections: usize,
    one_way: Option<Duration>,
) -> Outcome<Table> {
    let mut contestants = Vec::new();
    for contestant in CONTESTANTS {
        let seconds =
            |count| Ok(count as f64 / turn(contestant, connections, count, one_way)?.rate);
        contestants.push((contestant, calibrate(effort.turn, seconds)?));
    }
    let measured = in_rounds(&title, &contestants, effort.rounds, |(contestant, count)| {
        turn(*contestant, connections, *count, one_way)
    })?;
    let series = CONTESTANTS.iter().zip(&measured);
    let series =
        series.map(|(who, turns)| Series::new(who.name(), turns.iter().map(|turn| turn.rate)));
    let bytes =
        measured.iter().map(|turns| number(turns.last().map_or(f64::NAN, |turn| turn.bytes)));
    let ratios = vec![Ratio::By(SmtpSource as usize), Ratio::Of(WholePath as usize)];
    let remarks = one_way.map(|_| ("bytes a message", bytes.collect()));
    Ok(Table { title, unit: "messages a second", series: series.collect(), ratios, remarks })
}

/// One turn of a contestant, with a sink of its own.
fn turn(
    contestant: Contestant,
    connections: usize,
    count: usize,
    one_way: Option<Duration>,
) -> Outcome<Turn> {
    let sink = Sink::start()?;
    let proxy = one_way.map(|one_way| DelayProxy::start(sink.port, one_way)).transpose()?;
    let port = proxy.as_ref().map_or(sink.port, |proxy| proxy.port);
    let seconds = contestant.deliver(Batch { port, connections, count })?;
    let bytes = proxy.map_or(0, |proxy| proxy.sent());
    Ok(Turn { rate: count as f64 / seconds, bytes: bytes as f64 / count as f64 })
}

fn plural(connections: usize) -> String {
    if connections == 1 { "1 connection".to_owned() } else { format!("{connections} connections") }
}
