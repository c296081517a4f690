//! What a component says of itself: name, form, schema, examples.

use serde::{Serialize, Serializer};

/// What a component says of itself.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Descriptor {
    /// The identifier under which a platform knows the connector.
    pub id: String,
    /// The short name of what it connects to.
    pub target: String,
    /// Its name by language, the default first.
    #[serde(rename = "name", serialize_with = "by_language")]
    pub names: Vec<LocalizedText>,
    /// Its description by language, the default first.
    #[serde(rename = "description", serialize_with = "by_language")]
    pub descriptions: Vec<LocalizedText>,
    /// A logo as a data URL.
    pub logo: Option<String>,
    /// The logo for a dark background, as a data URL.
    pub logo_dark: Option<String>,
    /// The form for a configuration.
    pub form_items: Vec<FormItem>,
    /// Where secrets stand: JSON Pointers in which `*` stands for any member or element.
    pub secret_pointers: Vec<String>,
    /// Ready configurations.
    pub examples: Vec<Example>,
    /// The JSON Schema of the configuration.
    pub configuration_schema: serde_json::Value,
}

/// A configuration to begin with.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Example {
    /// A short name, such as `gmail`.
    pub id: String,
    /// What it is for.
    pub title: String,
    /// The configuration.
    pub configuration: serde_json::Value,
}

/// A text in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalizedText {
    /// The language tag.
    pub language: String,
    /// The text.
    pub text: String,
}

/// One item of the form for a configuration.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FormItem {
    /// The top-level key that the item sets.
    pub key: String,
    /// The input that suits it.
    #[serde(rename = "type")]
    pub kind: FormItemKind,
    /// What the form calls it.
    pub label: String,
    /// An example that the empty input shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<String>,
    /// A longer explanation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// An explanation behind a question mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tooltip: Option<String>,
    /// Whether a configuration needs it.
    pub required: bool,
    /// The value that the form begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_value: Option<serde_json::Value>,
    /// The choices, as value and title.
    #[serde(
        rename = "selectItems",
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "choices"
    )]
    pub options: Vec<(String, String)>,
    /// When the item is shown: the key that decides and the value it must have.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "conditions")]
    pub show_conditions: Vec<(String, serde_json::Value)>,
    /// Whether the value is, or holds, a secret.
    #[serde(rename = "isConfidential", skip_serializing_if = "std::ops::Not::not")]
    pub confidential: bool,
}

/// The input that suits a form item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum FormItemKind {
    /// A JSON value.
    Json,
    /// Some of several values.
    MultiSelect,
    /// Several lines of text.
    MultilineText,
    /// A number.
    Number,
    /// One of several values.
    Select,
    /// Yes or no.
    Switch,
    /// One line of text.
    Text,
}

fn by_language<S: Serializer>(texts: &[LocalizedText], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(texts.iter().map(|text| (&text.language, &text.text)))
}

fn choices<S: Serializer>(options: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Choice<'a> {
        value: &'a str,
        title: &'a str,
    }
    serializer.collect_seq(options.iter().map(|(value, title)| Choice { value, title }))
}

fn conditions<S: Serializer>(
    conditions: &[(String, serde_json::Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Condition<'a> {
        target_key: &'a str,
        expect_value: &'a serde_json::Value,
    }
    serializer.collect_seq(
        conditions.iter().map(|(target_key, expect_value)| Condition { target_key, expect_value }),
    )
}
