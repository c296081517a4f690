//! Returns messages that would add SMTP commands, header fields or recipients if the host wrote
//! them as they are.
//!
//! The payload's text says where: `inject-subject`, `inject-header-name`, `inject-header-value`,
//! `inject-reserved-header`, `inject-display-name`, `inject-sender`, `inject-reply-to`,
//! `inject-body`.

use smtp_connector_test_guests::messages::{ComposeError, HeaderField, Mailbox, Message, Request};
use smtp_connector_test_guests::{Behaviour, component, message};

struct Injects;

impl Behaviour for Injects {
    fn compose(configuration: &str, request: Request) -> Result<Message, ComposeError> {
        let mut message = message(configuration, &request);
        let header = |name: &str, value: &str| HeaderField {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let address = |address: &str| Mailbox { name: None, address: address.to_owned() };
        let place =
            request.payload.split('"').find(|text| text.starts_with("inject-")).unwrap_or_default();
        match place {
            "inject-subject" => message.subject = "hello\r\nBcc: victim@example.com".to_owned(),
            "inject-header-name" => {
                message.headers = vec![header("X-A: 1\r\nBcc", "victim@example.com")]
            }
            "inject-header-value" => {
                message.headers = vec![header("X-A", "1\r\nBcc: victim@example.com")]
            }
            "inject-reserved-header" => message.headers = vec![header("Bcc", "victim@example.com")],
            "inject-display-name" => {
                message.sender.name = Some("Jo\r\nBcc: victim@example.com".to_owned())
            }
            "inject-sender" => {
                message.sender = address("a@example.com>\r\nRCPT TO:<victim@example.com")
            }
            "inject-reply-to" => {
                message.reply_to = vec![address("a@example.com\nBcc: victim@example.com")]
            }
            "inject-body" => {
                message.text = Some("end\r\n.\r\nMAIL FROM:<a@example.com>\r\n\r.\n.\r".to_owned())
            }
            _ => {}
        }
        Ok(message)
    }
}

component!(Injects);
