//! Section 3: what composing a message costs in the sandbox, without it, and elsewhere.

use crate::Outcome;
use crate::child::composition::{Effort as Spent, How, TEMPLATE_BYTES};
use crate::child::{Task, measure};
use crate::measure::{Effort, Series, calibrate, in_rounds};
use crate::peers::handlebars_js;
use crate::report::{Bound, Ratio, Report, Table};

/// In the order of the tables' rows; none stands for handlebars.js.
const CONTESTANTS: [(&str, Option<How>); 7] = [
    ("sandbox, kept instances", Some(How::Kept)),
    ("the same code, native", Some(How::Native)),
    ("sandbox, a fresh instance each, and the mail's bytes", Some(How::SandboxAndMail)),
    ("sandbox, a fresh instance each", Some(How::Fresh)),
    ("the same, with conditions in the templates", Some(How::FreshWithBlocks)),
    ("handlebars crate", Some(How::Handlebars)),
    ("handlebars.js, precompiled", None),
];

/// The rows that the goals are about.
const KEPT: usize = 0;
const NATIVE: usize = 1;
const FRESH: usize = 3;

pub(crate) fn compose(effort: &Effort, report: &mut Report) -> Outcome<()> {
    report.section("Composing", "");
    let spend = |how: Option<How>, count| -> Outcome<Spent> {
        match how {
            Some(how) => measure(&Task::Compose(how, count)),
            None => handlebars_js(count, TEMPLATE_BYTES),
        }
    };
    let mut contestants = Vec::new();
    for (_, how) in CONTESTANTS {
        let count = calibrate(effort.turn / 3.0, |count| Ok(spend(how, count)?.wall))?;
        contestants.push((how, count));
    }
    let spent = in_rounds("Composing", &contestants, effort.rounds, |(how, count)| {
        let Spent { wall, cpu } = spend(*how, *count)?;
        let microseconds = 1e6 / *count as f64;
        Ok((wall * microseconds, cpu * microseconds))
    })?;
    let table = |title: &str, value: fn(&(f64, f64)) -> f64| Table {
        title: title.to_owned(),
        unit: "microseconds a message",
        series: CONTESTANTS
            .iter()
            .zip(&spent)
            .map(|((name, _), spent)| Series::new(*name, spent.iter().map(value)))
            .collect(),
        ratios: vec![Ratio::By(NATIVE)],
        remarks: None,
    };
    let wall = table("Composing, time", |(wall, _)| *wall);
    let cpu = table("Composing, CPU time", |(_, cpu)| *cpu);
    let ratio = wall.series[KEPT].median() / wall.series[NATIVE].median();
    report.goal(
        "composing in a kept instance, × the same code native",
        Bound::AtMost(1.5),
        ratio,
        "",
    );
    // 50 µs on a machine that runs the native code in 3.9.
    let fresh = cpu.series[FRESH].median() / cpu.series[NATIVE].median();
    report.goal(
        "composing in a fresh instance, CPU time, × the same code native",
        Bound::AtMost(13.0),
        fresh,
        "",
    );
    report.table(wall);
    report.table(cpu);
    Ok(())
}
