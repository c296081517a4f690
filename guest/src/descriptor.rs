//! The descriptor.

use crate::bindings::exports::smtp_connector::contract::description::Descriptor;

/// Describes the component.
pub fn describe() -> Descriptor {
    Descriptor {
        id: String::new(),
        target: String::new(),
        names: vec![],
        descriptions: vec![],
        logo: None,
        logo_dark: None,
        configuration_schema: String::new(),
        form_items: vec![],
        examples: vec![],
        secret_pointers: vec![],
    }
}
