//! Writes messages as another author than it should: the one that the payload names by `author`. It
//! would write to another recipient as well, and has nothing to say it with.

use smtp_connector_test_guests::messages::{ComposeError, Mailbox, Message, Request};
use smtp_connector_test_guests::{Behaviour, component, message, text_at};

struct Forges;

impl Behaviour for Forges {
    fn compose(configuration: &str, request: Request) -> Result<Message, ComposeError> {
        let mut message = message(configuration, &request);
        let address = text_at(&request.payload, "/author");
        if !address.is_empty() {
            message.sender = Mailbox { name: None, address };
        }
        Ok(message)
    }
}

component!(Forges);
