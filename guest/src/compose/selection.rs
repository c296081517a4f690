//! Picks the mail for a request: by usage type, then by language.
//!
//! The languages wanted are the request's own, else the payload's `locale`, and after it each of
//! the payload's `uiLocales`; every tag is truncated from its end until something matches (RFC 4647
//! §3.4), and then any entry of the same language does, so that `zh` finds `zh-CN`. A type answers
//! with the entry of such a language, else with its entry without a locale. A type that has neither
//! leaves it to Generic; where Generic has neither, a mail in another language is better than none,
//! and the type's first entry is taken, or Generic's.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Mail;
use crate::config::templates::{Template, fold_locale};
use crate::template::SyntaxError;

/// The type that stands in for every other.
const FALLBACK: &str = "Generic";

/// Which mail of a configuration is for which messages.
#[derive(Debug, Serialize, Deserialize)]
pub struct Catalogue {
    /// The types, in the order of their names.
    types: Vec<Entries>,
}

/// The mails of one type, in the order of the configuration.
#[derive(Debug, Serialize, Deserialize)]
struct Entries {
    usage_type: String,
    list: Vec<Entry>,
}

/// One mail: the folded language tag that it is for, or none for all, and its number.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    locale: Option<String>,
    mail: usize,
}

impl Catalogue {
    /// Joins the templates that are two forms of one mail, and numbers the mails.
    ///
    /// # Errors
    ///
    /// Fails with the first template that cannot be scanned.
    pub(crate) fn new(templates: &[Template]) -> Result<(Self, Vec<Mail>), SyntaxError> {
        let mut mails = Vec::new();
        let mut numbers: HashMap<(&str, Option<&str>), usize> = HashMap::new();
        let mut types: HashMap<&str, Vec<Entry>> = HashMap::new();
        for template in templates {
            let key = (template.usage_type.as_str(), template.locale.as_deref());
            let number = match numbers.get(&key) {
                Some(number) => *number,
                None => {
                    let entry = Entry { locale: template.locale.clone(), mail: mails.len() };
                    types.entry(&template.usage_type).or_default().push(entry);
                    numbers.insert(key, mails.len());
                    mails.push(Mail::new(&template.subject)?);
                    mails.len() - 1
                }
            };
            mails[number].add(&template.content, template.content_type)?;
        }
        let entries =
            |(usage_type, list): (&str, _)| Entries { usage_type: usage_type.into(), list };
        let mut types: Vec<_> = types.into_iter().map(entries).collect();
        types.sort_unstable_by(|a, b| a.usage_type.cmp(&b.usage_type));
        Ok((Self { types }, mails))
    }

    /// The number of the mail of a type in the best language there is.
    pub(super) fn find(
        &self,
        usage_type: &str,
        locale: Option<&str>,
        payload: &Value,
    ) -> Option<usize> {
        let candidates = [self.of(usage_type), self.of(FALLBACK)];
        let mut candidates = candidates.into_iter().flatten();
        let wanted = wanted(locale, payload);
        let first = candidates.clone().next();
        candidates.find_map(|entries| entries.best(&wanted)).or_else(|| Some(first?.list[0].mail))
    }

    fn of(&self, usage_type: &str) -> Option<&Entries> {
        let found =
            self.types.binary_search_by(|entries| entries.usage_type.as_str().cmp(usage_type));
        found.ok().map(|index| &self.types[index]).filter(|entries| !entries.list.is_empty())
    }
}

impl Entries {
    fn best(&self, wanted: &[String]) -> Option<usize> {
        let with = |locale: Option<&str>| {
            let found = self.list.iter().find(|entry| entry.locale.as_deref() == locale);
            found.map(|entry| entry.mail)
        };
        let best_for = |tag: &String| {
            truncations(tag).find_map(|tag| with(Some(tag))).or_else(|| self.of(tag))
        };
        wanted.iter().find_map(best_for).or_else(|| with(None))
    }

    /// The first mail of the configuration in the language of a tag.
    fn of(&self, tag: &str) -> Option<usize> {
        let wanted = language(tag)?;
        let speaks = |entry: &&Entry| entry.locale.as_deref().and_then(language) == Some(wanted);
        self.list.iter().find(speaks).map(|entry| entry.mail)
    }
}

/// The languages wanted, folded, the most wanted first.
fn wanted(locale: Option<&str>, payload: &Value) -> Vec<String> {
    let own = locale.or_else(|| payload.get("locale").and_then(Value::as_str));
    let listed: Vec<&str> = match payload.get("uiLocales") {
        Some(Value::String(list)) => list.split([' ', ',']).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    own.into_iter()
        .chain(listed)
        .map(fold_locale)
        .filter(|tag| (1..=MAX_TAG).contains(&tag.len()))
        .take(MAX_WANTED)
        .collect()
}

/// How many languages are tried. No reader has more, but a browser's header may claim so.
const MAX_WANTED: usize = 32;

/// The longest tag that is tried: RFC 5646 §4.4.1 needs 35 characters, private ones a few more.
const MAX_TAG: usize = 64;

/// The language of a tag; none where its first subtag is `x` or `i`, which name none.
fn language(tag: &str) -> Option<&str> {
    tag.split('-').next().filter(|subtag| subtag.len() > 1)
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

    fn catalogue(entries: &[(&str, &str)]) -> (Catalogue, Vec<Mail>) {
        let template = |(usage_type, locale): &(&str, &str)| Template {
            pointer: String::new(),
            usage_type: (*usage_type).to_owned(),
            locale: (!locale.is_empty()).then(|| fold_locale(locale)),
            content_type: ContentType::Plain,
            subject: format!("{usage_type} {locale}"),
            content: String::new(),
        };
        let templates: Vec<_> = entries.iter().map(template).collect();
        Catalogue::new(&templates).expect("plain templates")
    }

    #[expect(clippy::needless_pass_by_value, reason = "tests write the payload in place")]
    fn pick(
        (catalogue, mails): &(Catalogue, Vec<Mail>),
        usage_type: &str,
        locale: Option<&str>,
        payload: Value,
    ) -> String {
        let number = catalogue.find(usage_type, locale, &payload).expect("a mail");
        mails[number].subject.render(&payload).expect("a plain subject").trim().to_owned()
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
            ("SignIn", None, json!({"locale": "zh"}), "SignIn zh-Hant"),
            ("SignIn", None, json!({"locale": "zh-CN", "uiLocales": "fr"}), "SignIn zh-Hant"),
            ("SignIn", None, json!({"locale": "x-zh", "uiLocales": "i-fr"}), "SignIn"),
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
        let (only, _) = catalogue(&[("SignIn", "")]);
        assert!(only.find("BindMfa", None, &json!({})).is_none());
    }
}
