//! `completions` and `man`: the arguments, for shells and for the pager.

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::arguments::{self, Arguments};
use super::failure::{Failure, Problem};
use super::print;

const NAME: &str = "smtp-connector";

pub(super) fn completions(command: &arguments::Completions) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(command.shell, &mut Arguments::command(), NAME, &mut script);
    print(&script)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn page() -> Result<ExitCode, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command())
        .render(&mut page)
        .map_err(|error| Problem::internal(format!("cannot write the manual page: {error}")))?;
    print(&page)?;
    Ok(ExitCode::SUCCESS)
}
