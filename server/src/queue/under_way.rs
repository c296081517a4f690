//! The messages that this process carries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which messages are carried just now. One that was claimed while the store's answer got lost is
/// not among them: it comes back with its lease.
#[derive(Clone, Default)]
pub(super) struct UnderWay {
    /// How many carry each: one whose lease ran out may be claimed once more.
    carried: Arc<Mutex<HashMap<String, usize>>>,
}

/// A message that is carried, until this is dropped.
pub(super) struct Carried {
    id: String,
    all: UnderWay,
}

impl UnderWay {
    /// Adds a message.
    pub(super) fn add(&self, id: &str) -> Carried {
        *self.carried().entry(id.to_owned()).or_default() += 1;
        Carried { id: id.to_owned(), all: self.clone() }
    }

    /// The messages that are carried.
    pub(super) fn ids(&self) -> Vec<String> {
        self.carried().keys().cloned().collect()
    }

    fn carried(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        let mut carried = self.all.carried();
        if let Some(times) = carried.get_mut(&self.id) {
            *times -= 1;
            if *times == 0 {
                carried.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_under_way_while_anybody_carries_it() {
        let all = UnderWay::default();
        let (first, second) = (all.add("1"), all.add("1"));
        drop(first);
        assert_eq!(all.ids(), ["1"]);
        drop(second);
        assert!(all.ids().is_empty());
    }
}
