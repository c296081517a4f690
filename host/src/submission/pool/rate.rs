//! The limit on how many messages go out in a window of time, across all connections of one
//! configuration.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::plan::RateLimit;

/// How many messages a window is counted by at most; a larger limit is kept in as many shorter
/// windows.
const MOST_TURNS: u32 = 10_000;

/// Keeps a limit so that no window, wherever it begins, has more messages than allowed: message n
/// goes out one window after message n − limit at the earliest. So the messages take turns, and
/// each turn comes once in a window. A bucket that refills would let twice the limit through in its
/// first window.
pub(in crate::submission) struct Pace {
    limiter: DefaultKeyedRateLimiter<u32>,
    turns: u32,
    next: Mutex<u32>,
}

impl Pace {
    pub(in crate::submission) fn new(limit: RateLimit) -> Self {
        let messages = limit.messages.max(1);
        let turns = messages.min(MOST_TURNS);
        let window = limit.window.mul_f64(f64::from(turns) / f64::from(messages));
        let quota = Quota::with_period(window.max(Duration::from_nanos(1)));
        let quota = quota.unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN));
        let quota = quota.allow_burst(NonZeroU32::MIN);
        Self { limiter: RateLimiter::keyed(quota), turns, next: Mutex::new(0) }
    }

    /// Waits until one more message may go out.
    pub(in crate::submission) async fn wait(&self) {
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let following = (*next + 1) % self.turns;
            std::mem::replace(&mut *next, following)
        };
        self.limiter.until_key_ready(&turn).await;
    }

    /// Whether one more message may go out now; if so, it counts.
    pub(in crate::submission) fn try_take(&self) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = self.limiter.check_key(&next).is_ok();
        if ready {
            *next = (*next + 1) % self.turns;
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn no_window_has_more_messages_than_allowed() {
        let window = Duration::from_millis(60);
        let pace = Pace::new(RateLimit { messages: 3, window });
        let mut times = Vec::new();
        for _ in 0..10 {
            pace.wait().await;
            times.push(Instant::now());
        }
        assert!(times[2] - times[0] < window, "the first ones go at once");
        for pair in times.windows(4) {
            // The clock of the limiter is read a little before this one.
            assert!(
                pair[3] - pair[0] + Duration::from_millis(5) >= window,
                "{:?}",
                pair[3] - pair[0]
            );
        }
    }

    #[tokio::test]
    async fn a_turn_is_taken_only_when_it_has_come() {
        let pace = Pace::new(RateLimit { messages: 2, window: Duration::from_secs(60) });
        assert!(pace.try_take() && pace.try_take() && !pace.try_take() && !pace.try_take());
    }

    #[tokio::test]
    async fn a_limit_beyond_counting_is_kept_in_shorter_windows() {
        let pace = Pace::new(RateLimit { messages: 1_000_000, window: Duration::from_secs(1000) });
        let taken = (0..20_000).filter(|_| pace.try_take()).count();
        // Ten thousand in each ten seconds.
        assert_eq!(taken, 10_000);
    }
}
