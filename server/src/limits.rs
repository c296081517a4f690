//! How many messages one recipient may get: more than a person asks for is mail bombing.

use std::time::Duration;

/// So many messages in so much time, for each recipient of a connector. The first ones may come all
/// at once, further ones at even intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecipientLimit {
    messages: u32,
    window: Duration,
}

impl RecipientLimit {
    /// So many messages in such a window.
    pub(crate) fn new(messages: u32, window: Duration) -> Self {
        Self { messages: messages.max(1), window }
    }

    /// Microseconds from one message to the next, once the first ones were used up.
    pub(crate) fn interval(&self) -> i64 {
        (micros(self.window) / i64::from(self.messages)).max(1)
    }

    /// Microseconds that all messages of a window take together.
    pub(crate) fn all(&self) -> i64 {
        self.interval().saturating_mul(i64::from(self.messages))
    }
}

impl Default for RecipientLimit {
    /// Who asks for a code, mistypes it and asks again stays below it.
    fn default() -> Self {
        Self::new(10, Duration::from_secs(600))
    }
}

/// A duration as the store counts it.
pub(crate) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4)
}
