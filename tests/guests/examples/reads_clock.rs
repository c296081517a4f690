//! Reads the time, so that it imports `wasi:clocks`.

use smtp_connector_test_guests::{Behaviour, component};

struct ReadsClock;

impl Behaviour for ReadsClock {
    fn misbehave() {
        std::hint::black_box(std::time::SystemTime::now());
    }
}

component!(ReadsClock);
