//! Panics, which is a trap.

use smtp_connector_test_guests::{Behaviour, component};

struct Traps;

impl Behaviour for Traps {
    fn misbehave() {
        panic!("the component panics on purpose");
    }
}

component!(Traps);
