//! The messages that this process carries.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::Lease;

/// Which messages are carried just now. One that was claimed while the store's answer got lost is
/// not among them: it comes back with its lease.
#[derive(Clone, Default)]
pub(super) struct UnderWay(Arc<Mutex<BTreeSet<Lease>>>);

/// A message that is carried, until this is dropped.
pub(super) struct Carried {
    lease: Lease,
    all: UnderWay,
}

impl UnderWay {
    /// Adds a message.
    pub(super) fn add(&self, lease: Lease) -> Carried {
        self.carried().insert(lease.clone());
        Carried { lease, all: self.clone() }
    }

    /// The messages that are carried, in order.
    pub(super) fn leases(&self) -> Vec<Lease> {
        self.carried().iter().cloned().collect()
    }

    fn carried(&self) -> MutexGuard<'_, BTreeSet<Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        self.all.carried().remove(&self.lease);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_under_way_while_anybody_carries_it() {
        let all = UnderWay::default();
        // One whose lease ran out may be claimed once more.
        let [first, second] = [1, 2].map(|fence| Lease { id: "1".to_owned(), fence });
        let (one, other) = (all.add(first), all.add(second.clone()));
        drop(one);
        assert_eq!(all.leases(), [second]);
        drop(other);
        assert!(all.leases().is_empty());
    }
}
