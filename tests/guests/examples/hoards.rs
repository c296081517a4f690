//! Allocates, and touches, memory without end.

use smtp_connector_test_guests::{Behaviour, component};

struct Hoards;

impl Behaviour for Hoards {
    fn misbehave() {
        loop {
            std::mem::forget(std::hint::black_box(vec![1_u8; 1 << 20]));
        }
    }
}

component!(Hoards);
