//! The `smtp-connector` command.
//!
//! Everything it does is in the crate's library.

use std::process::ExitCode;

fn main() -> ExitCode {
    smtp_connector_cli::main()
}
