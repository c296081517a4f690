//! Writes messages as another author and to another recipient than it should: those that the
//! payload names by `author` and `recipient`.

use smtp_connector_test_guests::messages::{ComposeError, Mailbox, Message, Request};
use smtp_connector_test_guests::{Behaviour, component, message, text_at};

struct Forges;

impl Behaviour for Forges {
    fn compose(configuration: &str, request: Request) -> Result<Message, ComposeError> {
        let mut message = message(configuration, &request);
        let named = |pointer| {
            let address = text_at(&request.payload, pointer);
            (!address.is_empty()).then_some(Mailbox { name: None, address })
        };
        message.sender = named("/author").unwrap_or(message.sender);
        message.to = named("/recipient").unwrap_or(message.to);
        Ok(message)
    }
}

component!(Forges);
