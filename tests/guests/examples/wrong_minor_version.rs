//! Speaks version 0.1.0 of the contract, which differs from the host's in the minor number.

include!(concat!(env!("OUT_DIR"), "/0.1.0.rs"));

use exports::smtp_connector::contract::connector::{Composer, Guest, GuestComposer, Report};
use exports::smtp_connector::contract::description::Descriptor;
use exports::smtp_connector::contract::messages::{ComposeError, Message, Request};

struct WrongVersion;

impl Guest for WrongVersion {
    type Composer = Self;

    fn describe() -> Descriptor {
        unreachable!("a host refuses the version before it asks")
    }

    fn check(_configuration: String) -> Report {
        Report { diagnostics: Vec::new(), outcome: None }
    }
}

impl GuestComposer for WrongVersion {
    fn open(_program: Vec<u8>) -> Result<Composer, String> {
        Ok(Composer::new(Self))
    }

    fn compose(&self, request: Request) -> Result<Message, ComposeError> {
        Err(ComposeError::TemplateNotFound(request.usage_type))
    }
}

export!(WrongVersion);
