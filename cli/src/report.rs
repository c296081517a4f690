//! Reports on a configuration for people: each finding with the line of the file that it is about.
//! Places are those of the file; lines are quoted from a copy that holds no secret.

use std::fmt;
use std::ops::Range;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents,
};

use super::input::Config;
use super::terminal::{Style, harmless};
use smtp_connector::locate_all;
use smtp_connector::{Check, Connector};
use smtp_connector::{Diagnostic, Severity};

/// How many findings are shown: more than anyone reads, and few enough for any terminal. `--json`
/// has them all.
const MOST_FINDINGS: usize = 100;

/// A line longer than this, such as the whole of a minified file, is shown in part.
const LONGEST_LINE: usize = 120;

/// How much of a long line is shown ahead of what a finding is about, and behind it: the key is
/// there.
const CONTEXT: usize = 40;

/// Every finding on a configuration, as text; errors first where there are too many to show.
pub(super) fn findings(
    config: &Config,
    connector: &Connector,
    diagnostics: &[Diagnostic],
    style: Style,
) -> String {
    let mut shown: Vec<_> = diagnostics.iter().collect();
    if shown.len() > MOST_FINDINGS {
        shown.sort_by_key(|diagnostic| !diagnostic.is_error());
        shown.truncate(MOST_FINDINGS);
    }
    let excerpts = excerpts(config, connector, diagnostics, &shown);
    let mut text: String = shown
        .iter()
        .zip(excerpts)
        .map(|(diagnostic, excerpt)| finding(diagnostic, excerpt, style))
        .collect();
    if let Some(hidden) = diagnostics.len().checked_sub(shown.len()).filter(|hidden| *hidden > 0) {
        text += &format!("… and {hidden} more; `check --json` lists all\n\n");
    }
    text
}

/// A finding without its place in a file.
pub(super) fn finding_alone(diagnostic: &Diagnostic, style: Style) -> String {
    finding(diagnostic, None, style)
}

fn finding(diagnostic: &Diagnostic, excerpt: Option<Excerpt>, style: Style) -> String {
    let theme = if style.has_colours() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_context_lines(1);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = handler.render_report(&mut text, &Finding { diagnostic, excerpt });
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    format!("{}\n\n", lines.join("\n").trim_end())
}

/// One line on the whole: what was found, and where mail would go.
pub(super) fn summary(name: &str, check: &Check, style: Style) -> String {
    let count =
        |severity| check.diagnostics.iter().filter(|found| found.severity == severity).count();
    let counted = |number: usize, noun: &str| match number {
        0 => None,
        1 => Some(format!("1 {noun}")),
        more => Some(format!("{more} {noun}s")),
    };
    let found =
        [counted(count(Severity::Error), "error"), counted(count(Severity::Warning), "warning")];
    let found: Vec<_> = found.into_iter().flatten().collect();
    let found =
        if found.is_empty() { "nothing to complain about".to_owned() } else { found.join(", ") };
    match &check.plan {
        None => format!("{}: {}\n", harmless(name), style.bad(&found)),
        Some(plan) => {
            let tls = match serde_json::to_value(plan.tls) {
                Ok(serde_json::Value::String(name)) => name,
                _ => String::new(),
            };
            let endpoint = format!("{}:{}", plan.endpoint.host, plan.endpoint.port);
            let auth = plan.authentication.name();
            format!(
                "{}: {} → {}, tls {tls}, auth {auth}\n",
                harmless(name),
                style.good(&found),
                style.bold(&endpoint)
            )
        }
    }
}

/// The line that each finding is about.
fn excerpts(
    config: &Config,
    connector: &Connector,
    diagnostics: &[Diagnostic],
    shown: &[&Diagnostic],
) -> Vec<Option<Excerpt>> {
    let pointers: Vec<_> = shown.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
    let quotable = connector.quotable(&config.text, diagnostics);
    let places =
        locate_all(&config.text, &pointers).into_iter().zip(locate_all(&quotable, &pointers));
    let excerpt = |(pointer, places): (&&str, _)| match places {
        // A finding on the whole document has no line of its own.
        (Some(place), Some(quoted)) if !pointer.is_empty() => {
            Some(Excerpt::new(config, place, &quotable, quoted))
        }
        _ => None,
    };
    pointers.iter().zip(places).map(excerpt).collect()
}

/// A line of the configuration, or a part of it, and what to underline in it.
struct Excerpt {
    name: String,
    /// Counted from zero, in the file.
    line: usize,
    column: usize,
    text: String,
    underlined: Range<usize>,
}

impl Excerpt {
    /// Takes name and place from the file, and the words from the copy.
    fn new(config: &Config, place: Range<usize>, quotable: &str, quoted: Range<usize>) -> Self {
        let before = &config.text[..place.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let (text, underlined) = crop(quotable, quoted);
        Self {
            name: harmless(&config.name),
            line: before.matches('\n').count(),
            column: before[line_start..].chars().count(),
            text,
            underlined,
        }
    }
}

/// The line of a range, the part around the range where it is long, and where the range is in it.
/// An object is shown by its first line.
fn crop(text: &str, range: Range<usize>) -> (String, Range<usize>) {
    let line_start = text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[range.start..].find('\n').map_or(text.len(), |at| range.start + at);
    let line_end = line_start + text[line_start..line_end].trim_end().len();
    let (mut start, mut end, mut range_end) = (line_start, line_end, range.end.min(line_end));
    if line_end - line_start > LONGEST_LINE {
        start = floor(text, line_start.max(range.start.saturating_sub(CONTEXT)));
        range_end = floor(text, range_end.min(range.start + LONGEST_LINE - 2 * CONTEXT));
        end = floor(text, line_end.min(range_end + CONTEXT));
    }
    let pieces = [start..range.start, range.start..range_end, range_end..end];
    let [ahead, about, behind] = pieces.map(|piece| harmless(&text[piece]));
    let before = if start > line_start { "… " } else { "" };
    let after = if end < line_end { " …" } else { "" };
    let first = before.len() + ahead.len();
    (format!("{before}{ahead}{about}{behind}{after}"), first..first + about.len())
}

/// The last character boundary up to an index.
fn floor(text: &str, index: usize) -> usize {
    (0..=index.min(text.len())).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

impl SourceCode for Excerpt {
    /// Without lines around it the caller asks for the place in the file, else for what to show.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (shown, column) = match lines_before {
            0 => (span.offset()..span.offset() + span.len(), self.column),
            _ => (0..self.text.len(), 0),
        };
        let bytes = self.text.as_bytes().get(shown.clone()).ok_or(MietteError::OutOfBounds)?;
        let name = self.name.clone();
        let contents =
            MietteSpanContents::new_named(name, bytes, shown.into(), self.line, column, 1);
        Ok(Box::new(contents))
    }
}

/// A finding as miette shows it.
struct Finding<'a> {
    diagnostic: &'a Diagnostic,
    excerpt: Option<Excerpt>,
}

impl miette::Diagnostic for Finding<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let place = harmless(&self.diagnostic.path);
        Some(Box::new(format!("{} {place}", self.diagnostic.code).trim_end().to_owned()))
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
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::underline(self.excerpt.as_ref()?.underlined.clone());
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
