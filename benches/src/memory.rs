//! Section 5: the memory of a process with few tenants and with many.

use crate::Outcome;
use crate::child::tenants::Footprint;
use crate::child::{Task, measure};
use crate::measure::{Effort, Series, in_rounds};
use crate::report::{Bound, Report, Table};

/// The numbers of tenants that are measured, the smallest first.
const TENANTS: [usize; 3] = [1, 100, 1000];

const KIB: f64 = 1024.0;

pub(crate) fn memory(effort: &Effort, report: &mut Report) -> Outcome<()> {
    report.section("Memory of tenants", "");
    let measured = in_rounds("Memory", &TENANTS, effort.rounds, |count| {
        measure::<Footprint>(&Task::Tenants(*count))
    })?;
    let series =
        |value: &dyn Fn(usize, &Footprint, &Footprint) -> f64, smallest: usize| -> Vec<Series> {
            let counted = TENANTS.iter().zip(&measured).skip(smallest);
            let series = counted.map(|(count, footprints)| {
                let pairs = footprints.iter().zip(&measured[0]);
                Series::new(
                    tenants(*count),
                    pairs.map(|(footprint, one)| value(*count, footprint, one)),
                )
            });
            series.collect()
        };
    let whole = series(&|_, footprint, _| footprint.memory / KIB, 0);
    let more = |count: usize, footprint: &Footprint, one: &Footprint| {
        let each = (footprint.memory - one.memory) / (count - 1) as f64;
        (each - footprint.configuration) / KIB
    };
    let each = series(&more, 1);
    for (index, series) in each.iter().enumerate() {
        let what = format!("memory of a tenant of {}", TENANTS[index + 1]);
        report.goal(what, Bound::AtMost(32.0), series.median(), " KiB");
    }
    let table = |title: &str, unit, series| {
        let (ratios, remarks) = (Vec::new(), None);
        Table { title: title.to_owned(), unit, series, ratios, remarks }
    };
    report.table(table("The whole process", "KiB", whole));
    report.table(table("Each further tenant, beyond the text of its configuration", "KiB", each));
    Ok(())
}

fn tenants(count: usize) -> String {
    if count == 1 { "1 tenant".to_owned() } else { format!("{count} tenants") }
}
