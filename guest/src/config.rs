//! The configuration: untrusted JSON in, a transport plan and every finding out.
//!
//! The keys are Logto's and nodemailer's. They exist only below this module; what leaves it is typed.

pub mod message;
mod object;
pub mod templates;
mod transport;

pub use object::Object;
pub(crate) use object::wrong_type;

use serde_json::Value;

use crate::bindings::exports::smtp_connector::contract::connector::Report;
use crate::findings::{Diagnostic, Findings};
use message::MessageSettings;
use templates::Template;

/// Checks a configuration: all findings, and the plan unless some are errors.
pub fn check(text: &str) -> Report {
    let mut findings = Findings::default();
    let Some(document) = parse(text, &mut findings) else {
        return Report { diagnostics: findings.into_vec(), plan: None };
    };
    let mut plan = None;
    if let Some(mut root) = Object::read(&document, "", &mut findings) {
        plan = transport::read(&mut root, &mut findings);
        MessageSettings::read(&mut root, &mut findings);
        let templates = templates::read(&mut root, &mut findings);
        crate::template::lint(&templates, &mut findings);
        root.finish(&mut findings);
    }
    if findings.has_errors() {
        plan = None;
    }
    Report { diagnostics: findings.into_document_order(&document), plan }
}

/// Reads only what composing needs, and lints nothing: a fresh instance for one message pays for one message.
pub fn open(text: &str) -> Result<(MessageSettings, Vec<Template>), Vec<Diagnostic>> {
    let mut findings = Findings::default();
    let opened = parse(text, &mut findings).and_then(|document| {
        let mut root = Object::read(&document, "", &mut findings)?;
        let settings = MessageSettings::read(&mut root, &mut findings);
        Some((settings?, templates::read(&mut root, &mut findings)))
    });
    match opened {
        Some(opened) if !findings.has_errors() => Ok(opened),
        _ => Err(findings.into_vec()),
    }
}

fn parse(text: &str, findings: &mut Findings) -> Option<Value> {
    match serde_json::from_str(text) {
        Ok(document) => Some(document),
        Err(error) => {
            findings.error("", "not-json", format!("the configuration is not valid JSON: {error}"));
            None
        }
    }
}
