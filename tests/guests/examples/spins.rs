//! Never returns.

use smtp_connector_test_guests::{Behaviour, component};

struct Spins;

impl Behaviour for Spins {
    fn misbehave() {
        loop {
            std::hint::black_box(());
        }
    }
}

component!(Spins);
