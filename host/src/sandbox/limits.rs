//! What one call of a component may use.

use std::time::Duration;

/// Bounds on every call of a component. A component that exceeds one loses its instance, and nobody
/// else notices.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Linear memory of one instance, in bytes. 96 MiB hold a configuration of 16 MiB together with
    /// its parsed form, and leave the process below 200 MB.
    pub memory_bytes: usize,
    /// How long one call may take, waiting included. A check of the largest configuration takes a
    /// second on a busy machine, a render some ten microseconds.
    pub time: Duration,
    /// What one call may return, in bytes of the host's memory. Two rendered parts of 4 MiB and
    /// their headers fit twice.
    pub output_bytes: usize,
    /// The stack of one instance, in bytes. A quarter of it suffices for JSON and templates nested
    /// 128 deep.
    pub stack_bytes: usize,
    /// A configuration, in bytes of JSON.
    pub configuration_bytes: usize,
    /// The program that a check makes of a configuration, in bytes. Templates are most of it, and
    /// it stays in memory as long as its mailer.
    pub program_bytes: usize,
    /// A payload, in bytes of JSON.
    pub payload_bytes: usize,
    /// One rendered part (subject, text or HTML), in bytes.
    pub part_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 96 << 20,
            time: Duration::from_secs(5),
            output_bytes: 24 << 20,
            stack_bytes: 1 << 20,
            configuration_bytes: 16 << 20,
            program_bytes: 16 << 20,
            payload_bytes: 8 << 20,
            part_bytes: 4 << 20,
        }
    }
}
