//! What the sandbox has done, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the sandbox of an [`Engine`](crate::Engine) does and has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// The places for instances that there are. Who finds none free waits.
    pub places: usize,
    /// Those of them that are taken.
    pub taken: usize,
    /// The instances that were made.
    pub instances: u64,
    /// Those that were given up, since a call trapped or exceeded a bound.
    pub faults: u64,
}

/// Counts for as long as the engine lives.
#[derive(Debug, Default)]
pub(super) struct Tally {
    instances: AtomicU64,
    faults: AtomicU64,
}

impl Tally {
    pub(super) fn count_instance(&self) {
        self.instances.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn instances(&self) -> u64 {
        self.instances.load(Ordering::Relaxed)
    }

    pub(super) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }
}
