//! `describe`, `schema` and `example`: what the component says of itself.

use std::process::ExitCode;

use super::arguments;
use super::failure::{Failure, Problem};
use super::{Session, print_json};

pub(super) async fn descriptor(session: &Session<'_>) -> Result<ExitCode, Failure> {
    print_json(session.connector().await?.descriptor())?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn schema(session: &Session<'_>) -> Result<ExitCode, Failure> {
    print_json(&session.connector().await?.descriptor().configuration_schema)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn example(
    session: &Session<'_>,
    command: &arguments::Example,
) -> Result<ExitCode, Failure> {
    let connector = session.connector().await?;
    let examples = &connector.descriptor().examples;
    match examples.iter().find(|example| example.id.eq_ignore_ascii_case(&command.provider)) {
        Some(example) => {
            print_json(&example.configuration)?;
            Ok(ExitCode::SUCCESS)
        }
        None => {
            let known: Vec<_> =
                examples.iter().map(|example| format!("`{}`", example.id)).collect();
            let message = format!("there is no example `{}`", command.provider);
            Err(Problem::usage(message, format!("one of {}", known.join(", "))).into())
        }
    }
}
