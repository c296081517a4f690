//! Collects what a check finds, so that one pass reports every problem and not only the first.

use std::collections::HashMap;

use serde_json::Value;

pub use crate::bindings::exports::smtp_connector::contract::diagnostics::{Diagnostic, Severity};

/// The findings of one check.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Diagnostic>,
}

impl Findings {
    /// Reports a problem that stops delivery. `code` is stable and in kebab case; `path` is a JSON Pointer.
    pub fn error(&mut self, path: impl Into<String>, code: &str, message: impl Into<String>) -> &mut Self {
        self.push(Severity::Error, path.into(), code, message.into())
    }

    /// Reports something without effect, unknown or unwise.
    pub fn warning(&mut self, path: impl Into<String>, code: &str, message: impl Into<String>) -> &mut Self {
        self.push(Severity::Warning, path.into(), code, message.into())
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

    /// The findings in the order of the document; those on missing keys stand at their parent's end.
    pub fn into_document_order(mut self, document: &Value) -> Vec<Diagnostic> {
        let mut ends = HashMap::new();
        number(document, String::new(), &mut 0, &mut ends);
        self.list.sort_by_key(|finding| position(&finding.path, &ends));
        self.list
    }

    /// The findings in the order in which they were reported.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        self.list
    }

    fn push(&mut self, severity: Severity, path: String, code: &str, message: String) -> &mut Self {
        self.list.push(Diagnostic { severity, code: code.to_owned(), path, message, help: None });
        self
    }
}

/// Gives every value of the document the span of numbers that it and its members take.
fn number(value: &Value, pointer: String, next: &mut usize, spans: &mut HashMap<String, (usize, usize)>) {
    let start = *next;
    *next += 1;
    match value {
        Value::Object(map) => {
            for (key, member) in map {
                number(member, join(&pointer, key), next, spans);
            }
        }
        Value::Array(list) => {
            for (index, member) in list.iter().enumerate() {
                number(member, join(&pointer, &index.to_string()), next, spans);
            }
        }
        _ => {}
    }
    spans.insert(pointer, (start, *next));
}

fn position(pointer: &str, spans: &HashMap<String, (usize, usize)>) -> usize {
    if let Some((start, _)) = spans.get(pointer) {
        return *start;
    }
    let mut ancestor = pointer;
    while let Some(slash) = ancestor.rfind('/') {
        ancestor = &ancestor[..slash];
        if let Some((_, end)) = spans.get(ancestor) {
            return *end;
        }
    }
    usize::MAX
}

/// Appends a reference token to a JSON Pointer (RFC 6901 §3).
pub fn join(pointer: &str, token: &str) -> String {
    format!("{pointer}/{}", token.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_come_in_document_order() {
        let document: Value = serde_json::from_str(r#"{"b": {"x": 1}, "a": 2}"#).expect("valid JSON");
        let mut findings = Findings::default();
        findings.error("/missing", "c", "m");
        findings.error("/a", "c", "m");
        findings.error("/b/missing", "c", "m");
        findings.error("/b/x", "c", "m");
        let paths: Vec<_> = findings.into_document_order(&document).into_iter().map(|d| d.path).collect();
        assert_eq!(paths, ["/b/x", "/b/missing", "/a", "/missing"]);
    }
}
