//! `send`: one message.

use std::process::ExitCode;

use super::arguments;
use super::failure::{Failure, Problem};
use super::input::Config;
use super::terminal::{Style, harmless};
use super::{Session, input, print, print_json};
use smtp_connector::Receipt;

pub(super) async fn run(
    session: &Session<'_>,
    command: &arguments::Send,
) -> Result<ExitCode, Failure> {
    let config = Config::read(&command.message.config)?;
    let request = input::request(&command.message)?;
    let mailer = session.mailer(config).await?;
    let sent = match command.deadline {
        Some(deadline) => mailer.send_within(&request, deadline).await,
        None => mailer.send(&request).await,
    };
    let shown = sent.as_ref().map_or(Ok(()), |receipt| show(receipt, command.json));
    // The server hears QUIT before the process ends.
    mailer.close().await;
    sent?;
    Ok(shown.map(|()| ExitCode::SUCCESS)?)
}

fn show(receipt: &Receipt, json: bool) -> Result<(), Problem> {
    if json { print_json(receipt) } else { print(for_people(receipt, Style::stdout()).as_bytes()) }
}

fn for_people(receipt: &Receipt, style: Style) -> String {
    let mut text = format!("{} {}\n", style.good("accepted"), harmless(&receipt.reply.to_string()));
    text += &format!("  {:<10} {}\n", "from", harmless(&receipt.envelope.reverse_path));
    text += &format!("  {:<10} {}\n", "to", harmless(&receipt.accepted.join(", ")));
    text += &format!("  {:<10} {}\n", "message-id", receipt.message_id);
    if let Some(tls) = &receipt.tls {
        text += &format!("  {:<10} {tls}\n", "tls");
    }
    let stages: Vec<_> = receipt
        .timings
        .iter()
        .map(|(stage, took)| format!("{stage} {:.1} ms", took.as_secs_f64() * 1e3))
        .collect();
    text += &format!("  {:<10} {}\n", "timings", style.dim(&stages.join(", ")));
    if receipt.attempts > 1 {
        text += &format!("  {:<10} {}\n", "attempts", receipt.attempts);
    }
    for rejection in &receipt.rejected {
        text += &format!(
            "{} {}: {}\n",
            style.bad("refused"),
            rejection.address,
            harmless(&rejection.reply.to_string())
        );
    }
    text
}
