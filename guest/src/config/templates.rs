//! The key `templates`: what may be sent, for what, in which language and form.
//!
//! This file reads the keys; what the texts say is for `template` to judge.

use std::collections::HashMap;

use serde_json::Value;

use crate::bindings::exports::smtp_connector::contract::messages::ContentType;
use crate::config::{Object, nearest};
use crate::findings::Findings;

/// The types that must have a template: Logto's rule.
const REQUIRED_TYPES: [&str; 4] = ["Register", "SignIn", "ForgotPassword", "Generic"];

/// Every type that Logto sends.
const TYPES: [&str; 9] = [
    "Register",
    "SignIn",
    "ForgotPassword",
    "Generic",
    "OrganizationInvitation",
    "UserPermissionValidation",
    "BindNewIdentifier",
    "MfaVerification",
    "BindMfa",
];

/// One template of a configuration.
#[derive(Debug)]
pub struct Template {
    /// Where it stands: a JSON Pointer.
    pub pointer: String,
    /// What messages it is for.
    pub usage_type: String,
    /// The language tag it is for, folded, where it is for one only.
    pub locale: Option<String>,
    /// The form of its content.
    pub content_type: ContentType,
    /// The subject's template.
    pub subject: String,
    /// The content's template.
    pub content: String,
}

/// A language tag as it is compared: in lower case, its subtags divided by hyphens.
pub fn fold_locale(tag: &str) -> String {
    tag.trim().to_ascii_lowercase().replace('_', "-")
}

/// Reads the templates, skipping those that cannot be read. At most two are for the same messages:
/// one plain, one HTML.
pub fn read(root: &mut Object<'_>, findings: &mut Findings) -> Vec<Template> {
    let path = root.pointer_to("templates");
    if root.value("templates").is_none() {
        findings.error(path, "missing-key", "`templates` is missing").help(format!(
            "add templates for {}",
            REQUIRED_TYPES.map(|wanted| format!("`{wanted}`")).join(", ")
        ));
        return Vec::new();
    }
    let Some(entries) = root.array("templates", findings) else {
        return Vec::new();
    };
    for wanted in REQUIRED_TYPES {
        let has_type = |(_, entry): &(String, &Value)| {
            entry.get("usageType").and_then(Value::as_str) == Some(wanted)
        };
        if !entries.iter().any(has_type) {
            findings
                .error(
                    path.clone(),
                    "missing-template",
                    format!("there is no template of the type `{wanted}`"),
                )
                .help(format!("add an entry whose `usageType` is `{wanted}`"));
        }
    }
    let mut list = List::default();
    for (pointer, entry) in entries {
        if let Some(template) = read_one(entry, pointer, findings) {
            list.add(template, findings);
        }
    }
    list.templates
}

fn read_one(entry: &Value, pointer: String, findings: &mut Findings) -> Option<Template> {
    let mut object = Object::read(entry, pointer.clone(), findings)?;
    let usage_type = required(&mut object, "usageType", "`SignIn`", findings);
    if let Some(usage_type) = usage_type {
        suggest_type(usage_type, object.pointer_to("usageType"), findings);
    }
    let content_type =
        required(&mut object, "contentType", "`text/plain` or `text/html`", findings)
            .and_then(|name| content_type(name, object.pointer_to("contentType"), findings));
    let subject = required(&mut object, "subject", "`Your code`", findings);
    let content = required(&mut object, "content", "`Your code is {{code}}`", findings);
    let locale = object.string("locale", findings).filter(|tag| !tag.trim().is_empty());
    object.finish(findings);
    Some(Template {
        pointer,
        usage_type: usage_type?.to_owned(),
        locale: locale.map(fold_locale),
        content_type: content_type?,
        subject: subject?.to_owned(),
        content: content?.to_owned(),
    })
}

/// Types are free, but one that is nearly Logto's is a slip.
fn suggest_type(usage_type: &str, path: String, findings: &mut Findings) {
    if TYPES.contains(&usage_type) {
        return;
    }
    if let Some(known) = nearest(usage_type, &TYPES) {
        findings
            .warning(path, "unknown-type", "no platform is known to send messages of this type")
            .help(format!("did you mean `{known}`?"));
    }
}

fn required<'a>(
    object: &mut Object<'a>,
    key: &'static str,
    such_as: &str,
    findings: &mut Findings,
) -> Option<&'a str> {
    if object.value(key).is_none() {
        findings
            .error(object.pointer_to(key), "missing-key", format!("this template has no `{key}`"))
            .help(format!("set it, for example to {such_as}"));
        return None;
    }
    object.string(key, findings)
}

fn content_type(name: &str, path: String, findings: &mut Findings) -> Option<ContentType> {
    let essence = name.split(';').next().unwrap_or(name).trim();
    if essence.eq_ignore_ascii_case("text/plain") {
        return Some(ContentType::Plain);
    }
    if essence.eq_ignore_ascii_case("text/html") {
        return Some(ContentType::Html);
    }
    findings
        .error(path, "invalid-value", "this is not a form that mail templates have")
        .help("write `text/plain` or `text/html`");
    None
}

/// Templates, and which of them are for the same messages and so can only differ in form.
#[derive(Default)]
struct List {
    templates: Vec<Template>,
    same: HashMap<(String, Option<String>), Vec<usize>>,
}

impl List {
    fn add(&mut self, new: Template, findings: &mut Findings) {
        let same = self.same.entry((new.usage_type.clone(), new.locale.clone())).or_default();
        let mut others = same.iter().map(|index| &self.templates[*index]);
        if let Some(first) = others.clone().find(|other| other.content_type == new.content_type) {
            report_duplicate(&new, first, findings);
            return;
        }
        if let Some(first) = others.next().filter(|first| first.subject != new.subject) {
            report_subject(&new, first, findings);
        }
        same.push(self.templates.len());
        self.templates.push(new);
    }
}

fn report_duplicate(new: &Template, first: &Template, findings: &mut Findings) {
    findings
        .warning(
            new.pointer.clone(),
            "duplicate-template",
            format!("the template at `{}` is for the same messages and wins", first.pointer),
        )
        .help(
            "remove one of them, give them different locales, or make one `text/plain` and the \
            other `text/html`",
        );
}

fn report_subject(new: &Template, first: &Template, findings: &mut Findings) {
    findings
        .warning(
            format!("{}/subject", new.pointer),
            "subject-differs",
            format!("one mail has one subject, and the one at `{}/subject` is used", first.pointer),
        )
        .help("write the same subject in both forms of the template");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(usage_type: &str, content_type: &str) -> Value {
        json!({"usageType": usage_type, "contentType": content_type, "subject": "s",
            "content": "{{code}}"})
    }

    fn read_all(more: Vec<Value>) -> (Vec<Template>, Vec<(String, String)>) {
        let mut list: Vec<_> =
            REQUIRED_TYPES.iter().map(|wanted| entry(wanted, "text/plain")).collect();
        list.extend(more);
        read_document(&json!({"templates": list}))
    }

    fn read_document(document: &Value) -> (Vec<Template>, Vec<(String, String)>) {
        let mut findings = Findings::default();
        let mut root = Object::read(document, "", &mut findings).expect("an object");
        let templates = read(&mut root, &mut findings);
        (
            templates,
            findings.into_vec().into_iter().map(|finding| (finding.path, finding.code)).collect(),
        )
    }

    #[test]
    fn every_required_type_is_asked_for() {
        let (_, found) = read_document(
            &json!({"templates": [entry("SignIn", "text/html"), entry("Own", "text/html")]}),
        );
        let missing = ("/templates".to_owned(), "missing-template".to_owned());
        assert_eq!(found, vec![missing; 3]);
        assert_eq!(
            read_document(&json!({})).1,
            [("/templates".to_owned(), "missing-key".to_owned())]
        );
        assert_eq!(
            read_document(&json!({"templates": {}})).1,
            [("/templates".to_owned(), "wrong-type".to_owned())]
        );
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_said_where_it_is() {
        let with = |key: &str, value: Value| {
            let mut entry = entry("Own", "text/html");
            entry[key] = value;
            entry
        };
        for (entry, path, code) in [
            (json!(1), "/templates/4", "wrong-type"),
            (with("contentType", Value::Null), "/templates/4/contentType", "missing-key"),
            (with("contentType", json!("html")), "/templates/4/contentType", "invalid-value"),
            (with("subject", json!(1)), "/templates/4/subject", "wrong-type"),
            (with("content", Value::Null), "/templates/4/content", "missing-key"),
            (with("usageType", Value::Null), "/templates/4/usageType", "missing-key"),
            (with("locale", json!(1)), "/templates/4/locale", "wrong-type"),
            (with("contnet", json!("")), "/templates/4/contnet", "unknown-key"),
        ] {
            assert_eq!(read_all(vec![entry]).1, [(path.to_owned(), code.to_owned())]);
        }
    }

    #[test]
    fn two_forms_make_a_pair_and_a_third_has_no_effect() {
        let (templates, found) = read_all(vec![
            entry("SignIn", "text/html"),
            entry("SignIn", "TEXT/HTML; charset=utf-8"),
            json!({"usageType": "Generic", "contentType": "text/html", "subject": "other",
                "content": "x"}),
            json!({"usageType": "SignIn", "contentType": "text/html", "subject": "s",
                "content": "x", "locale": "fr"}),
        ]);
        let expected =
            [("/templates/5", "duplicate-template"), ("/templates/6/subject", "subject-differs")];
        assert_eq!(found, expected.map(|(path, code)| (path.to_owned(), code.to_owned())));
        assert_eq!(templates.len(), 7);
    }

    #[test]
    fn a_type_that_is_nearly_known_is_a_slip() {
        for (usage_type, help) in [
            ("signin", Some("did you mean `SignIn`?")),
            ("ForgotPasword", Some("did you mean `ForgotPassword`?")),
            ("SignIn", None),
            ("Newsletter", None),
        ] {
            let mut findings = Findings::default();
            suggest_type(usage_type, "/t".to_owned(), &mut findings);
            let found = findings.into_vec();
            let helps: Vec<_> = found.iter().filter_map(|one| one.help.as_deref()).collect();
            assert_eq!(helps, help.into_iter().collect::<Vec<_>>(), "{usage_type}");
        }
    }
}
