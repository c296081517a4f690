//! Documents for property tests: of any shape, with names and values that configurations have, and
//! others.

use proptest::prelude::*;
use serde_json::Value;

/// Any JSON object of a few levels.
pub(super) fn document() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "auth",
            "pass",
            "user",
            "tls",
            "key",
            "dkim",
            "privateKey",
            "a/b",
            "~x",
            "ünï",
            "",
            "accessToken",
            "proxy",
            "url",
            "templates",
            "customHeaders",
            "client_secret",
            "host",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        "S3cr3t-[0-9a-z]{8}".prop_map(Value::from),
    ];
    let value = scalar.prop_recursive(4, 40, 6, {
        let name = name.clone();
        move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                object(name.clone(), inner),
            ]
        }
    });
    object(name, value)
}

fn object(
    name: impl Strategy<Value = String>,
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    prop::collection::vec((name, value), 0..6)
        .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into())
}

/// Every value of a document with its pointer, in order.
pub(super) fn places(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let mut found = Vec::new();
    visit(String::new(), document, &mut found);
    found.into_iter()
}

fn visit<'v>(pointer: String, value: &'v Value, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                visit(format!("{pointer}/{}", super::locate::escape(name)), member, found);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                visit(format!("{pointer}/{index}"), element, found);
            }
        }
        _ => {}
    }
    found.push((pointer, value));
}
