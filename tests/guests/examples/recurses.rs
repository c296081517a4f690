//! Calls itself until the stack is used up.

use smtp_connector_test_guests::{Behaviour, component};

struct Recurses;

impl Behaviour for Recurses {
    fn misbehave() {
        descend(0);
    }
}

fn descend(depth: u64) -> u64 {
    let endless = std::hint::black_box(true);
    if endless { descend(depth + 1) + std::hint::black_box(1) } else { depth }
}

component!(Recurses);
