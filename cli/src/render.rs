//! `render`: a message as it would be sent, without sending it.

use std::process::ExitCode;

use super::arguments::{self, Format};
use super::failure::Failure;
use super::input::Config;
use super::{Session, input, print, print_json};
use smtp_connector::{Error, ErrorKind};

pub(super) async fn run(
    session: &Session<'_>,
    command: &arguments::Render,
) -> Result<ExitCode, Failure> {
    let config = Config::read(&command.message.config)?;
    let request = input::request(&command.message)?;
    let mailer = session.mailer(config).await?;
    let rendered = mailer.render(&request).await?;
    match command.format {
        Format::Json => print_json(&rendered.message)?,
        Format::Eml => print(rendered.bytes())?,
        Format::Html => print_part(rendered.message.html.as_deref(), "HTML")?,
        Format::Text => print_part(rendered.message.text.as_deref(), "plain text")?,
    }
    Ok(ExitCode::SUCCESS)
}

fn print_part(part: Option<&str>, name: &str) -> Result<(), Failure> {
    match part {
        Some(text) if text.ends_with('\n') => Ok(print(text.as_bytes())?),
        Some(text) => Ok(print(format!("{text}\n").as_bytes())?),
        None => {
            Err(Error::new(ErrorKind::Message, format!("the message has no {name} part")).into())
        }
    }
}
