//! Keeps the secrets in the memory of this process from other processes and from core dumps.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Has the kernel write no core dump of this process, and let no process but root's read its
/// memory.
pub(crate) fn withhold() {
    // Where the kernel refuses, all else works as well.
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::debug!(%error, "core dumps of this process may hold secrets");
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    #[test]
    fn no_core_is_dumped_any_more() {
        withhold();
        assert_eq!(dumpable_behavior().expect("it can be asked"), DumpableBehavior::NotDumpable);
    }
}
