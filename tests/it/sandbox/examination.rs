//! A component is examined before a platform admits it: what speaks against it is said in words,
//! and a sound one passes.

use std::fs;

use serde_json::Value;
use smtp_connector::{Engine, Examination};
use smtp_connector_tests::guests::Guest;

use crate::helpers::command::command;
use crate::helpers::tenant::tight;

async fn examine(bytes: &[u8]) -> Examination {
    let engine = Engine::builder().limits(tight()).build().expect("this machine runs WebAssembly");
    engine.examine(bytes).await
}

#[test]
fn the_bundled_component_passes_and_shows_what_it_costs() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("connector.wasm");
    fs::write(&file, smtp_connector_component::COMPONENT).expect("it can be written");
    let file = file.to_str().expect("a path in UTF-8");
    let outcome = command(["component", "check", file, "--json"]).run_blocking();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let examination = outcome.json();
    assert_eq!(examination["contract"], "0.2.0");
    assert_eq!(examination["refusals"], Value::Array(Vec::new()));
    let imports = examination["imports"].as_array().expect("a list");
    assert!(imports.iter().all(|import| import["tolerated"] == true), "{imports:?}");
    let examples = examination["examples"].as_array().expect("a list");
    assert!(examples.len() >= 6, "{examples:?}");
    for example in examples {
        assert_eq!(example["messages"], 9, "{example}");
        assert!(example["programBytes"].as_u64().is_some_and(|bytes| bytes > 100), "{example}");
    }
    assert!(examination["costs"]["freshUs"].as_f64().is_some_and(|cost| cost > 0.0));
    let outcome = command(["component", "check", file]).run_blocking();
    assert_eq!(outcome.code, Some(0));
    assert!(outcome.stdout.contains("passed    nothing speaks against"), "{}", outcome.stdout);
}

#[tokio::test]
async fn what_speaks_against_a_component_is_said() {
    for (guest, expected) in [
        (Guest::ImportsSockets, "the component imports `wasi:sockets/"),
        (Guest::WrongMinorVersion, "the component is built for version 0.1.0 of the contract"),
        (Guest::NotAConnector, "the component is no mail connector"),
        (Guest::Remembers, "it composes other messages in an instance that is kept"),
        (Guest::Echo, "the component breaks the contract: an endpoint's host"),
    ] {
        let examination = examine(&guest.bytes()).await;
        let refusals = &examination.refusals;
        assert!(refusals.iter().any(|why| why.starts_with(expected)), "{guest:?}: {refusals:?}");
        assert!(!examination.is_passed());
    }
    let imports = examine(&Guest::ImportsSockets.bytes()).await.imports;
    assert!(imports.iter().any(|import| import.name.starts_with("wasi:sockets/")));
    assert!(imports.iter().any(|import| import.tolerated) && imports.iter().any(|i| !i.tolerated));
}

#[test]
fn a_file_that_is_no_component_is_refused_and_a_missing_one_is_told() {
    // It has no end, and is not read to it.
    let outcome = command(["component", "check", "/dev/zero"]).run_blocking();
    assert_eq!(outcome.code, Some(70));
    assert!(outcome.stdout.contains("has more than 33554432 bytes"), "{}", outcome.stdout);
    let outcome = command(["component", "check", "/dev/null"]).run_blocking();
    assert_eq!(outcome.code, Some(70));
    assert!(outcome.stdout.contains("this is no WebAssembly component"), "{}", outcome.stdout);
    let outcome = command(["component", "check", "/nowhere", "--json"]).run_blocking();
    assert_eq!(outcome.code, Some(66));
    assert_eq!(outcome.json()["error"]["kind"], "input");
}
