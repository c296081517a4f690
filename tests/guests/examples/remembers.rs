//! Remembers the payload of each message, and tells it in the next.

use std::cell::RefCell;

use smtp_connector_test_guests::messages::{ComposeError, Message, Request};
use smtp_connector_test_guests::{Behaviour, component, message};

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Remembers;

impl Behaviour for Remembers {
    fn compose(configuration: &str, request: Request) -> Result<Message, ComposeError> {
        let last = LAST.replace(request.payload.clone());
        Ok(Message { text: Some(last), ..message(configuration, &request) })
    }
}

component!(Remembers);
