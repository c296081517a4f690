//! The command line, for the tests that run it.

use std::process::ExitCode;

fn main() -> ExitCode {
    smtp_connector_cli::main()
}
