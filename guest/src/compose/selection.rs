//! Picks the mail for a request: by usage type, then by language.
//!
//! The languages wanted are the request's own, else the payload's `locale`, and after it each of the
//! payload's `uiLocales`; every tag is truncated from its end until something matches (RFC 4647 §3.4). A type
//! answers with the entry of such a language, else with its entry without a locale. A type that has neither
//! leaves it to Generic; where Generic has neither, a mail in another language is better than none, and the
//! type's first entry is taken, or Generic's.

use std::collections::HashMap;

use serde_json::Value;

use super::Mail;
use crate::config::templates::Template;

/// The type that stands in for every other.
const FALLBACK: &str = "Generic";

/// The mails of a configuration by usage type.
#[derive(Debug)]
pub(super) struct Catalogue {
    types: HashMap<String, Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// The language tag, folded for comparison.
    locale: Option<String>,
    mail: Mail,
}

impl Catalogue {
    /// Joins the templates that are two forms of one mail.
    pub(super) fn new(templates: Vec<Template>) -> Self {
        let mut types: HashMap<String, Vec<Entry>> = HashMap::new();
        for template in templates {
            let locale = template.locale.as_deref().map(fold);
            let entries = types.entry(template.usage_type).or_default();
            match entries.iter_mut().find(|entry| entry.locale == locale) {
                Some(entry) => entry.mail.add(template.content, template.content_type),
                None => {
                    let mut mail = Mail::new(template.subject);
                    mail.add(template.content, template.content_type);
                    entries.push(Entry { locale, mail });
                }
            }
        }
        Self { types }
    }

    /// The mail of a type in the best language there is.
    pub(super) fn find(&self, usage_type: &str, locale: Option<&str>, payload: &Value) -> Option<&Mail> {
        let candidates = [self.entries(usage_type), self.entries(FALLBACK)];
        let wanted = wanted(locale, payload);
        candidates
            .iter()
            .find_map(|entries| best(entries, &wanted))
            .or_else(|| candidates.iter().find_map(|entries| entries.first()))
            .map(|entry| &entry.mail)
    }

    fn entries(&self, usage_type: &str) -> &[Entry] {
        self.types.get(usage_type).map_or(&[], Vec::as_slice)
    }
}

fn best<'a>(entries: &'a [Entry], wanted: &[String]) -> Option<&'a Entry> {
    let with = |locale: Option<&str>| entries.iter().find(|entry| entry.locale.as_deref() == locale);
    // Most configurations know no locale at all.
    if entries.iter().all(|entry| entry.locale.is_none()) {
        return entries.first();
    }
    wanted.iter().flat_map(|tag| truncations(tag)).find_map(|tag| with(Some(tag))).or_else(|| with(None))
}

/// The languages wanted, folded, the most wanted first.
fn wanted(locale: Option<&str>, payload: &Value) -> Vec<String> {
    let own = locale.or_else(|| payload.get("locale").and_then(Value::as_str));
    let listed: Vec<&str> = match payload.get("uiLocales") {
        Some(Value::String(list)) => list.split([' ', ',']).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    own.into_iter().chain(listed).map(fold).filter(|tag| !tag.is_empty()).take(MAX_WANTED).collect()
}

/// How many languages are tried. No reader has more, but a browser's header may claim so.
const MAX_WANTED: usize = 32;

fn fold(tag: &str) -> String {
    tag.trim().to_ascii_lowercase().replace('_', "-")
}

/// A tag and its shorter forms, such as `zh-hant-tw`, `zh-hant`, `zh`.
fn truncations(tag: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(tag), |tag| {
        let (shorter, _) = tag.rsplit_once('-')?;
        // A single character introduces an extension and means nothing at the end.
        let is_singleton = shorter.len() > 2 && shorter.as_bytes()[shorter.len() - 2] == b'-';
        Some(if is_singleton { &shorter[..shorter.len() - 2] } else { shorter })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bindings::exports::smtp_connector::contract::messages::ContentType;

    fn catalogue(entries: &[(&str, &str)]) -> Catalogue {
        let template = |(usage_type, locale): &(&str, &str)| Template {
            pointer: String::new(),
            usage_type: (*usage_type).to_owned(),
            locale: (!locale.is_empty()).then(|| (*locale).to_owned()),
            content_type: ContentType::Plain,
            subject: format!("{usage_type} {locale}"),
            content: String::new(),
        };
        Catalogue::new(entries.iter().map(template).collect())
    }

    fn pick(catalogue: &Catalogue, usage_type: &str, locale: Option<&str>, payload: Value) -> String {
        let mail = catalogue.find(usage_type, locale, &payload).expect("a mail");
        let rendered = mail.subject.render(&crate::template::Engine::default(), &payload.into());
        rendered.expect("a plain subject").trim().to_owned()
    }

    #[test]
    fn the_best_language_is_picked() {
        let all = catalogue(&[
            ("SignIn", ""),
            ("SignIn", "fr"),
            ("SignIn", "zh-Hant"),
            ("Generic", "de"),
            ("Generic", ""),
        ]);
        for (usage_type, locale, payload, subject) in [
            ("SignIn", None, json!({}), "SignIn"),
            ("SignIn", Some("FR_ca"), json!({"locale": "zh-Hant"}), "SignIn fr"),
            ("SignIn", None, json!({"locale": "zh-hant-TW"}), "SignIn zh-Hant"),
            ("SignIn", None, json!({"locale": "zh"}), "SignIn"),
            ("SignIn", None, json!({"locale": "it", "uiLocales": "es fr-x-old"}), "SignIn fr"),
            ("SignIn", None, json!({"uiLocales": ["es", 1, "fr"]}), "SignIn fr"),
            ("SignIn", None, json!({"locale": "de"}), "SignIn"),
            ("Register", None, json!({"locale": "de-AT"}), "Generic de"),
            ("Register", None, json!({"locale": 1}), "Generic"),
        ] {
            assert_eq!(
                pick(&all, usage_type, locale, payload.clone()),
                subject,
                "{usage_type} {locale:?} {payload}"
            );
        }
    }

    #[test]
    fn another_language_is_better_than_none() {
        let all = catalogue(&[("SignIn", "fr"), ("SignIn", "de"), ("Generic", "es")]);
        assert_eq!(pick(&all, "SignIn", Some("it"), json!({})), "SignIn fr");
        assert_eq!(pick(&all, "SignIn", Some("es"), json!({})), "Generic es");
        assert_eq!(pick(&all, "BindMfa", Some("it"), json!({})), "Generic es");
        assert!(catalogue(&[("SignIn", "")]).find("BindMfa", None, &json!({})).is_none());
    }
}
