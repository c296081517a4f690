//! `component check`: what speaks for a component, and what against it.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::failure::Failure;
use super::terminal::{Style, harmless};
use super::{Session, arguments, exit, print, print_json};
use smtp_connector::{Diagnostic, Examination};

pub(super) async fn check(
    session: &Session<'_>,
    command: &arguments::ComponentCheck,
) -> Result<ExitCode, Failure> {
    let examination = session.engine.examine_file(&command.file).await?;
    if command.json {
        print_json(&examination)?;
    } else {
        print(report(&examination, Style::stdout()).as_bytes())?;
    }
    let passed = examination.is_passed();
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(exit::SOFTWARE) })
}

/// The first column.
fn label(name: &str) -> String {
    format!("{name:9}")
}

fn report(examination: &Examination, style: Style) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{name} {}", harmless(value));
    };
    line(&label("size"), &format!("{} KiB", examination.bytes.div_ceil(1024)));
    line(&label("contract"), examination.contract.as_deref().unwrap_or("none"));
    if let Some(id) = &examination.id {
        line(&label("id"), id);
    }
    for import in &examination.imports {
        let verdict = if import.tolerated { "leads nowhere" } else { "refused" };
        line(&label("imports"), &format!("{} ({verdict})", import.name));
    }
    for export in &examination.exports {
        line(&label("exports"), export);
    }
    for trial in &examination.examples {
        let errors = trial.diagnostics.iter().filter(|found| found.is_error()).count();
        let warnings = trial.diagnostics.len() - errors;
        let program = match trial.program_bytes {
            Some(bytes) => format!("program of {bytes} bytes"),
            None => "no program".to_owned(),
        };
        let (id, messages) = (&trial.id, trial.messages);
        line(
            &label("example"),
            &format!("{id}: {errors} errors, {warnings} warnings, {program}, {messages} messages"),
        );
        for Diagnostic { code, path, message, .. } in &trial.diagnostics {
            line(&label(""), &format!("{path} {code}: {message}"));
        }
    }
    if let Some(costs) = &examination.costs {
        line(&label("load"), &format!("{:.1} ms", costs.load_ms));
        line(&label("check"), &format!("{:.1} ms", costs.check_ms));
        line(&label("message"), &format!("{:.0} µs in a fresh instance", costs.fresh_us));
        line(&label(""), &format!("{:.0} µs in one that is kept", costs.kept_us));
    }
    for remark in &examination.remarks {
        line(&style.bold(&label("warning")), remark);
    }
    for refusal in &examination.refusals {
        line(&style.bad(&label("refused")), refusal);
    }
    if examination.is_passed() {
        line(&style.good(&label("passed")), "nothing speaks against this component");
    }
    text
}
