//! How a command fails: one JSON document for programs, a few lines for people, and the exit code.

use std::process::ExitCode;

use serde::Serialize;

use super::exit;
use super::terminal::{Style, harmless};
use smtp_connector::Error;

/// A failed command.
pub(super) struct Failure {
    cause: Cause,
    /// What people read ahead of the cause: the findings on a configuration.
    report: Option<String>,
}

enum Cause {
    /// The library's error, or one of the same shape.
    Error(Error),
    /// The command line was used wrongly.
    Usage(Usage),
}

/// A wrong use of the command line.
pub(super) struct Usage {
    message: String,
    hint: Option<String>,
    /// What people read in its place: what the parser of arguments says, dressed for the terminal.
    shown: Option<String>,
}

impl Usage {
    /// A use that the parser of arguments cannot tell is wrong, and what to write instead.
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), shown: None }
    }

    /// Tells people about it, on the standard error.
    fn explain(&self, style: Style) {
        match &self.shown {
            Some(shown) => eprintln!("{}", shown.trim_end()),
            None => tell(&style.bad("error"), &self.message, self.hint.as_deref(), style),
        }
    }
}

/// What clap found wrong with the arguments.
impl From<&clap::Error> for Usage {
    fn from(error: &clap::Error) -> Self {
        let text = error.render();
        let shown =
            if Style::stderr().has_colours() { text.ansi().to_string() } else { text.to_string() };
        let (message, hint) = match error.kind() {
            clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                ("a command is missing".to_owned(), Some("see `--help`".to_owned()))
            }
            _ => paragraphs(&text.to_string()),
        };
        Self { message, hint, shown: Some(shown) }
    }
}

/// The shape of an [`Error`], of a kind that the library does not know.
impl Serialize for Usage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shape<'a> {
            kind: &'static str,
            transient: bool,
            ambiguous: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            hint: Option<&'a str>,
            attempts: u32,
            message: &'a str,
        }
        let Self { message, hint, .. } = self;
        let hint = hint.as_deref();
        Shape { kind: "usage", transient: false, ambiguous: false, hint, attempts: 0, message }
            .serialize(serializer)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { cause: Cause::Error(error), report: None }
    }
}

impl From<Usage> for Failure {
    fn from(usage: Usage) -> Self {
        Self { cause: Cause::Usage(usage), report: None }
    }
}

impl Failure {
    /// Adds the findings on the configuration that the failure is about.
    pub(super) fn reporting(mut self, report: String) -> Self {
        self.report = Some(report);
        self
    }

    /// Prints the failure and gives the exit code.
    pub(super) fn print(self, json: bool) -> ExitCode {
        if json {
            #[derive(Serialize)]
            struct Document<'a, T> {
                error: &'a T,
            }
            // Where not even this can be written, the exit code still tells.
            let _ = match &self.cause {
                Cause::Error(error) => super::print_json(&Document { error }),
                Cause::Usage(usage) => super::print_json(&Document { error: usage }),
            };
        }
        eprint!("{}", self.report.as_deref().unwrap_or_default());
        ExitCode::from(match &self.cause {
            Cause::Error(error) => {
                explain(error, Style::stderr());
                exit::code(error.kind(), error.stage())
            }
            Cause::Usage(usage) => {
                usage.explain(Style::stderr());
                exit::USAGE
            }
        })
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
    let mut message = error.to_string();
    if error.is_ambiguous() {
        message += "\n  the server may have accepted the message: it was not sent again";
    }
    tell(&style.bad(&format!("error{place}")), &message, error.hint(), style);
}

/// Tells people what is wrong and what cures it, on the standard error.
fn tell(title: &str, message: &str, hint: Option<&str>, style: Style) {
    eprintln!("{title}: {}", harmless(message));
    if let Some(hint) = hint {
        eprintln!("  {}", style.cure(&format!("help: {}", harmless(hint))));
    }
}
