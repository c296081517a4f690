//! Tests of the descriptor.

use serde_json::Value;

use super::*;
use crate::config::Object;
use crate::config::templates::{self, Template};
use crate::findings::Findings;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("valid JSON")
}

fn templates(configuration: &str) -> Vec<Template> {
    let (document, mut findings) = (parsed(configuration), Findings::default());
    let mut root = Object::read(&document, "", &mut findings).expect("an object");
    let templates = templates::read(&mut root, &mut findings);
    assert_eq!(findings.into_vec(), []);
    templates
}

#[test]
fn data_files_are_json_objects() {
    let descriptor = describe();
    assert!(parsed(&descriptor.configuration_schema).is_object());
    for example in &descriptor.examples {
        assert!(parsed(&example.configuration).is_object(), "{}", example.id);
    }
}

#[test]
fn the_templates_of_examples_lint_clean() {
    for example in describe().examples {
        let templates = templates(&example.configuration);
        let mut findings = Findings::default();
        crate::template::lint(&templates, &mut findings);
        assert_eq!(findings.into_vec(), [], "{}", example.id);
    }
}

#[test]
fn defaults_and_conditions_of_the_form_are_json() {
    let items = describe().form_items;
    for item in &items {
        item.default_value.as_deref().map(parsed);
        for condition in &item.show_conditions {
            parsed(&condition.expected_value);
            assert!(
                items.iter().any(|other| other.key == condition.target_key),
                "{}",
                condition.target_key
            );
        }
    }
    let without_default =
        |key: &str| items.iter().any(|item| item.key == key && item.default_value.is_none());
    assert!(without_default("secure") && without_default("connectionTimeout"));
    assert!(items.iter().any(|item| item.key == "auth" && item.confidential));
}

#[test]
fn the_demo_shows_every_type_in_both_forms() {
    assert_eq!(templates(include_str!("../../data/examples/demo.json")).len(), 18);
}

#[test]
fn logos_are_data_urls() {
    let descriptor = describe();
    for logo in [descriptor.logo, descriptor.logo_dark].into_iter().flatten() {
        assert!(logo.starts_with("data:image/svg+xml,%3Csvg%20xmlns='http"), "{logo}");
        assert!(!logo.contains(['"', '<', '#', '\n']), "{logo}");
    }
}
