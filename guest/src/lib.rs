//! The sandboxed half of smtp-connector: checks a configuration and renders messages.
//!
//! This file only joins the contract to the domain; it holds no logic. Everything below it is pure
//! and is tested natively as well.
#![cfg(feature = "code")]

pub mod bindings;
pub mod compose;
pub mod config;
pub mod descriptor;
pub mod findings;
pub mod mailbox;
pub mod program;
pub mod template;

use bindings::exports::smtp_connector::contract::connector::{self, Guest, Report};
use bindings::exports::smtp_connector::contract::description::Descriptor;
use bindings::exports::smtp_connector::contract::messages::{ComposeError, Message, Request};

/// What the world exports.
#[derive(Debug)]
pub struct Component;

impl Guest for Component {
    type Composer = compose::Composer;

    fn describe() -> Descriptor {
        descriptor::describe()
    }

    fn check(configuration: String) -> Report {
        config::check(&configuration)
    }
}

impl connector::GuestComposer for compose::Composer {
    fn open(program: Vec<u8>) -> Result<connector::Composer, String> {
        Self::open(program).map(connector::Composer::new)
    }

    fn compose(&self, request: Request) -> Result<Message, ComposeError> {
        self.compose(&request)
    }
}
