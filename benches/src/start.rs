//! Section 4: from the start of a process to its first message, and to its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::child::composition::TEMPLATE_BYTES;
use crate::child::{output, scratch};
use crate::measure::{Effort, Series, in_rounds};
use crate::report::{Bound, Ratio, Report, Table};
use crate::{Outcome, mail};

/// In the order of the table's rows.
const CONTESTANTS: [&str; 4] = [
    "smtp-connector render",
    "the same, nothing in the cache",
    "node, handlebars, nodemailer",
    "node alone",
];

pub(crate) fn start(effort: &Effort, report: &mut Report) -> Outcome<()> {
    report.section("Start of a process to its first message", "");
    let configuration = scratch("start.json");
    fs::write(
        &configuration,
        mail::configuration(25, 1, &mail::template(TEMPLATE_BYTES)).to_string(),
    )?;
    let warm = render(&configuration)?;
    let cold = Program { is_cold: true, ..render(&configuration)? };
    let contestants = [warm, cold, node(&configuration), alone()];
    for contestant in &contestants {
        // The first start reads files that later ones find in memory, and fills the cache of
        // compiled code.
        contestant.run()?;
    }
    let title = "Start to first message";
    let measured = in_rounds(title, &contestants, effort.starts, Program::run)?;
    let series = CONTESTANTS.iter().zip(measured);
    let series: Vec<_> = series.map(|(name, values)| Series::new(*name, values)).collect();
    let what = "start of the process to the first message, compiled code in the cache";
    report.goal(what, Bound::AtMost(15.0), series[0].median(), " ms");
    let (title, unit, ratios) = (title.to_owned(), "milliseconds a process", vec![Ratio::By(0)]);
    report.table(Table { title, unit, series, ratios, remarks: None });
    Ok(())
}

/// A program with its arguments.
struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    /// Whether it finds no compiled code.
    is_cold: bool,
}

impl Program {
    /// Runs the program to its end; gives the milliseconds.
    fn run(&self) -> Outcome<f64> {
        let cache = scratch(if self.is_cold { "cache-of-one" } else { "cache" });
        if self.is_cold && cache.exists() {
            fs::remove_dir_all(&cache)?;
        }
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env("XDG_CACHE_HOME", cache);
        let began = Instant::now();
        output(&mut command)?;
        Ok(began.elapsed().as_secs_f64() * 1e3)
    }
}

/// The command line that was built together with this program.
fn render(configuration: &Path) -> Outcome<Program> {
    let path = std::env::current_exe()?.with_file_name("smtp-connector");
    let configuration = configuration.display().to_string();
    let (to, payload) = (mail::recipient(0), mail::payload(0));
    let arguments =
        ["render", &configuration, "--type", "SignIn", "--to", &to, "--payload", &payload];
    let arguments = arguments.into_iter().chain(["--format", "eml"]).map(str::to_owned).collect();
    Ok(Program { path, arguments, is_cold: false })
}

fn node(configuration: &Path) -> Program {
    let (script, configuration) = (scratch("node/start.mjs"), configuration.display().to_string());
    let (to, payload) = (mail::recipient(0), mail::payload(0));
    let arguments =
        vec![script.display().to_string(), configuration, "SignIn".to_owned(), to, payload];
    Program { path: "node".into(), arguments, is_cold: false }
}

/// A script that does nothing: what node itself needs.
fn alone() -> Program {
    let arguments = ["--eval", "0"].map(str::to_owned).into();
    Program { path: "node".into(), arguments, is_cold: false }
}
