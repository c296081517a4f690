//! How a command fails: one JSON document for programs, a few lines for people, and the exit code.

use std::fmt;
use std::process::ExitCode;

use serde::Serialize;

use super::exit;
use super::terminal::{Style, harmless, tell};
use smtp_connector::{Diagnostic, Error};

/// A failed command.
pub(super) struct Failure {
    cause: Cause,
    /// What people read ahead of the cause: the findings on a configuration.
    report: Option<String>,
}

enum Cause {
    /// The library's.
    Library(Error),
    /// The command line's own.
    Own(Problem),
}

/// What goes wrong in the command line itself, and not in the library.
#[derive(Debug)]
pub(super) struct Problem {
    kind: Kind,
    message: String,
    hint: Option<String>,
    /// What people read in its place: what the parser of arguments says, dressed for the terminal.
    shown: Option<String>,
}

/// Who can do something about a problem.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// The command was used wrongly.
    Usage,
    /// A named file cannot be read, or is not what it should be.
    Input,
    /// This program or its machine is at fault; what cannot be written belongs here.
    Internal,
}

impl Problem {
    /// A wrong use that the parser of arguments does not notice, and what to write instead.
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message).with_hint(hint)
    }

    /// A file that cannot be read, or holds something else than it should.
    pub(super) fn input(message: impl Into<String>) -> Self {
        Self::new(Kind::Input, message)
    }

    /// A fault of this program or of the machine.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, shown: None }
    }

    /// Says what to change.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells people about it, on the standard error.
    fn explain(&self, style: Style) {
        match &self.shown {
            Some(shown) => tell(format_args!("{}\n", shown.trim_end())),
            None => say(&style.bad("error"), &self.message, self.hint.as_deref(), style),
        }
    }

    fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Usage => exit::USAGE,
            Kind::Input => exit::NO_INPUT,
            Kind::Internal => exit::SOFTWARE,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What clap found wrong with the arguments.
impl From<&clap::Error> for Problem {
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
        Self { kind: Kind::Usage, message, hint, shown: Some(shown) }
    }
}

/// The shape of an [`Error`], so that programs read one kind of document.
impl Serialize for Problem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shape<'a> {
            kind: Kind,
            transient: bool,
            ambiguous: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            hint: Option<&'a str>,
            attempts: u32,
            message: &'a str,
        }
        let Self { kind, message, hint, .. } = self;
        let (kind, hint) = (*kind, hint.as_deref());
        Shape { kind, transient: false, ambiguous: false, hint, attempts: 0, message }
            .serialize(serializer)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { cause: Cause::Library(error), report: None }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { cause: Cause::Own(problem), report: None }
    }
}

impl Failure {
    /// Adds the findings on the configuration that the failure is about.
    pub(super) fn reporting(mut self, report: String) -> Self {
        self.report = Some(report);
        self
    }

    /// The findings on a configuration, where that is what failed.
    pub(super) fn diagnostics(&self) -> &[Diagnostic] {
        match &self.cause {
            Cause::Library(error) => error.diagnostics(),
            Cause::Own(_) => &[],
        }
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
                Cause::Library(error) => super::print_json(&Document { error }),
                Cause::Own(problem) => super::print_json(&Document { error: problem }),
            };
        }
        tell(self.report.as_deref().unwrap_or_default());
        ExitCode::from(match &self.cause {
            Cause::Library(error) => {
                explain(error, Style::stderr());
                exit::code(error)
            }
            Cause::Own(problem) => {
                problem.explain(Style::stderr());
                problem.exit_code()
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
    say(&style.bad(&format!("error{place}")), &message, error.hint(), style);
}

/// Says what is wrong and what cures it.
fn say(title: &str, message: &str, hint: Option<&str>, style: Style) {
    tell(format_args!("{title}: {}\n", harmless(message)));
    if let Some(hint) = hint {
        tell(format_args!("  {}\n", style.cure(&format!("help: {}", harmless(hint)))));
    }
}
