//! How fast a configuration lets messages go: what provokes a provider costs the tenant the
//! account.

use std::time::Duration;

use super::departure::departs;
use super::scalars::Scalars;
use crate::error::Result;
use crate::plan::{RateLimit, TransportPlan};

/// How many connections there are where the configuration does not say: nodemailer's number.
const CONNECTIONS: u32 = 5;

/// The window of `rateLimit` where `rateDelta` is absent: nodemailer's.
const WINDOW: Duration = Duration::from_secs(1);

/// The bounds that a configuration sets.
#[derive(Debug)]
pub(super) struct Pace {
    connections: u32,
    rate_limit: Option<RateLimit>,
}

impl Pace {
    /// Reads `maxConnections`, `rateLimit` and `rateDelta`, which count unless `pool` is false.
    pub(super) fn read(scalars: &Scalars) -> Self {
        let kept = scalars.boolean("/pool") != Some(false);
        let number =
            |pointer: &str| scalars.value(pointer)?.as_f64().filter(|number| *number > 0.0 && kept);
        let window = number("/rateDelta")
            .map_or(WINDOW, |ms| Duration::from_millis(ms.ceil().min(f64::from(u32::MAX)) as u64));
        Self {
            connections: number("/maxConnections").map_or(CONNECTIONS, |count| count as u32),
            rate_limit: number("/rateLimit")
                .map(|messages| RateLimit { messages: messages as u32, window }),
        }
    }

    /// Refuses a plan that goes faster.
    pub(super) fn check(&self, plan: &TransportPlan) -> Result<()> {
        let pool = plan.pool.as_ref();
        if pool.is_some_and(|pool| pool.max_connections > self.connections) {
            return Err(departs("pool.max-connections", "opens more connections"));
        }
        let Some(declared) = self.rate_limit else { return Ok(()) };
        let planned = pool.and_then(|pool| pool.rate_limit);
        let keeps = planned.is_some_and(|planned| {
            planned.messages <= declared.messages && planned.window >= declared.window
        });
        match keeps {
            true => Ok(()),
            false => Err(departs("pool.rate-limit", "sends more messages in the same time")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretPaths;

    #[test]
    fn bounds_count_unless_there_is_no_pool() {
        let second = Duration::from_secs(1);
        for (text, connections, rate) in [
            (r#"{}"#, 5, None),
            (r#"{"maxConnections": 2, "rateLimit": 3}"#, 2, Some((3, second))),
            (r#"{"rateLimit": 3, "rateDelta": 1999.5}"#, 5, Some((3, 2 * second))),
            (r#"{"rateLimit": 0, "rateDelta": 10}"#, 5, None),
            (r#"{"pool": false, "maxConnections": 2, "rateLimit": 3}"#, 5, None),
            (r#"{"url": "smtp://h?rateLimit=4", "rateLimit": 3}"#, 5, Some((4, second))),
        ] {
            let pace = SecretPaths::new([]).mask(text).expect("the text is JSON").declared.pace;
            let found = pace.rate_limit.map(|limit| (limit.messages, limit.window));
            assert_eq!((pace.connections, found), (connections, rate), "{text}");
        }
    }
}
