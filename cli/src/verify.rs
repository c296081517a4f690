//! `verify`: stage by stage, what happens between this machine and the server.

use std::process::ExitCode;

use super::arguments;
use super::failure::{Failure, explain};
use super::input::Config;
use super::terminal::{Style, harmless, tell};
use super::{Session, exit, print, print_json};
use smtp_connector::Verification;

pub(super) async fn run(
    session: &Session<'_>,
    command: &arguments::Verify,
) -> Result<ExitCode, Failure> {
    let config = Config::read(&command.config)?;
    let mailer = session.mailer(config).await?;
    let verification = mailer.verify(command.to.as_deref()).await?;
    if command.json {
        print_json(&verification)?;
    } else {
        print(for_people(&verification, Style::stdout()).as_bytes())?;
    }
    let Some(error) = &verification.error else {
        return Ok(ExitCode::SUCCESS);
    };
    let style = Style::stderr();
    let transcript = harmless(&verification.transcript.to_string());
    if !transcript.is_empty() {
        tell(format_args!("\n{}\n\n", style.dim(transcript.trim_end())));
    }
    explain(error, style);
    Ok(ExitCode::from(exit::code(error)))
}

fn for_people(verification: &Verification, style: Style) -> String {
    let mut text = String::new();
    let failed = verification.error.as_ref().and_then(smtp_connector::Error::stage);
    for stage in &verification.stages {
        let mark = if failed == Some(stage.stage) { style.bad("✗") } else { style.good("✓") };
        let took = format!("{:.1} ms", stage.took.as_secs_f64() * 1e3);
        let name = stage.stage.to_string();
        text += &format!(
            "{mark} {name:<9} {:>10}  {}\n",
            style.dim(&format!("{took:>10}")),
            harmless(&stage.detail)
        );
    }
    if let Some(tls) = &verification.tls {
        text += &format!("\n  {:<14} {tls}\n", style.bold("tls"));
    }
    if !verification.capabilities.is_empty() {
        let capabilities = harmless(&verification.capabilities.join(", "));
        text += &format!("  {:<14} {capabilities}\n", style.bold("capabilities"));
    }
    text
}
