//! The components describe themselves and pass the examination of a platform.

use std::time::Duration;

use serde_json::json;
use smtp_connector::{Engine, ErrorKind, Limits, Request};
use smtp_connector_tests::real::component;

use super::{Language, configuration};
use crate::helpers::tenant::{cache, engine};

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn each_component_describes_itself_and_passes_the_examination() {
    for (language, id) in [
        (Language::JavaScript, "example-javascript"),
        (Language::JavaScriptWithWasi, "example-javascript"),
        (Language::Python, "example-python"),
    ] {
        // Found in the cache by the examination.
        let connector = language.load().await;
        let bytes = std::fs::read(language.path()).expect("the component is built");
        let examination = engine().examine(&bytes).await;
        assert_eq!((&examination.refusals, &examination.remarks), (&vec![], &vec![]), "{id}");
        assert_eq!(examination.id.as_deref(), Some(id));
        let is_bare = !matches!(language, Language::JavaScriptWithWasi);
        assert_eq!(examination.imports.is_empty(), is_bare, "{:?}", examination.imports);
        assert!(examination.examples.iter().any(|example| example.messages > 0), "{id}");
        let descriptor = connector.descriptor();
        assert_eq!((&*descriptor.id, &*descriptor.target), (id, "smtp"));
        assert_eq!(descriptor.secret_pointers, ["/auth/pass"]);
        let schema = jsonschema::draft202012::new(&descriptor.configuration_schema)
            .unwrap_or_else(|error| panic!("{language:?}: {error}"));
        for example in &descriptor.examples {
            assert!(schema.is_valid(&example.configuration), "{language:?}: {}", example.id);
        }
    }
}

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn a_runtime_that_imports_sockets_is_refused_by_name_and_not_compiled() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let cache = folder.path().join("cache");
    let separate = Engine::builder().cache_directory(&cache).build();
    let separate = separate.expect("this machine runs WebAssembly");
    let error = separate.load_file(component("python-wasi")).await.expect_err("it imports sockets");
    assert_eq!(error.kind(), ErrorKind::Component);
    let message = error.to_string();
    assert!(message.starts_with("the component imports `wasi:sockets/"), "{message}");
    assert!(message.contains("`wasi:sockets/tcp@0.2"), "{message}");
    assert!(!message.contains("wasi:cli") && !message.contains("wasi:filesystem"), "{message}");
    assert!(!cache.exists(), "it was compiled");
}

#[tokio::test]
#[ignore = "needs the components; .ci/run builds them"]
async fn the_limits_that_the_page_names_suffice() {
    for (language, memory, time) in
        [(Language::JavaScript, 32 << 20, 1), (Language::Python, 64 << 20, 2)]
    {
        // Compiled once for all tests.
        language.load().await;
        let mut limits = Limits::default();
        (limits.memory_bytes, limits.time) = (memory, Duration::from_secs(time));
        let engine = Engine::builder().limits(limits).cache_directory(cache()).build();
        let engine = engine.expect("this machine runs WebAssembly");
        let connector = engine.load_file(language.path()).await.expect("it is admitted");
        let mailer = connector.configure(&configuration().to_string()).await.expect("it is sound");
        let payload = json!({ "link": "x".repeat(100_000) });
        let request = Request::new("Generic", "user@example.com").payload(payload);
        let message = mailer.compose(&request).await.expect("it is composed");
        assert_eq!(message.text.map(|text| text.len()), Some(100_000), "{language:?}");
    }
}
