//! How a command fails: one JSON document for programs, a few lines for people, and the exit code.

use std::process::ExitCode;

use serde::Serialize;

use super::input::Config;
use super::terminal::{Style, harmless};
use super::{exit, report};
use crate::error::{Error, ErrorKind};

/// A failed command.
pub(super) struct Failure {
    error: Error,
    /// The configuration, where the findings are about one.
    config: Option<Config>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, config: None }
    }
}

impl Failure {
    /// What clap found wrong with the arguments.
    pub(super) fn usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
        let (message, rest) = text.split_once("\n\n").unwrap_or((text, ""));
        let error = Error::new(ErrorKind::Usage, message.trim());
        let hint = rest.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        Self::from(if hint.is_empty() { error } else { error.with_hint(hint) })
    }

    /// Names the configuration that the failure is about.
    pub(super) fn about(mut self, config: Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Prints the failure and gives the exit code.
    pub(super) fn print(self, json: bool) -> ExitCode {
        if json {
            #[derive(Serialize)]
            struct Document<'a> {
                error: &'a Error,
            }
            // Where not even this can be written, the exit code still tells.
            let _ = super::print_json(&Document { error: &self.error });
        }
        self.explain();
        ExitCode::from(exit::code(self.error.kind(), self.error.stage()))
    }

    /// Tells people what failed, on the standard error.
    fn explain(&self) {
        let style = Style::stderr();
        if let Some(config) = &self.config {
            report::print(config, self.error.diagnostics(), style);
        } else {
            for diagnostic in self.error.diagnostics() {
                eprintln!("{}: {}", style.bad(&diagnostic.code), harmless(&diagnostic.message));
            }
        }
        explain(&self.error, style);
    }
}

/// Tells people about an error, on the standard error.
pub(super) fn explain(error: &Error, style: Style) {
    let place = error.stage().map(|stage| format!(" at {stage}")).unwrap_or_default();
    eprintln!("{}: {}", style.bad(&format!("error{place}")), harmless(&error.to_string()));
    if error.is_ambiguous() {
        eprintln!("  the server may have accepted the message: it was not sent again");
    }
    if let Some(hint) = error.hint() {
        eprintln!("  {}", style.cure(&format!("help: {}", harmless(hint))));
    }
}
