//! A configuration is checked: whatever it says, the guest finds words for it, and where it finds
//! no error there is a program that opens and composes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp_connector_guest::bindings::exports::smtp_connector::contract::messages::{
    ComposeError, Content, Request,
};
use smtp_connector_guest::compose::Composer;
use smtp_connector_guest::config;
use smtp_connector_guest::findings::Severity;

fuzz_target!(|text: &str| {
    let report = config::check(text);
    for finding in &report.diagnostics {
        assert!(finding.path.is_empty() || finding.path.starts_with('/'), "{finding:?}");
        assert!(!finding.message.is_empty(), "{finding:?}");
    }
    let is_wrong = report.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(report.outcome.is_none(), is_wrong, "{:?}", report.diagnostics);
    let Some(outcome) = report.outcome else { return };
    let composer = Composer::open(outcome.program).expect("a check writes what can be opened");
    let request = Request {
        usage_type: "Generic".to_owned(),
        payload: "{}".to_owned(),
        locale: None,
        content: Content::Configured,
    };
    match composer.compose(&request) {
        Ok(_) | Err(ComposeError::TooLarge(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
});
