//! A program is opened that no check wrote: it composes a message, or somebody says why not.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use smtp_connector_fuzz::templates;
use smtp_connector_guest::bindings::exports::smtp_connector::contract::messages::{
    Content, Request,
};
use smtp_connector_guest::compose::Composer;
use smtp_connector_guest::config;

/// How a program begins: its first line.
static BEGINNING: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let configuration = serde_json::json!({
        "host": "smtp.example.com", "fromEmail": "a@example.com", "templates": templates(),
    });
    let outcome = config::check(&configuration.to_string()).outcome.expect("it is sound");
    let first = outcome.program.split_inclusive(|octet| *octet == b'\n').next();
    first.expect("it begins").to_vec()
});

fuzz_target!(|rest: &[u8]| {
    let Ok(composer) = Composer::open([&BEGINNING, rest].concat()) else { return };
    for usage_type in ["Generic", "SignIn", ""] {
        let request = Request {
            usage_type: usage_type.to_owned(),
            payload: r#"{"code":"482913","user":{"name":"Jo"},"list":[1,2]}"#.to_owned(),
            locale: Some("fr-CA".to_owned()),
            content: Content::Configured,
        };
        // What is not found or cannot be rendered is said; that is all that is asked for.
        let _ = composer.compose(&request);
    }
});
