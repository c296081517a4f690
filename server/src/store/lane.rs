//! The lane of a connector: what it may have under way, its rate, and its circuit, which opens
//! while the relay cannot be reached, so that messages wait or go through another connector.

use super::{Result, SECOND, Store, doubled};

/// After so many failures to reach its relay in a row a lane pauses.
pub(super) const BREAKER: i64 = 5;

/// The longest pause of a lane.
const LONGEST_PAUSE: i64 = 300 * SECOND;

/// The rate of a lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How many microseconds there are between two messages, where they have a rate.
    pub emission: i64,
    /// How many may go at once.
    pub burst: i64,
}

impl Pace {
    /// No rate.
    pub(crate) const ANY: Self = Self { emission: 0, burst: 1 };
}

/// What a lane is to be like.
#[derive(Debug, Clone)]
pub(crate) struct LaneSettings {
    /// How many messages may be under way, over all processes.
    pub most_in_flight: i64,
    /// Its rate.
    pub pace: Pace,
    /// The connectors that this one names, best first.
    pub fallback: Vec<String>,
    /// The digest of the configuration that leads to the relay.
    pub configuration: Vec<u8>,
}

/// How long a lane pauses after so many failures.
pub(super) fn pause(failures: i64) -> i64 {
    doubled(failures - BREAKER, LONGEST_PAUSE)
}

impl Store {
    /// Sets what a connector's lane is to be like. With another configuration than before its relay
    /// counts as up; with the same one its circuit stays as it is, for other processes know of it.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn set_lane(&self, connector: &str, settings: &LaneSettings) -> Result<()> {
        let set = "insert into lane (connector, most_in_flight, emission, burst, fallback, \
                   configuration) values ($1, $2, $3, $4, $5, $6) on conflict (connector) do \
                   update set most_in_flight = $2, emission = $3, burst = $4, fallback = $5, \
                   configuration = $6, paused = case when lane.configuration = $6 then \
                   lane.paused else 0 end, failures = case when lane.configuration = $6 then \
                   lane.failures else 0 end";
        let mut work = self.begin().await?;
        sqlx::query(set)
            .bind(connector)
            .bind(settings.most_in_flight)
            .bind(settings.pace.emission)
            .bind(settings.pace.burst)
            .bind(settings.fallback.join(","))
            .bind(settings.configuration.clone())
            .execute(work.connection())
            .await?;
        work.commit().await
    }

    /// The connectors whose circuit is open: their relay could not be reached.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn open_circuits(&self) -> Result<Vec<String>> {
        let open = "select connector from lane where failures >= $1";
        let open = sqlx::query_scalar(open).bind(BREAKER);
        Ok(open.fetch_all(self.reader().await?.connection()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses = [5, 6, 8, 13, 14, 1000].map(|failures| pause(failures) / SECOND);
        assert_eq!(pauses, [1, 2, 8, 256, 300, 300]);
    }
}
