//! What the tests of all readers share: read a document, and see the plan or the findings.

use serde_json::Value;

use super::{MISPLACED, plan::TransportPlan, read};
use crate::config::Object;
use crate::findings::{Diagnostic, Findings, Severity};

/// Reads the transport keys of a document, and reports every other key as unknown.
pub(in crate::config) fn check(document: &Value) -> (Option<TransportPlan>, Vec<Diagnostic>) {
    let mut findings = Findings::default();
    let mut root = Object::read(document, "", &mut findings).expect("an object");
    let plan = read(&mut root, &mut findings);
    root.finish_with(MISPLACED, &mut findings);
    let plan = plan.filter(|_| !findings.has_errors());
    (plan, findings.into_document_order(document))
}

/// The plan of a document that has one.
#[expect(clippy::needless_pass_by_value, reason = "tests write the document in place")]
pub(in crate::config) fn plan(document: Value) -> TransportPlan {
    let (plan, diagnostics) = check(&document);
    plan.unwrap_or_else(|| panic!("no plan for {document}: {diagnostics:#?}"))
}

/// The place and code of each finding, in document order. Leaked, so that tests compare with
/// literals.
pub(in crate::config) fn codes(document: &Value) -> Vec<(&'static str, &'static str)> {
    let leak = |text: String| -> &'static str { text.leak() };
    check(document).1.into_iter().map(|finding| (leak(finding.path), leak(finding.code))).collect()
}

/// The first finding at a place.
pub(in crate::config) fn at(document: &Value, path: &str) -> Diagnostic {
    let (_, diagnostics) = check(document);
    let found = diagnostics.iter().find(|finding| finding.path == path).cloned();
    found.unwrap_or_else(|| panic!("nothing at {path}: {diagnostics:#?}"))
}

/// The codes of the warnings alone; panics where there is an error.
pub(in crate::config) fn warnings(document: &Value) -> Vec<(&'static str, &'static str)> {
    let errors: Vec<_> = check(document)
        .1
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{document}: {errors:#?}");
    codes(document)
}

/// A document with a server and the given keys.
pub(in crate::config) fn with(keys: Value) -> Value {
    let mut document = serde_json::json!({"host": "smtp.example.com", "port": 587});
    if let (Some(all), Value::Object(keys)) = (document.as_object_mut(), keys) {
        all.extend(keys);
    }
    document
}
