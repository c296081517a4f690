//! Reports on a configuration for people: each finding with the line of the file that it is about. Lines are
//! quoted from a copy that holds no secret.

use std::fmt;
use std::ops::Range;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::input::Config;
use super::terminal::{Style, harmless};
use crate::config::locate;
use crate::connector::Check;
use crate::diagnostic::{Diagnostic, Severity};

/// A line longer than this, such as the whole of a minified file, is shown in part.
const LONGEST_LINE: usize = 160;

/// How much of a long line is shown on either side of what a finding is about.
const CONTEXT: usize = 40;

/// Prints findings to the standard error. `quotable` is the copy of the configuration to quote from.
pub(super) fn print(quotable: &Config, diagnostics: &[Diagnostic], style: Style) {
    let theme =
        if style.has_colours() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_context_lines(0);
    for diagnostic in diagnostics {
        let mut text = String::new();
        if handler.render_report(&mut text, &Finding::new(quotable, diagnostic)).is_ok() {
            eprintln!("{}", text.trim_end());
        }
    }
}

/// One line on the whole: what was found, and where mail would go.
pub(super) fn summary(config: &Config, check: &Check, style: Style) -> String {
    let count = |severity| check.diagnostics.iter().filter(|found| found.severity == severity).count();
    let counted = |number: usize, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        more => Some(format!("{more} {noun}s")),
    };
    let found = [counted(count(Severity::Error), "error"), counted(count(Severity::Warning), "warning")];
    let found: Vec<_> = found.into_iter().flatten().collect();
    let found = if found.is_empty() { "nothing to complain about".to_owned() } else { found.join(", ") };
    match &check.plan {
        None => format!("{}: {}\n", config.name, style.bad(&found)),
        Some(plan) => {
            let tls = match serde_json::to_value(plan.tls) {
                Ok(serde_json::Value::String(name)) => name,
                _ => String::new(),
            };
            let endpoint = format!("{}:{}", plan.endpoint.host, plan.endpoint.port);
            let auth = plan.authentication.name();
            format!(
                "{}: {} → {}, tls {tls}, auth {auth}\n",
                config.name,
                style.good(&found),
                style.bold(&endpoint)
            )
        }
    }
}

/// A finding as miette shows it.
struct Finding<'a> {
    diagnostic: &'a Diagnostic,
    snippet: Option<(NamedSource<String>, Range<usize>)>,
}

impl<'a> Finding<'a> {
    fn new(quotable: &Config, diagnostic: &'a Diagnostic) -> Self {
        let snippet = locate(&quotable.text, &diagnostic.path)
            // A finding on the whole document has no line of its own.
            .filter(|_| !diagnostic.path.is_empty())
            .map(|range| snippet(&quotable.name, &quotable.text, first_line(&quotable.text, range)));
        Self { diagnostic, snippet }
    }
}

/// The part of a range on its first line: an object is shown by where it begins.
fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let length = text[range.clone()].find('\n').unwrap_or(range.len());
    range.start..range.start + length
}

fn snippet(name: &str, text: &str, range: Range<usize>) -> (NamedSource<String>, Range<usize>) {
    let line_start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[range.start..].find('\n').map_or(text.len(), |at| range.start + at);
    if line_end - line_start <= LONGEST_LINE {
        return (NamedSource::new(name, text.to_owned()), range);
    }
    let start = floor(text, line_start.max(range.start.saturating_sub(CONTEXT)));
    let shown_end = range.end.min(range.start + LONGEST_LINE - 2 * CONTEXT);
    let end = floor(text, line_end.min(shown_end + CONTEXT));
    let shown_end = floor(text, shown_end).min(end);
    // Line breaks ahead of the part keep the line number true.
    let line_number = text[..line_start].matches('\n').count();
    let mut part = "\n".repeat(line_number);
    part.push_str(if start > line_start { "… " } else { "" });
    let offset = part.len();
    part.push_str(&text[start..end]);
    part.push_str(if end < line_end { " …" } else { "" });
    let shown = offset + range.start - start..offset + shown_end - start;
    (NamedSource::new(format!("{name}, byte {}", range.start), part), shown)
}

/// The last character boundary up to an index.
fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

impl miette::Diagnostic for Finding<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("{} {}", self.diagnostic.code, harmless(&self.diagnostic.path))))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(harmless(help)) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.snippet.as_ref().map(|(source, _)| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (_, range) = self.snippet.as_ref()?;
        let label = LabeledSpan::underline(range.clone());
        Some(Box::new(std::iter::once(label)))
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.diagnostic.message))
    }
}

impl fmt::Debug for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.diagnostic, f)
    }
}

impl std::error::Error for Finding<'_> {}
