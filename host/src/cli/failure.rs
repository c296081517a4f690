//! How a command fails: one JSON document for programs, a few lines for people, and the exit code.

use std::process::ExitCode;

use serde::Serialize;

use super::exit;
use super::terminal::{Style, harmless};
use crate::error::{Error, ErrorKind};

/// A failed command.
pub(super) struct Failure {
    error: Error,
    /// What people read ahead of the error: the findings on a configuration.
    report: Option<String>,
    /// What people read in place of the error: what the parser of arguments says, dressed for the
    /// terminal.
    usage: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, report: None, usage: None }
    }
}

impl Failure {
    /// What clap found wrong with the arguments.
    pub(super) fn usage(error: &clap::Error) -> Self {
        let text = error.render();
        let shown =
            if Style::stderr().has_colours() { text.ansi().to_string() } else { text.to_string() };
        let (message, hint) = match error.kind() {
            clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                ("a command is missing".to_owned(), Some("see `--help`".to_owned()))
            }
            _ => paragraphs(&text.to_string()),
        };
        let error = Error::new(ErrorKind::Usage, message);
        let error = match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        Self { error, report: None, usage: Some(shown) }
    }

    /// Adds the findings on the configuration that the failure is about.
    pub(super) fn reporting(mut self, report: String) -> Self {
        self.report = Some(report);
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
        match &self.usage {
            Some(usage) => eprintln!("{}", usage.trim_end()),
            None => {
                eprint!("{}", self.report.as_deref().unwrap_or_default());
                explain(&self.error, Style::stderr());
            }
        }
    }
}

/// What is wrong, and what is said beyond that, each in one line.
fn paragraphs(text: &str) -> (String, Option<String>) {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = text.split("\n\n").map(one_line).filter(|paragraph| !paragraph.is_empty());
    let message = paragraphs.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let rest: Vec<_> =
        paragraphs.filter(|paragraph| !paragraph.starts_with("For more information")).collect();
    (message, (!rest.is_empty()).then(|| rest.join("; ")))
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
