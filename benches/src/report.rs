//! The report: Markdown on the standard output as it comes, and the raw numbers as JSON at the end.

use std::fmt::Write as _;
use std::fs;

use serde::Serialize;

use crate::Outcome;
use crate::child::scratch;
use crate::measure::Series;

/// All that was measured in one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    machine: Vec<(String, String)>,
    tables: Vec<Table>,
    goals: Vec<Goal>,
}

/// One comparison.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    /// What is compared.
    pub(crate) title: String,
    /// What the values are.
    pub(crate) unit: &'static str,
    /// What each contestant measured.
    pub(crate) series: Vec<Series>,
    /// What the medians are set in relation to.
    pub(crate) ratios: Vec<Ratio>,
    /// What there is to know of each contestant besides: a heading and a value for each.
    pub(crate) remarks: Option<(&'static str, Vec<String>)>,
}

/// A column of ratios of medians.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) enum Ratio {
    /// Each contestant by the one with this index.
    By(usize),
    /// The one with this index by each contestant.
    Of(usize),
}

/// One of the project's own goals, and what became of it.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    /// What is to be reached.
    pub(crate) what: String,
    /// The bound on what is measured.
    pub(crate) bound: Bound,
    /// What was measured.
    pub(crate) measured: f64,
    /// Its unit, with the blank before it.
    pub(crate) unit: &'static str,
}

/// The bound of a goal.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Report {
    /// Begins a report of this machine.
    pub(crate) fn new(machine: Vec<(String, String)>) -> Self {
        let mut text = "## Machine\n\n| | |\n|---|---|\n".to_owned();
        for (name, value) in &machine {
            text += &format!("| {name} | {value} |\n");
        }
        println!("{text}");
        Self { machine, tables: Vec::new(), goals: Vec::new() }
    }

    /// Begins a section.
    pub(crate) fn section(&self, title: &str, text: &str) {
        println!("## {title}\n");
        if !text.is_empty() {
            println!("{text}\n");
        }
    }

    /// Shows a comparison and keeps it.
    pub(crate) fn table(&mut self, table: Table) {
        println!("{}", table.markdown());
        self.tables.push(table);
    }

    /// Keeps a goal for the end.
    pub(crate) fn goal(
        &mut self,
        what: impl Into<String>,
        bound: Bound,
        measured: f64,
        unit: &'static str,
    ) {
        self.goals.push(Goal { what: what.into(), bound, measured, unit });
    }

    /// Shows what became of the goals, and writes the raw numbers.
    pub(crate) fn finish(self) -> Outcome<()> {
        println!("## Goals\n\n| what | goal | measured | |\n|---|---|---:|---|");
        for goal in &self.goals {
            println!("{}", goal.markdown());
        }
        fs::write(scratch("results.json"), serde_json::to_vec_pretty(&self)?)?;
        Ok(())
    }
}

impl Table {
    fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n| | median | min | max |", self.title);
        let mut rule = "\n|---|---:|---:|---:|".to_owned();
        for ratio in &self.ratios {
            match ratio {
                Ratio::By(base) => text += &format!(" × {} |", self.series[*base].name),
                Ratio::Of(base) => text += &format!(" {} is × this |", self.series[*base].name),
            }
            rule += "---:|";
        }
        if let Some((heading, _)) = &self.remarks {
            text += &format!(" {heading} |");
            rule += "---:|";
        }
        text += &rule;
        text.push('\n');
        for (index, series) in self.series.iter().enumerate() {
            let [median, min, max] = [series.median(), series.min(), series.max()].map(number);
            text += &format!("| {} | {median} | {min} | {max} |", series.name);
            for ratio in &self.ratios {
                let value = match ratio {
                    Ratio::By(base) => series.median() / self.series[*base].median(),
                    Ratio::Of(base) => self.series[*base].median() / series.median(),
                };
                text += &format!(" {} |", number(value));
            }
            if let Some((_, remarks)) = &self.remarks {
                text += &format!(" {} |", remarks[index]);
            }
            text.push('\n');
        }
        // Writing to a string does not fail.
        let _ = writeln!(text, "\nIn {}.", self.unit);
        text
    }
}

impl Goal {
    fn markdown(&self) -> String {
        let (goal, miss) = match self.bound {
            Bound::AtLeast(bound) => (format!("at least {bound}"), 1.0 - self.measured / bound),
            Bound::AtMost(bound) => (format!("at most {bound}"), self.measured / bound - 1.0),
        };
        let verdict = if miss <= 0.0 {
            "met".to_owned()
        } else {
            format!("not met by {:.0} %", miss * 100.0)
        };
        format!("| {} | {goal}{} | {} | {verdict} |", self.what, self.unit, number(self.measured))
    }
}

/// A number with as many digits as say something.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        1000.0.. => {
            let text = format!("{value:.0}");
            let (thousands, rest) = text.split_at(text.len() - 3);
            format!("{thousands} {rest}")
        }
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
