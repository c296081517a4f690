//! `check`: everything that is wrong with a configuration, at its place.

use std::process::ExitCode;

use super::arguments;
use super::failure::Failure;
use super::input::Config;
use super::terminal::Style;
use super::{Session, exit, print, print_json, report};
use crate::connector::Check;

pub(super) async fn run(session: &Session<'_>, command: &arguments::Check) -> Result<ExitCode, Failure> {
    let name = command.config.display().to_string();
    let (config, check) = match Config::read(&command.config) {
        Ok(config) => {
            let connector = session.connector().await?;
            let check = connector.check(&config.text, &session.options()).await?;
            (config.quotable(&connector, &check.diagnostics), check)
        }
        Err(error) if error.diagnostics().is_empty() => return Err(error.into()),
        Err(unreadable) => {
            let check = Check { diagnostics: unreadable.diagnostics().to_vec(), plan: None };
            (Config { name, text: String::new() }, check)
        }
    };
    if command.json {
        print_json(&check)?;
    } else {
        report::print(&config, &check.diagnostics, Style::stderr());
        print(report::summary(&config, &check, Style::stdout()).as_bytes())?;
    }
    Ok(if check.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(exit::CONFIGURATION) })
}
