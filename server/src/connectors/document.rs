//! What a connector is made of: a configuration as it is, or an object with a configuration and
//! what the service is to know beside it.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::webhook::Webhook;
use crate::hooks::Hooks;

/// What stands in the place of a secret.
const MARK: &str = "***";

/// The keys of a configuration that change messages and not where secrets go.
const MESSAGE_KEYS: [&str; 5] = ["customHeaders", "fromEmail", "replyTo", "templates", "dkim"];

/// The name of the members of `hooks` and `webhook` whose texts are secrets.
const HOOK_SECRETS: &str = "secrets";

/// The document of a connector.
#[derive(Clone)]
pub(crate) struct Document {
    text: String,
    configuration: String,
    hooks: Hooks,
    /// The same as they were written.
    hooks_written: Map<String, Value>,
    webhook: Option<Webhook>,
    webhook_written: Value,
}

/// A document as somebody wrote it, perhaps with marks in place of secrets.
struct Draft {
    configuration: String,
    hooks: Map<String, Value>,
    webhook: Value,
}

/// Why a text is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotADocument(String);

/// A document with members of its own beside the configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<'t> {
    #[serde(borrow)]
    configuration: &'t RawValue,
    #[serde(default)]
    hooks: Map<String, Value>,
    #[serde(default)]
    webhook: Value,
}

impl Document {
    /// Reads a document: an object with the member `configuration`, or a configuration itself.
    ///
    /// # Errors
    ///
    /// Fails where the text is no JSON object, or has unknown members beside `configuration`. A
    /// configuration itself is not judged.
    pub(crate) fn read(text: &str) -> Result<Self, NotADocument> {
        let Draft { configuration, hooks: hooks_written, webhook: webhook_written } =
            Draft::read(text)?;
        let hooks = Hooks::try_from(hooks_written.clone())
            .map_err(|error| NotADocument(format!("`hooks`: {error}")))?;
        let webhook = Some(&webhook_written).filter(|written| !written.is_null());
        let webhook = webhook
            .map(|written| Webhook::read(written.clone()))
            .transpose()
            .map_err(|error| NotADocument(format!("`webhook`: {error}")))?;
        let text = text.to_owned();
        Ok(Self { text, configuration, hooks, hooks_written, webhook, webhook_written })
    }

    /// Reads a document in which marks may stand for the secrets of the one before, whose
    /// configuration with marks `quotable` is.
    ///
    /// # Errors
    ///
    /// As [`Document::read`]; and where a mark stands in a configuration that leads elsewhere than
    /// the one before: its secrets would go to somebody whom they were not given for.
    pub(crate) fn read_over(
        before: &Self,
        quotable: &str,
        text: &str,
    ) -> Result<Self, NotADocument> {
        let draft = Draft::read(text)?;
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let (marked, secret) = (read(quotable), read(&before.configuration));
        let mut configuration = read(&draft.configuration);
        let mut restored = restore(&mut configuration, &marked, &secret);
        if restored && let Some(key) = departure(&configuration, &secret) {
            return Err(NotADocument(format!(
                "`{key}` changed, so that the secrets marked `{MARK}` have to be given anew"
            )));
        }
        let mut hooks = Value::Object(draft.hooks);
        let secret = Value::Object(before.hooks_written.clone());
        let mut marked = secret.clone();
        conceal(&mut marked, false);
        restored |= restore(&mut hooks, &marked, &secret);
        let (mut webhook, secret) = (draft.webhook, &before.webhook_written);
        let mut marked = secret.clone();
        conceal(&mut marked, false);
        if restore(&mut webhook, &marked, secret) {
            if webhook["url"] != secret["url"] {
                return Err(NotADocument(format!(
                    "`webhook.url` changed, so that the secrets marked `{MARK}` have to be given \
                     anew"
                )));
            }
            restored = true;
        }
        if !restored {
            // Without a mark it stays as it was written.
            return Self::read(text);
        }
        let whole = serde_json::json!({
            "configuration": configuration, "hooks": hooks, "webhook": webhook,
        });
        Self::read(&whole.to_string())
    }

    /// The document as it was written, secrets included.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The configuration.
    pub(crate) fn configuration(&self) -> &str {
        &self.configuration
    }

    /// What the hooks of the connector are told, by dialect.
    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// The webhook that is told what became of its messages, if it has one.
    pub(crate) fn webhook(&self) -> Option<&Webhook> {
        self.webhook.as_ref()
    }

    /// The document with marks in place of its secrets. `quotable` is its configuration with marks.
    pub(crate) fn concealed(&self, quotable: &str) -> Value {
        let configuration: Value = serde_json::from_str(quotable).unwrap_or_default();
        let mut hooks = Value::Object(self.hooks_written.clone());
        conceal(&mut hooks, false);
        let Value::Object(hooks) = hooks else { return configuration };
        let mut whole = Map::from_iter([("configuration".to_owned(), configuration)]);
        if !hooks.is_empty() {
            whole.insert("hooks".to_owned(), Value::Object(hooks));
        }
        let mut webhook = self.webhook_written.clone();
        conceal(&mut webhook, false);
        if !webhook.is_null() {
            whole.insert("webhook".to_owned(), webhook);
        }
        Value::Object(whole)
    }
}

impl Draft {
    fn read(text: &str) -> Result<Self, NotADocument> {
        let members: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| NotADocument(error.to_string()))?;
        if !members.contains_key("configuration") {
            let (configuration, hooks, webhook) = (text.to_owned(), Map::new(), Value::Null);
            return Ok(Self { configuration, hooks, webhook });
        }
        let Whole { configuration, hooks, webhook } =
            serde_json::from_str(text).map_err(|error| NotADocument(error.to_string()))?;
        Ok(Self { configuration: configuration.get().to_owned(), hooks, webhook })
    }
}

/// A key of one configuration that leads elsewhere in the other.
fn departure(one: &Value, other: &Value) -> Option<String> {
    let (one, other) = (one.as_object()?, other.as_object()?);
    let keys = one.keys().chain(other.keys());
    let mut relevant = keys.filter(|key| !MESSAGE_KEYS.contains(&key.as_str()));
    relevant.find(|key| one.get(*key) != other.get(*key)).cloned()
}

/// Replaces the texts of secrets by marks.
fn conceal(value: &mut Value, secret: bool) {
    match value {
        Value::String(text) if secret => MARK.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| conceal(item, secret)),
        Value::Object(members) => {
            for (key, value) in members {
                conceal(value, secret || key == HOOK_SECRETS);
            }
        }
        _ => {}
    }
}

/// Replaces marks by the secrets that stood there; whether there was one. A text that is no mark by
/// itself, such as a URL with one in it, is one where it is the whole text with marks.
fn restore(value: &mut Value, marked: &Value, secret: &Value) -> bool {
    match (value, marked, secret) {
        (Value::String(text), Value::String(mark), Value::String(secret)) => {
            let is_mark = text == mark && mark != secret;
            if is_mark {
                secret.clone_into(text);
            }
            is_mark
        }
        (Value::Array(items), Value::Array(marked), Value::Array(secret)) => {
            let places = items.iter_mut().zip(marked).zip(secret);
            places.fold(false, |found, ((item, marked), secret)| {
                restore(item, marked, secret) || found
            })
        }
        (Value::Object(members), Value::Object(marked), Value::Object(secret)) => {
            members.iter_mut().fold(false, |found, (key, value)| {
                let before = marked.get(key).zip(secret.get(key));
                before.is_some_and(|(marked, secret)| restore(value, marked, secret)) || found
            })
        }
        _ => false,
    }
}

impl fmt::Display for NotADocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotADocument {}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = r#"{"configuration":{"host":"a.test","auth":{"user":"u","pass":"hunter2"},
        "templates":[1]},"hooks":{"logto":{"secrets":["Bearer 3f0c6f9d2b1e4a58"]}},
        "webhook":{"url":"https://a.test/h","secrets":["whsec_MDEyMzQ1Njc4OWFiY2RlZg=="]}}"#;
    const QUOTABLE: &str = r#"{"host":"a.test","auth":{"user":"u","pass":"***"},"templates":[1]}"#;

    fn restored(configuration: &str) -> Result<Document, NotADocument> {
        let before = Document::read(BEFORE).expect("a document");
        let text = format!(
            r#"{{"configuration":{configuration},"hooks":{{"logto":{{"secrets":["***"]}}}}}}"#
        );
        Document::read_over(&before, QUOTABLE, &text)
    }

    #[test]
    fn a_configuration_is_a_document_by_itself() {
        let document = Document::read(r#"{"host":"a.test"}"#).expect("a document");
        assert_eq!(document.configuration(), r#"{"host":"a.test"}"#);
        for text in ["", "[]", r#"{"configuration":{},"hook":{}}"#] {
            assert!(Document::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_are_shown_as_marks_and_marks_keep_them() {
        let before = Document::read(BEFORE).expect("a document");
        let shown = before.concealed(QUOTABLE).to_string();
        assert!(["hunter2", "3f0c", "MDEy"].iter().all(|it| !shown.contains(it)), "{shown}");
        let kept =
            restored(r#"{"host":"a.test","auth":{"user":"u","pass":"***"},"templates":[2]}"#);
        let kept = kept.expect("the same server");
        assert!(kept.configuration().contains("hunter2") && kept.configuration().contains("[2]"));
        assert_eq!(kept.hooks_written["logto"]["secrets"][0], "Bearer 3f0c6f9d2b1e4a58");
    }

    #[test]
    fn a_mark_keeps_the_secret_of_a_webhook_in_its_place() {
        let before = Document::read(BEFORE).expect("a document");
        let over = |url: &str| {
            let configuration = QUOTABLE;
            let webhook = format!(r#"{{"url":"{url}","secrets":["***"]}}"#);
            let text = format!(r#"{{"configuration":{configuration},"webhook":{webhook}}}"#);
            Document::read_over(&before, QUOTABLE, &text)
        };
        let kept = over("https://a.test/h").expect("the same place");
        assert_eq!(kept.webhook_written["secrets"][0], "whsec_MDEyMzQ1Njc4OWFiY2RlZg==");
        assert!(over("https://b.test/h").is_err());
    }

    #[test]
    fn a_mark_is_of_no_use_for_another_server_or_user() {
        for configuration in [
            r#"{"host":"b.test","auth":{"user":"u","pass":"***"}}"#,
            r#"{"host":"a.test","auth":{"user":"v","pass":"***"}}"#,
            r#"{"host":"a.test","port":26,"auth":{"user":"u","pass":"***"}}"#,
            r#"{"auth":{"user":"u","pass":"***"}}"#,
        ] {
            assert!(restored(configuration).is_err(), "{configuration}");
        }
        let anew = restored(r#"{"host":"b.test","auth":{"user":"u","pass":"other"}}"#);
        assert!(anew.expect("a secret of its own").configuration().contains("other"));
    }
}
