//! Composes messages.

use crate::bindings::exports::smtp_connector::contract::messages::{ComposeError, Message, Request};
use crate::findings::Diagnostic;

/// A checked configuration that composes messages.
#[derive(Debug)]
pub struct Composer {}

impl Composer {
    /// Opens a configuration.
    pub fn open(text: &str) -> Result<Self, Vec<Diagnostic>> {
        crate::config::open(text).map(|_| Self {})
    }

    /// Composes one message.
    pub fn compose(&self, request: &Request) -> Result<Message, ComposeError> {
        Err(ComposeError::TemplateNotFound(request.usage_type.clone()))
    }
}
