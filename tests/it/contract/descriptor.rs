//! The bundled component keeps what its descriptor says: the examples, the form, the schema, the
//! secrets.

use std::collections::HashSet;

use serde_json::{Value, json};
use smtp_connector::{FormItemKind, Options};
use smtp_connector_tests::guests::Guest;

use crate::helpers::tenant::{bundled, configuration, engine};

/// A secret that is nowhere else in an example.
const SECRET: &str = "n33dle-Zq7x-Wv";

#[tokio::test]
async fn every_example_is_clean_and_has_a_plan() {
    let connector = bundled().await;
    let ids: Vec<_> =
        connector.descriptor().examples.iter().map(|example| example.id.as_str()).collect();
    for id in ["gmail", "gmail-oauth2", "sendgrid", "aliyun", "outlook365", "all"] {
        assert!(ids.contains(&id), "{id} is not in {ids:?}");
    }
    for example in &connector.descriptor().examples {
        let check = connector.check(&example.configuration.to_string(), &Options::default()).await;
        let check = check.expect("the component works");
        assert_eq!(check.diagnostics, [], "{}", example.id);
        assert!(check.plan.is_some(), "{}", example.id);
        assert!(!example.title.is_empty() && example.title != example.id);
    }
}

#[tokio::test]
async fn the_plans_of_the_examples_lead_where_they_say() {
    let connector = bundled().await;
    let rows = [
        ("gmail", "smtp.gmail.com", 465, "implicit", "password"),
        ("gmail-oauth2", "smtp.gmail.com", 465, "implicit", "oauth2-refresh"),
        ("sendgrid", "smtp.sendgrid.net", 587, "required-starttls", "password"),
        ("aliyun", "smtpdm.aliyun.com", 465, "implicit", "password"),
        ("outlook365", "smtp.office365.com", 587, "required-starttls", "oauth2-client-credentials"),
        ("all", "smtp.example.com", 587, "required-starttls", "password"),
    ];
    for (id, host, port, tls, auth) in rows {
        let examples = &connector.descriptor().examples;
        let example =
            examples.iter().find(|example| example.id == id).expect("the example is there");
        let check = connector.check(&example.configuration.to_string(), &Options::default()).await;
        let plan = json!(check.expect("the component works"))["transport"].take();
        let found = (&plan["host"], &plan["port"], &plan["tls"], &plan["auth"]);
        assert_eq!(found, (&json!(host), &json!(port), &json!(tls), &json!(auth)), "{id}");
    }
}

#[tokio::test]
async fn every_key_of_the_form_is_known_to_the_check_and_to_the_schema() {
    let connector = bundled().await;
    let descriptor = connector.descriptor();
    let known = schema_keys(&descriptor.configuration_schema);
    let mut seen = HashSet::new();
    for item in &descriptor.form_items {
        let key = item.key.as_str();
        assert!(seen.insert(key), "{key} is there twice");
        assert!(known.contains(key), "{key} is not in the schema");
        let mut configuration = configuration(587);
        configuration[key] = Value::Null;
        let check = connector.check(&configuration.to_string(), &Options::default()).await;
        for finding in check.expect("the component works").diagnostics {
            assert_ne!(finding.code, "unknown-key", "{key}: {}", finding.message);
        }
        for (target, _) in &item.show_conditions {
            assert!(
                descriptor.form_items.iter().any(|item| item.key == *target),
                "{key} waits for {target}"
            );
        }
        let chooses = matches!(item.kind, FormItemKind::Select | FormItemKind::MultiSelect);
        assert_eq!(chooses, !item.options.is_empty(), "{key}");
    }
    for required in ["fromEmail", "templates"] {
        assert!(
            descriptor.form_items.iter().any(|item| item.key == required && item.required),
            "{required}"
        );
    }
}

#[tokio::test]
async fn every_default_of_the_form_makes_a_sound_configuration() {
    let connector = bundled().await;
    let mut configuration = configuration(587);
    for item in &connector.descriptor().form_items {
        if let Some(default) = &item.default_value {
            configuration[&item.key] = default.clone();
        }
    }
    let check = connector.check(&configuration.to_string(), &Options::default()).await;
    let check = check.expect("the component works");
    assert!(check.is_ok(), "{:?}", check.diagnostics);
}

#[tokio::test]
async fn the_declared_secrets_are_what_a_report_withholds() {
    let connector = bundled().await;
    for pointer in &connector.descriptor().secret_pointers {
        let value = match pointer.as_str() {
            "/proxy" => format!("socks5://jo:{SECRET}@proxy.example"),
            "/url" => format!("smtps://jo:{SECRET}@mx.example"),
            _ => SECRET.to_owned(),
        };
        let document = at(pointer, json!(value)).to_string();
        let quotable = connector.quotable(&document, &[]);
        assert!(document.contains(SECRET) && !quotable.contains(SECRET), "{pointer}: {quotable}");
        assert!(quotable.contains("\"***\""), "{pointer}: {quotable}");
    }
}

#[tokio::test]
async fn the_descriptor_speaks_every_language_of_its_platform() {
    let connector = bundled().await;
    let descriptor = connector.descriptor();
    assert_eq!(
        (descriptor.id.as_str(), descriptor.target.as_str()),
        ("simple-mail-transfer-protocol", "smtp")
    );
    for texts in [&descriptor.names, &descriptor.descriptions] {
        assert_eq!(texts.first().map(|text| text.language.as_str()), Some("en"));
        let languages: HashSet<_> = texts.iter().map(|text| text.language.as_str()).collect();
        assert_eq!(languages.len(), texts.len());
        assert!(languages.contains("zh-CN") && texts.iter().all(|text| !text.text.is_empty()));
    }
    for logo in [&descriptor.logo, &descriptor.logo_dark] {
        assert!(
            logo.as_deref().is_some_and(|logo| logo.starts_with("data:image/svg+xml,")),
            "{logo:?}"
        );
    }
}

#[tokio::test]
async fn a_small_component_of_the_same_world_takes_the_place_of_the_bundled_one() {
    let connector = engine().load(&Guest::Echo.bytes()).await.expect("the component is admitted");
    assert_eq!(connector.descriptor().id, "echo");
    let check = connector.check(&configuration(2525).to_string(), &Options::default()).await;
    let plan = json!(check.expect("the component works"))["transport"].take();
    assert_eq!((&plan["host"], &plan["port"]), (&json!("127.0.0.1"), &json!(2525)));
}

/// The names of all members that the schema describes at the top level.
fn schema_keys(schema: &Value) -> HashSet<&str> {
    let places = ["/properties", "/$defs/transport/properties"];
    let objects = places.iter().filter_map(|place| schema.pointer(place)?.as_object());
    objects.flat_map(|object| object.keys().map(String::as_str)).collect()
}

/// A document with a value at a pointer, in which `*` is the first element.
fn at(pointer: &str, value: Value) -> Value {
    pointer.split('/').skip(1).collect::<Vec<_>>().into_iter().rev().fold(value, |inner, token| {
        match token {
            "*" => json!([inner]),
            token => json!({ token: inner }),
        }
    })
}
