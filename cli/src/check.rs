//! `check`: everything that is wrong with a configuration, at its place.

use std::process::ExitCode;

use super::arguments;
use super::failure::Failure;
use super::input::Config;
use super::terminal::Style;
use super::{Session, exit, input, print, print_json, report};
use smtp_connector::Check;

pub(super) async fn run(
    session: &Session<'_>,
    command: &arguments::Check,
) -> Result<ExitCode, Failure> {
    let style = Style::stdout();
    let (check, findings) = match Config::read(&command.config) {
        Ok(config) => {
            let connector = session.connector().await?;
            let check = connector.check(&config.text, &session.options()).await?;
            let findings = (!command.json)
                .then(|| report::findings(&config, &connector, &check.diagnostics, style));
            (check, findings.unwrap_or_default())
        }
        Err(failure) if failure.diagnostics().is_empty() => return Err(failure),
        Err(unreadable) => {
            let diagnostics = unreadable.diagnostics().to_vec();
            let findings =
                diagnostics.iter().map(|found| report::finding_alone(found, style)).collect();
            (Check::without_plan(diagnostics), findings)
        }
    };
    if command.json {
        print_json(&check)?;
    } else {
        let name = input::config_name(&command.config);
        print((findings + &report::summary(&name, &check, style)).as_bytes())?;
    }
    Ok(if check.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(exit::CONFIGURATION) })
}
