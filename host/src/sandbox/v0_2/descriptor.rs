//! A component's descriptor.

use super::bindings::exports::smtp_connector::contract::description;
use super::breach;
use crate::descriptor::{Descriptor, Example, FormItem, FormItemKind, LocalizedText};
use crate::error::Result;

/// The descriptor, its JSON parsed.
pub(super) fn descriptor(descriptor: description::Descriptor) -> Result<Descriptor> {
    let json = |what: &str, text: &str| {
        serde_json::from_str(text)
            .map_err(|error| breach(format!("{what} is not valid JSON: {error}")))
    };
    let texts = |texts: Vec<description::LocalizedText>| {
        texts
            .into_iter()
            .map(|text| LocalizedText { language: text.language, text: text.text })
            .collect()
    };
    let example = |example: description::Example| {
        let configuration = json(&format!("the example `{}`", example.id), &example.configuration)?;
        Ok(Example { id: example.id, title: example.title, configuration })
    };
    Ok(Descriptor {
        id: descriptor.id,
        target: descriptor.target,
        names: texts(descriptor.names),
        descriptions: texts(descriptor.descriptions),
        logo: descriptor.logo,
        logo_dark: descriptor.logo_dark,
        configuration_schema: json("the configuration's schema", &descriptor.configuration_schema)?,
        form_items: descriptor
            .form_items
            .into_iter()
            .map(|item| form_item(item, json))
            .collect::<Result<_>>()?,
        examples: descriptor.examples.into_iter().map(example).collect::<Result<_>>()?,
        secret_pointers: descriptor.secret_pointers,
    })
}

fn form_item(
    item: description::FormItem,
    json: impl Fn(&str, &str) -> Result<serde_json::Value>,
) -> Result<FormItem> {
    let condition = |condition: description::FormCondition| {
        Ok((condition.target_key, json("a form item's condition", &condition.expected_value)?))
    };
    Ok(FormItem {
        key: item.key,
        kind: match item.kind {
            description::FormItemKind::Text => FormItemKind::Text,
            description::FormItemKind::Number => FormItemKind::Number,
            description::FormItemKind::MultilineText => FormItemKind::MultilineText,
            description::FormItemKind::Switch => FormItemKind::Switch,
            description::FormItemKind::Select => FormItemKind::Select,
            description::FormItemKind::MultiSelect => FormItemKind::MultiSelect,
            description::FormItemKind::Json => FormItemKind::Json,
        },
        label: item.label,
        placeholder: item.placeholder,
        description: item.description,
        tooltip: item.tooltip,
        required: item.required,
        default_value: match item.default_value {
            Some(text) => Some(json("a form item's default", &text)?),
            None => None,
        },
        options: item.options.into_iter().map(|option| (option.value, option.title)).collect(),
        show_conditions: item.show_conditions.into_iter().map(condition).collect::<Result<_>>()?,
        confidential: item.confidential,
    })
}
