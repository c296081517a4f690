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

/// A program as the check writes it.
static WRITTEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let configuration = serde_json::json!({
        "host": "smtp.example.com", "fromEmail": "a@example.com", "templates": templates(),
    });
    config::check(&configuration.to_string()).outcome.expect("it is sound").program
});

/// The program of an input: behind an `=`, one that begins as every program does, with its first
/// line; else the one that was written, with an octet in another's place for every three of the
/// input, which say where and what.
fn program(input: &[u8]) -> Vec<u8> {
    if let Some(rest) = input.strip_prefix(b"=") {
        let first = WRITTEN.split_inclusive(|octet| *octet == b'\n').next().unwrap_or_default();
        return [first, rest].concat();
    }
    let mut program = WRITTEN.clone();
    for change in input.chunks_exact(3) {
        let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % program.len();
        program[place] = change[2];
    }
    program
}

fuzz_target!(|input: &[u8]| {
    let Ok(composer) = Composer::open(program(input)) else { return };
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
