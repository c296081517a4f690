//! Section 3: what composing a message costs in the sandbox, without it, and elsewhere.

use crate::Outcome;
use crate::child::composition::{Effort as Spent, How, TEMPLATE_BYTES};
use crate::child::{Task, measure};
use crate::measure::{Effort, Series, calibrate, in_rounds};
use crate::peers::handlebars_js;
use crate::report::{Bound, Ratio, Report, Table};

/// In the order of the tables' rows; none stands for handlebars.js.
const CONTESTANTS: [(&str, Option<How>); 6] = [
    ("sandbox, warm", Some(How::Sandbox)),
    ("the same code, native", Some(How::Native)),
    ("sandbox, warm, and the mail's bytes", Some(How::SandboxAndMail)),
    ("sandbox, a new instance each", Some(How::Isolated)),
    ("handlebars crate", Some(How::Handlebars)),
    ("handlebars.js, precompiled", None),
];

/// The rows that the goals are about.
const WARM: usize = 0;
const NATIVE: usize = 1;
const ISOLATED: usize = 3;

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
    let ratio = wall.series[WARM].median() / wall.series[NATIVE].median();
    report.goal(
        "composing in the warm sandbox, × the same code native",
        Bound::AtMost(1.5),
        ratio,
        "",
    );
    let isolated = cpu.series[ISOLATED].median();
    report.goal("composing in a new instance, CPU time", Bound::AtMost(250.0), isolated, " µs");
    report.table(wall);
    report.table(cpu);
    Ok(())
}
