//! What a connector is made of: a configuration as it is, or an object with a configuration and
//! what the service is to know beside it.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use smtp_connector::locate;
use zeroize::Zeroizing;

use super::Name;
use super::component::ComponentDigest;
use super::webhook::Webhook;
use crate::hooks::Hooks;
use crate::json::{self, Misread};

/// What stands in the place of a secret.
const MARK: &str = "***";

/// The keys of a configuration that change messages and not where secrets go.
const MESSAGE_KEYS: [&str; 5] = ["customHeaders", "fromEmail", "replyTo", "templates", "dkim"];

/// The member of a document that is the configuration, where it is not the whole of it.
const CONFIGURATION: &str = "configuration";

/// The member that names a component.
const COMPONENT: &str = "component";

/// The member that says who is told what became of messages.
const WEBHOOK: &str = "webhook";

/// The name of the members beside the configuration whose texts are secrets.
const HOOK_SECRETS: &str = "secrets";

/// The document of a connector.
#[derive(Clone)]
pub(crate) struct Document {
    text: String,
    configuration: String,
    hooks: Hooks,
    fallback: Vec<Name>,
    component: Option<ComponentDigest>,
    webhook: Option<Webhook>,
    /// The members beside the configuration as they were written.
    beside: Map<String, Value>,
}

/// A document as somebody wrote it, perhaps with marks in place of secrets.
struct Draft {
    configuration: String,
    beside: Map<String, Value>,
}

/// A document with a configuration and more.
#[derive(Deserialize)]
struct Whole<'t> {
    #[serde(borrow)]
    configuration: &'t RawValue,
}

/// What stands beside the configuration.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Beside {
    hooks: Map<String, Value>,
    fallback: Vec<String>,
    component: Option<String>,
    webhook: Option<Value>,
}

impl Document {
    /// Reads the document of the connector `name`: an object with the member `configuration`, or a
    /// configuration itself.
    ///
    /// # Errors
    ///
    /// Fails where the text is no JSON object, or has members beside `configuration` that are
    /// unknown or of no use. A configuration itself is not judged.
    pub(crate) fn read(name: &str, text: &str) -> Result<Self, Misread> {
        let Draft { configuration, beside } = Draft::read(text)?;
        let read: Beside = json::read_value(Value::Object(beside.clone()))?;
        let hooks = Hooks::try_from(read.hooks)
            .map_err(|error| Misread::Shape(format!("`hooks`: {error}")))?;
        let fallback = fallback(name, read.fallback)?;
        let component = read.component.as_deref().map(component).transpose()?;
        let webhook = read.webhook.map(Webhook::read).transpose();
        let webhook =
            webhook.map_err(|problem| Misread::Shape(format!("`{WEBHOOK}`: {problem}")))?;
        let text = text.to_owned();
        Ok(Self { text, configuration, hooks, fallback, component, webhook, beside })
    }

    /// Reads a document of the connector `name` in which marks may stand for the secrets of the one
    /// before, whose configuration with marks `quotable` is.
    ///
    /// # Errors
    ///
    /// As [`Document::read`]; and where a mark stands in a configuration that leads elsewhere than
    /// the one before: its secrets would go to somebody whom they were not given for.
    pub(crate) fn read_over(
        name: &str,
        before: &Self,
        quotable: &str,
        text: &str,
    ) -> Result<Self, Misread> {
        let draft = Draft::read(text)?;
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let (marked, secret) = (read(quotable), read(&before.configuration));
        let mut configuration = read(&draft.configuration);
        let mut restored = restore(&mut configuration, &marked, &secret);
        let mut beside = draft.beside;
        let departed = match beside.get(COMPONENT) == before.beside.get(COMPONENT) {
            true => departure(&configuration, &secret),
            false => Some(COMPONENT.to_owned()),
        };
        if restored && let Some(key) = departed {
            return Err(changed(&key));
        }
        let (marked, secret) = (marked_beside(&before.beside), &before.beside);
        for (key, value) in &mut beside {
            if let Some((marked, secret)) = marked.get(key).zip(secret.get(key)) {
                let is_restored = restore(value, marked, secret);
                if is_restored && key == WEBHOOK && value["url"] != secret["url"] {
                    return Err(changed("webhook.url"));
                }
                restored |= is_restored;
            }
        }
        if !restored {
            // Without a mark it stays as it was written.
            return Self::read(name, text);
        }
        Self::read(name, &whole(configuration, beside).to_string())
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

    /// The connectors through which mail goes that the relay of this one cannot take, best first.
    pub(crate) fn fallback(&self) -> &[Name] {
        &self.fallback
    }

    /// The document of the connector `name` with another refresh token; none where it has none.
    pub(crate) fn with_refresh_token(&self, name: &str, token: &str) -> Option<Self> {
        let mut text = self.text.clone();
        text.replace_range(self.refresh_token()?, &Value::from(token).to_string());
        Self::read(name, &text).ok()
    }

    /// The refresh token of a later document, where that differs in nothing else.
    pub(crate) fn replaced_token(&self, later: &Self) -> Option<Zeroizing<String>> {
        let (old, new) = (self.refresh_token()?, later.refresh_token()?);
        let is_rest_the_same = self.text[..old.start] == later.text[..new.start]
            && self.text[old.end..] == later.text[new.end..];
        let token = serde_json::from_str(&later.text[new]).ok().filter(|_| is_rest_the_same);
        token.map(Zeroizing::new)
    }

    /// Where its refresh token is.
    fn refresh_token(&self) -> Option<Range<usize>> {
        let is_bare = self.text.len() == self.configuration.len();
        let above = if is_bare { "" } else { "/configuration" };
        let place = locate(&self.text, &format!("{above}/auth/refreshToken"))?;
        self.text[place.clone()].starts_with('"').then_some(place)
    }

    /// The component that reads the configuration; none for the usual one.
    pub(crate) fn component(&self) -> Option<ComponentDigest> {
        self.component
    }

    /// The webhook that is told what became of its messages, if it has one.
    pub(crate) fn webhook(&self) -> Option<&Webhook> {
        self.webhook.as_ref()
    }

    /// The document with marks in place of its secrets. `quotable` is its configuration with marks.
    pub(crate) fn concealed(&self, quotable: &str) -> Value {
        let configuration = serde_json::from_str(quotable).unwrap_or_default();
        whole(configuration, marked_beside(&self.beside))
    }
}

impl Draft {
    fn read(text: &str) -> Result<Self, Misread> {
        let mut beside: Map<String, Value> = json::read(text.as_bytes())?;
        if beside.shift_remove(CONFIGURATION).is_none() {
            return Ok(Self { configuration: text.to_owned(), beside: Map::new() });
        }
        let Whole { configuration } = json::read(text.as_bytes())?;
        Ok(Self { configuration: configuration.get().to_owned(), beside })
    }
}

/// Why secrets cannot be kept where a member leads elsewhere by now.
fn changed(key: &str) -> Misread {
    Misread::Shape(format!(
        "`{key}` changed, so that the secrets marked `{MARK}` have to be given anew"
    ))
}

/// Reads the names of a connector's fallback.
fn fallback(own: &str, names: Vec<String>) -> Result<Vec<Name>, Misread> {
    let mut fallback: Vec<Name> = Vec::with_capacity(names.len());
    for name in names {
        let wrong = |problem: &str| Misread::Shape(format!("`fallback`: `{name}` {problem}"));
        let read: Name =
            name.parse().map_err(|problem| wrong(&format!("is no name: {problem}")))?;
        if name == own {
            return Err(wrong("is the connector itself; name others"));
        }
        if fallback.contains(&read) {
            return Err(wrong("is named twice; name each connector once"));
        }
        fallback.push(read);
    }
    Ok(fallback)
}

/// Reads the name of a connector's component.
fn component(name: &str) -> Result<ComponentDigest, Misread> {
    name.parse().map_err(|problem| Misread::Shape(format!("`{COMPONENT}`: {problem}")))
}

/// A document of a configuration and what stands beside it.
fn whole(configuration: Value, beside: Map<String, Value>) -> Value {
    let configuration = (CONFIGURATION.to_owned(), configuration);
    Value::Object(std::iter::once(configuration).chain(beside).collect())
}

/// What stands beside a configuration, with marks in place of secrets.
fn marked_beside(beside: &Map<String, Value>) -> Map<String, Value> {
    let mut marked = beside.clone();
    marked.values_mut().for_each(|value| conceal(value, false));
    marked
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

    fn restored(configuration: &str) -> Result<Document, Misread> {
        let before = Document::read("acme", BEFORE).expect("a document");
        let text = format!(
            r#"{{"configuration":{configuration},"hooks":{{"logto":{{"secrets":["***"]}}}}}}"#
        );
        Document::read_over("acme", &before, QUOTABLE, &text)
    }

    #[test]
    fn a_configuration_is_a_document_by_itself() {
        let document = Document::read("acme", r#"{"host":"a.test"}"#).expect("a document");
        assert_eq!(document.configuration(), r#"{"host":"a.test"}"#);
        for text in ["", "[]", r#"{"configuration":{},"hook":{}}"#] {
            assert!(Document::read("acme", text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_fallback_names_other_connectors_once_each() {
        let read = |fallback: &str| {
            let text = format!(r#"{{"configuration":{{}},"fallback":{fallback}}}"#);
            Document::read("acme", &text).map(|document| document.fallback().to_vec())
        };
        let named = read(r#"["b","c"]"#).expect("names");
        assert_eq!(named.iter().map(Name::as_str).collect::<Vec<_>>(), ["b", "c"]);
        for (fallback, expected) in [
            (r#"["acme"]"#, "`acme` is the connector itself"),
            (r#"["b","c","b"]"#, "`b` is named twice"),
            (r#"["b/c"]"#, "`b/c` is no name"),
            (r#""b""#, "expected a list"),
        ] {
            let error = read(fallback).expect_err(fallback).to_string();
            assert!(error.contains(expected), "{error}");
        }
        let shown = Document::read("acme", r#"{"configuration":{},"fallback":["b"]}"#);
        let shown = shown.expect("a document").concealed("{}");
        assert_eq!(shown.to_string(), r#"{"configuration":{},"fallback":["b"]}"#);
    }

    #[test]
    fn secrets_are_shown_as_marks_and_marks_keep_them() {
        let before = Document::read("acme", BEFORE).expect("a document");
        let shown = before.concealed(QUOTABLE).to_string();
        assert!(["hunter2", "3f0c", "MDEy"].iter().all(|it| !shown.contains(it)), "{shown}");
        let kept =
            restored(r#"{"host":"a.test","auth":{"user":"u","pass":"***"},"templates":[2]}"#);
        let kept = kept.expect("the same server");
        assert!(kept.configuration().contains("hunter2") && kept.configuration().contains("[2]"));
        assert_eq!(kept.beside["hooks"]["logto"]["secrets"][0], "Bearer 3f0c6f9d2b1e4a58");
    }

    #[test]
    fn a_refresh_token_is_replaced_in_its_place() {
        for text in [
            r#"{ "auth": {"user": "u", "refreshToken": "old" }, "host": "a.test" }"#,
            r#"{"configuration": {"auth": {"refreshToken": "old"}}, "fallback": ["b"]}"#,
        ] {
            let before = Document::read("acme", text).expect("a document");
            let after = before.with_refresh_token("acme", "n\"ew").expect("it has one");
            assert_eq!(after.text(), text.replace("old", "n\\\"ew"));
            let token = before.replaced_token(&after).expect("nothing else differs");
            assert_eq!(token.as_str(), "n\"ew");
            let other = after.text().replace("auth", "auth2");
            let other = Document::read("acme", &other).expect("a document");
            assert!(before.replaced_token(&other).is_none());
            assert!(other.with_refresh_token("acme", "new").is_none());
            let other = after.text().replace('}', " }");
            let other = Document::read("acme", &other).expect("a document");
            assert!(before.replaced_token(&other).is_none());
        }
    }

    #[test]
    fn a_mark_keeps_the_secret_of_a_webhook_in_its_place() {
        let before = Document::read("acme", BEFORE).expect("a document");
        let over = |url: &str| {
            let configuration = QUOTABLE;
            let webhook = format!(r#"{{"url":"{url}","secrets":["***"]}}"#);
            let text = format!(r#"{{"configuration":{configuration},"webhook":{webhook}}}"#);
            Document::read_over("acme", &before, QUOTABLE, &text)
        };
        let kept = over("https://a.test/h").expect("the same place");
        assert_eq!(kept.beside["webhook"]["secrets"][0], "whsec_MDEyMzQ1Njc4OWFiY2RlZg==");
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
        let before = Document::read("acme", BEFORE).expect("a document");
        let other =
            format!(r#"{{"configuration":{QUOTABLE},"component":"sha256:{}"}}"#, "0".repeat(64));
        assert!(Document::read_over("acme", &before, QUOTABLE, &other).is_err());
        let anew = restored(r#"{"host":"b.test","auth":{"user":"u","pass":"other"}}"#);
        assert!(anew.expect("a secret of its own").configuration().contains("other"));
    }
}
