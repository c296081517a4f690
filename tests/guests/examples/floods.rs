//! Returns more than anyone can want: one huge text, or a great many small values.
//!
//! Markers: `flood-with-text` and `flood-with-diagnostics` in the configuration; `flood-with-text`
//! and `flood-with-headers` in the payload.

use smtp_connector_test_guests::connector::Report;
use smtp_connector_test_guests::messages::{ComposeError, HeaderField, Message, Request};
use smtp_connector_test_guests::{Behaviour, component, message, plan, report_with, warning};

/// Within the memory of an instance, far above any reasonable result.
const HUGE: usize = 64 << 20;

/// Each value is small; together they are not, above all not as values of the host.
const MANY: usize = 1_000_000;

struct Floods;

impl Behaviour for Floods {
    fn check(configuration: &str) -> Report {
        let diagnostics = if configuration.contains("flood-with-text") {
            vec![warning("", "x".repeat(HUGE))]
        } else if configuration.contains("flood-with-diagnostics") {
            (0..MANY).map(|_| warning("", String::new())).collect()
        } else {
            Vec::new()
        };
        report_with(diagnostics, configuration, plan(configuration))
    }

    fn compose(configuration: &str, request: Request) -> Result<Message, ComposeError> {
        let mut message = message(configuration, &request);
        if request.payload.contains("flood-with-text") {
            message.text = Some("x".repeat(HUGE));
        } else if request.payload.contains("flood-with-headers") {
            let field = HeaderField { name: "X".to_owned(), value: String::new() };
            message.headers = vec![field; MANY];
        }
        Ok(message)
    }
}

component!(Floods);
