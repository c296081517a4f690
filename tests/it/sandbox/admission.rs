//! What is no connector of this contract, or reaches for more than it may, is refused when it is
//! loaded, before any of it runs.

use smtp_connector::ErrorKind;
use smtp_connector_tests::guests::Guest;
use tokio::time::timeout;

use crate::helpers::tenant::{PATIENCE, engine};

#[tokio::test]
async fn what_reaches_out_is_refused_by_name_when_it_is_loaded() {
    let message = check_refused(&Guest::ImportsSockets.bytes()).await;
    assert!(message.starts_with("the component imports `wasi:sockets/"), "{message}");
    assert!(message.contains("`wasi:sockets/tcp@0.2"), "{message}");
    assert!(message.ends_with(", which the sandbox does not offer"), "{message}");
    for inert in ["wasi:cli/", "wasi:io/", "wasi:clocks/", "wasi:filesystem/", "wasi:random/"] {
        assert!(!message.contains(inert), "{message}");
    }
}

#[tokio::test]
async fn another_version_of_the_contract_is_refused_naming_both() {
    for (guest, version) in
        [(Guest::WrongMajorVersion, "9.0.0"), (Guest::WrongMinorVersion, "0.1.0")]
    {
        let message = check_refused(&guest.bytes()).await;
        let expected = format!(
            "the component is built for version {version} of the contract; this host speaks 0.2.0"
        );
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn what_is_no_connector_is_refused_and_the_message_says_what_it_is() {
    let core_module = b"\0asm\x01\0\0\0".as_slice();
    let not_a_connector = Guest::NotAConnector.bytes();
    let large = vec![0; (32 << 20) + 1];
    let truncated = Guest::Echo.bytes();
    let rows: [(&[u8], &str); 7] = [
        (
            &not_a_connector,
            "the component is no mail connector: it does not export \
            `smtp-connector:contract/connector@0.2.0`",
        ),
        (core_module, "this is a core WebAssembly module, not a component"),
        (b"", "this is no WebAssembly component"),
        (b"(component)", "this is no WebAssembly component"),
        (b"\x7fELF\x02\x01\x01\0", "this is no WebAssembly component"),
        (&truncated[..truncated.len() / 2], "this is not a sound component: "),
        (&large, "the component has more than 33554432 bytes"),
    ];
    for (bytes, expected) in rows {
        let message = check_refused(bytes).await;
        assert!(message.starts_with(expected), "{message}");
    }
}

#[tokio::test]
async fn a_component_file_that_cannot_be_read_is_an_error_of_the_input() {
    let error =
        engine().load_file("/nowhere/connector.wasm").await.expect_err("there is no such file");
    assert_eq!(error.kind(), ErrorKind::Input);
    assert!(
        error.to_string().starts_with("cannot read the component `/nowhere/connector.wasm`: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_component_file_without_end_is_not_read_to_its_end() {
    let loading = timeout(PATIENCE, engine().load_file("/dev/zero")).await.expect("the call ends");
    let error = loading.expect_err("it is too large");
    assert_eq!(error.kind(), ErrorKind::Component);
    assert_eq!(error.to_string(), "the component has more than 33554432 bytes");
}

/// Loading fails and blames the component; the message.
async fn check_refused(bytes: &[u8]) -> String {
    let error = engine().load(bytes).await.expect_err("the component is refused");
    assert_eq!(error.kind(), ErrorKind::Component, "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    error.to_string()
}
