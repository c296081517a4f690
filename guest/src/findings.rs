//! Collects what a check finds, so that one pass reports every problem and not only the first.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt::Display;

use serde_json::Value;

pub use crate::bindings::exports::smtp_connector::contract::diagnostics::{Diagnostic, Severity};

/// Findings whose values may be misplaced secrets: nobody has looked at what they are.
const UNQUOTABLE: [&str; 5] =
    ["invalid-secret", "no-effect", "unknown-key", "unsupported", "wrong-type"];

/// Findings on numbers: a text in the place of one has the wrong type.
const NUMERIC: [&str; 2] = ["invalid-port", "out-of-range"];

/// The findings of one check.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Diagnostic>,
}

impl Findings {
    /// Reports a problem that stops delivery. `code` is stable and in kebab case; `path` is a JSON
    /// Pointer.
    pub fn error(
        &mut self,
        path: impl Into<String>,
        code: &str,
        message: impl Into<String>,
    ) -> &mut Self {
        self.push(Severity::Error, path.into(), code, message.into())
    }

    /// Reports something without effect, unknown or unwise.
    pub fn warning(
        &mut self,
        path: impl Into<String>,
        code: &str,
        message: impl Into<String>,
    ) -> &mut Self {
        self.push(Severity::Warning, path.into(), code, message.into())
    }

    /// Warns that nothing follows a whole value; `reason` says why.
    pub fn no_effect(&mut self, path: impl Into<String>, reason: impl Display) -> &mut Self {
        self.warning(path, "no-effect", format!("has no effect: {reason}"))
    }

    /// Says what to change about the finding just reported.
    pub fn help(&mut self, help: impl Into<String>) {
        if let Some(last) = self.list.last_mut() {
            last.help = Some(help.into());
        }
    }

    /// Whether any finding stops delivery.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Takes in the findings of another check, each after `rehome` has given it its place here.
    pub fn absorb(&mut self, others: Self, rehome: impl Fn(Diagnostic) -> Diagnostic) {
        self.list.extend(others.list.into_iter().map(rehome));
    }

    /// The findings in the order of the document; those on missing keys stand at their parent's
    /// end.
    pub fn into_document_order(mut self, document: &Value) -> Vec<Diagnostic> {
        let mut spans = self.list.iter().flat_map(|finding| ancestry(&finding.path)).collect();
        number(document, "", &mut 0, &mut spans);
        self.list.sort_by_cached_key(|finding| position(&finding.path, &spans));
        for finding in &mut self.list {
            finding.quotable = is_quotable(finding, document);
        }
        self.list
    }

    /// The findings in the order in which they were reported.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.list
    }

    fn push(&mut self, severity: Severity, path: String, code: &str, message: String) -> &mut Self {
        let (code, help, quotable) = (code.to_owned(), None, false);
        self.list.push(Diagnostic { severity, code, path, message, help, quotable });
        self
    }
}

/// Whether a report may quote what was found.
fn is_quotable(finding: &Diagnostic, document: &Value) -> bool {
    let code = finding.code.as_str();
    let is_text = || document.pointer(&finding.path).is_some_and(Value::is_string);
    !(UNQUOTABLE.contains(&code) || NUMERIC.contains(&code) && is_text())
}

/// The numbers that a value and its members take, and none of a value that is not there.
type Spans = HashMap<String, Option<(usize, usize)>>;

/// A pointer and all above it. Only these are numbered: a hostile document has millions of values.
fn ancestry(pointer: &str) -> impl Iterator<Item = (String, Option<(usize, usize)>)> {
    let ends = pointer.match_indices('/').map(|(slash, _)| slash).chain([pointer.len()]);
    ends.map(|end| (pointer[..end].to_owned(), None))
}

/// Gives each wanted value of the document the span of numbers that it and its wanted members take.
fn number(value: &Value, pointer: &str, next: &mut usize, spans: &mut Spans) {
    if !spans.contains_key(pointer) {
        return;
    }
    let start = *next;
    *next += 1;
    match value {
        Value::Object(map) => {
            for (key, member) in map {
                number(member, &join(pointer, key), next, spans);
            }
        }
        Value::Array(list) => {
            for (index, member) in list.iter().enumerate() {
                number(member, &join(pointer, &index.to_string()), next, spans);
            }
        }
        _ => {}
    }
    spans.insert(pointer.to_owned(), Some((start, *next)));
}

/// Where a finding sorts: at its value, or after all members of the nearest object that is there.
/// What is missing from an inner object comes before what is missing from an outer one, and both
/// before what follows.
fn position(pointer: &str, spans: &Spans) -> (usize, bool, Reverse<usize>) {
    let span = |pointer: &str| spans.get(pointer).copied().flatten();
    if let Some((start, _)) = span(pointer) {
        return (start, true, Reverse(0));
    }
    let mut ancestor = pointer;
    while let Some(slash) = ancestor.rfind('/') {
        ancestor = &ancestor[..slash];
        if let Some((_, end)) = span(ancestor) {
            return (end, false, Reverse(ancestor.matches('/').count() + 1));
        }
    }
    (usize::MAX, true, Reverse(0))
}

/// Appends a reference token to a JSON Pointer (RFC 6901 §3).
pub fn join(pointer: &str, token: &str) -> String {
    format!("{pointer}/{}", token.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_understood_may_be_quoted() {
        let document: Value =
            serde_json::from_str(r#"{"port": 0, "pool": "5", "x": "s", "host": "h"}"#)
                .expect("valid JSON");
        for (path, code, expected) in [
            ("/port", "invalid-port", true),
            ("/pool", "out-of-range", false),
            ("/x", "unknown-key", false),
            ("/host", "wrong-type", false),
            ("/host", "invalid-host", true),
        ] {
            let mut findings = Findings::default();
            findings.error(path, code, "m");
            assert_eq!(findings.into_document_order(&document)[0].quotable, expected, "{code}");
        }
    }

    #[test]
    fn findings_come_in_document_order() {
        let document: Value =
            serde_json::from_str(r#"{"b": {"x": 1}, "a": {"y": {}}}"#).expect("valid JSON");
        let mut findings = Findings::default();
        findings.error("/missing", "c", "m");
        findings.error("/a", "c", "m");
        findings.error("/b/missing", "c", "m");
        findings.error("/a/missing", "c", "m");
        findings.error("/a/y/missing", "c", "m");
        findings.error("/b/x", "c", "m");
        findings.error("", "c", "m");
        let paths: Vec<_> =
            findings.into_document_order(&document).into_iter().map(|d| d.path).collect();
        assert_eq!(
            paths,
            ["", "/b/x", "/b/missing", "/a", "/a/y/missing", "/a/missing", "/missing"]
        );
    }
}
