//! The limit on how many messages go out in a window of time, across all connections of one
//! configuration.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::plan::RateLimit;

/// How many messages a window is counted by at most; a larger limit is kept in as many shorter
/// windows.
const MOST_COUNTED: u32 = 10_000;

/// The longest window: the clock cannot express every time that a number can.
const LONGEST_WINDOW: Duration = Duration::from_secs(365 * 24 * 3600);

/// Keeps a limit so that no window, wherever it begins, has more messages than allowed: message n
/// goes out one window after message n − limit at the earliest.
pub(super) struct Rate {
    limit: usize,
    window: Duration,
    /// When the last messages went out or will go out, the earliest first; as many as the limit.
    times: Mutex<VecDeque<Instant>>,
}

impl Rate {
    pub(super) fn new(limit: RateLimit) -> Self {
        let messages = limit.messages.max(1);
        let counted = messages.min(MOST_COUNTED);
        let window =
            limit.window.min(LONGEST_WINDOW).mul_f64(f64::from(counted) / f64::from(messages));
        Self { limit: counted as usize, window, times: Mutex::default() }
    }

    /// Waits until one more message may go out.
    pub(super) async fn wait(&self) {
        let turn = {
            let mut times = self.times();
            let turn = self.next(&times);
            self.take(&mut times, turn);
            turn
        };
        sleep_until(turn).await;
    }

    /// Whether one more message may go out now; if so, it counts.
    pub(super) fn try_take(&self) -> bool {
        let mut times = self.times();
        let turn = self.next(&times);
        let ready = turn <= Instant::now();
        if ready {
            self.take(&mut times, turn);
        }
        ready
    }

    /// When the next message may go out.
    fn next(&self, times: &VecDeque<Instant>) -> Instant {
        let now = Instant::now();
        match times.front() {
            Some(earliest) if times.len() == self.limit => now.max(*earliest + self.window),
            _ => now,
        }
    }

    fn take(&self, times: &mut VecDeque<Instant>, turn: Instant) {
        if times.len() == self.limit {
            times.pop_front();
        }
        times.push_back(turn);
    }

    fn times(&self) -> MutexGuard<'_, VecDeque<Instant>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_window_has_more_messages_than_allowed() {
        let window = Duration::from_millis(60);
        let rate = Rate::new(RateLimit { messages: 3, window });
        let mut turns = Vec::new();
        for _ in 0..10 {
            rate.wait().await;
            let turn = *rate.times().back().expect("a turn was taken");
            assert!(turn <= Instant::now(), "nobody goes before its turn");
            turns.push(turn);
        }
        assert!(turns[2] - turns[0] < window, "the first ones go at once");
        for four in turns.windows(4) {
            assert!(four[3] - four[0] >= window, "{:?}", four[3] - four[0]);
        }
    }

    #[tokio::test]
    async fn a_turn_is_taken_only_when_it_has_come() {
        let rate = Rate::new(RateLimit { messages: 2, window: Duration::from_secs(60) });
        assert!(rate.try_take() && rate.try_take() && !rate.try_take() && !rate.try_take());
    }

    #[tokio::test]
    async fn a_limit_beyond_counting_is_kept_in_shorter_windows() {
        let rate = Rate::new(RateLimit { messages: 1_000_000, window: Duration::from_secs(1000) });
        let taken = (0..20_000).filter(|_| rate.try_take()).count();
        // Ten thousand in each ten seconds.
        assert_eq!(taken, 10_000);
    }
}
