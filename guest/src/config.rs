//! The configuration: untrusted JSON in, a transport plan and every finding out.
//!
//! The keys are Logto's and nodemailer's. They exist only below this module; what leaves it is
//! typed.

mod host_name;
mod json;
pub mod message;
mod numbers;
mod object;
mod secret;
pub mod templates;
mod transport;
mod uri;

pub use object::Object;
pub(crate) use object::{nearest, wrong_type};

use crate::bindings::exports::smtp_connector::contract::connector::{Outcome, Report};
use crate::findings::Findings;
use crate::program;
use message::MessageSettings;

/// Checks a configuration: all findings, and plan and program unless some are errors.
pub fn check(text: &str) -> Report {
    let mut findings = Findings::default();
    let document = match json::parse(text) {
        Ok(document) => document,
        Err(error) => {
            not_json(&error, &mut findings);
            return Report { diagnostics: findings.into_vec(), outcome: None };
        }
    };
    let mut outcome = None;
    if let Some(mut root) = Object::read(&document.value, "", &mut findings) {
        for pointer in &document.duplicates {
            duplicate_key(pointer, &mut findings);
        }
        let plan = transport::read(&mut root, &mut findings);
        let settings = MessageSettings::read(&mut root, &mut findings);
        let templates = templates::read(&mut root, &mut findings);
        crate::template::lint(&templates, &mut findings);
        root.finish_with(transport::MISPLACED, &mut findings);
        if !findings.has_errors() {
            // Without errors all three are there, and every template has been scanned.
            outcome = plan.zip(settings).and_then(|(plan, settings)| {
                let program = program::write(&settings, &templates).ok()?;
                Some(Outcome { plan, program })
            });
        }
    }
    Report { diagnostics: findings.into_document_order(&document.value), outcome }
}

fn not_json(error: &serde_json::Error, findings: &mut Findings) {
    findings.error("", "not-json", format!("the configuration is not valid JSON: {error}")).help(
        "write one JSON object, without comments and without commas before a closing bracket",
    );
}

fn duplicate_key(pointer: &str, findings: &mut Findings) {
    findings
        .warning(
            pointer,
            "duplicate-key",
            "this key stands more than once, and only the last one has effect",
        )
        .help("remove the others");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Severity;

    #[test]
    fn what_is_no_json_object_is_one_error_at_the_root() {
        for (text, code) in [
            ("{\"host\":", "not-json"),
            ("", "not-json"),
            ("{} x", "not-json"),
            ("[{\"a\":1,\"a\":2}]", "wrong-type"),
            ("\"smtp://user:pass@host\"", "wrong-type"),
            ("null", "wrong-type"),
            ("42", "wrong-type"),
        ] {
            let report = check(text);
            let found: Vec<_> = report
                .diagnostics
                .iter()
                .map(|d| (d.severity, d.code.as_str(), d.path.as_str()))
                .collect();
            assert_eq!(found, [(Severity::Error, code, "")], "{text}");
            assert!(report.outcome.is_none());
        }
    }

    #[test]
    fn text_that_is_not_json_is_told_with_line_and_column() {
        let report = check("{\n  \"host\": \"a\",\n}");
        assert_eq!(
            report.diagnostics[0].message,
            "the configuration is not valid JSON: trailing comma at line 3 column 1"
        );
    }

    #[test]
    fn equal_keys_are_a_warning_where_they_stand() {
        let report = check(
            r#"{"host":"a.example","tls":{"servername":"x.example","servername":"y.example"},
                "host":"b.example"}"#,
        );
        let found: Vec<_> = report
            .diagnostics
            .iter()
            .filter(|d| d.code == "duplicate-key")
            .map(|d| (d.severity, d.path.as_str()))
            .collect();
        assert_eq!(found, [(Severity::Warning, "/host"), (Severity::Warning, "/tls/servername")]);
    }
}
