//! The `smtp-connector` command.
//!
//! Everything it does is in the library's `cli` module.

use std::process::ExitCode;

fn main() -> ExitCode {
    smtp_connector::cli::main()
}
