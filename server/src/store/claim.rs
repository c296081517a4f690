//! Claims: which messages a worker takes next.
//!
//! Each connector has a lane, in which wait the messages that go through it. Lanes take turns, so
//! that one with many messages delays no other; a lane's row holds its rate, how much of it may be
//! under way, and the pause after its relay was down, and is locked while it is claimed from, so
//! that all of it holds over all processes.

use super::connection::Work;
use super::lane::{BREAKER, pause};
use super::row::from_row;
use super::{LEASE, Result, Store};

/// How many lanes one claim looks at. The next claim goes on where this one ended.
const LANES: i64 = 16;

/// How many messages of one lane one claim takes at most.
const MOST_OF_LANE: i64 = 8;

/// A message that a worker has.
#[derive(Debug, Clone)]
pub(crate) struct Claimed {
    /// Its name.
    pub id: String,
    /// The connector that sends it.
    pub connector: String,
    /// The connector through which it goes: that one, or one of those that it names.
    pub lane: String,
    /// Whether a relay that could not take it in this round may take it later: 1 or 0.
    pub promising: i64,
    /// The number of the claim: whoever has a lower one has lost the message.
    pub fence: i64,
    /// How often it was claimed.
    pub attempts: i64,
    /// When it was accepted.
    pub created: i64,
    /// Until when it is worth sending.
    pub deadline: i64,
    /// Whether its sender said so: 1 or 0.
    pub own_deadline: i64,
    /// The message, sealed.
    pub content: Option<Vec<u8>>,
    /// The context of the request that it was accepted in.
    pub trace: Option<String>,
    /// The time at which it was claimed.
    pub now: i64,
}

from_row!(Claimed {
    id, connector, lane, promising, fence, attempts, created, deadline, own_deadline, content,
    trace;
    now: 0
});

/// The row of a lane.
struct Lane {
    connector: String,
    tat: i64,
    emission: i64,
    burst: i64,
    in_flight: i64,
    most_in_flight: i64,
    failures: i64,
}

from_row!(Lane { connector, tat, emission, burst, in_flight, most_in_flight, failures });

impl Lane {
    /// How many messages may be taken now.
    fn room(&self, now: i64) -> i64 {
        let room = MOST_OF_LANE.min(self.most_in_flight - self.in_flight);
        if self.failures >= BREAKER {
            // One message finds out whether the relay is back.
            return room.min(1);
        }
        match self.emission {
            0 => room,
            emission => room.min((now + self.burst * emission - self.tat.max(now)) / emission),
        }
    }
}

impl Store {
    /// Claims messages for a worker, as many as it has capacity for at most.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then nothing is claimed, or what is comes back with its
    /// lease.
    pub(crate) async fn claim(&self, worker: &str, capacity: usize) -> Result<Vec<Claimed>> {
        let mut work = self.begin().await?;
        let select = "select connector, tat, emission, burst, in_flight, most_in_flight, failures \
                      from lane where due <= $1 and paused <= $1 and in_flight < most_in_flight \
                      and (emission = 0 or tat <= $1 + (burst - 1) * emission) order by served \
                      limit $2 {skip}";
        let lanes: Vec<Lane> = sqlx::query_as(self.sql(select))
            .bind(work.now)
            .bind(LANES)
            .fetch_all(work.connection())
            .await?;
        let mut claimed = Vec::new();
        for lane in lanes {
            let left = i64::try_from(capacity - claimed.len()).unwrap_or(i64::MAX);
            if left == 0 {
                break;
            }
            claimed.extend(self.claim_of(&mut work, worker, &lane, left).await?);
        }
        work.commit().await?;
        Ok(claimed)
    }

    async fn claim_of(
        &self,
        work: &mut Work,
        worker: &str,
        lane: &Lane,
        left: i64,
    ) -> Result<Vec<Claimed>> {
        let now = work.now;
        let take = "update message set state = 1, fence = fence + 1, attempts = attempts + 1, \
                    worker = $1, leased_until = $2 where id in (select id from message where \
                    lane = $3 and state = 0 and due <= $4 and deadline > $4 order by due limit \
                    $5 {skip}) returning id, connector, lane, promising, fence, attempts, \
                    created, deadline, own_deadline, content, trace";
        let mut claimed: Vec<Claimed> = sqlx::query_as(self.sql(take))
            .bind(worker)
            .bind(now + LEASE)
            .bind(lane.connector.as_str())
            .bind(now)
            .bind(lane.room(now).min(left))
            .fetch_all(work.connection())
            .await?;
        for message in &mut claimed {
            message.now = now;
        }
        claimed.sort_by_key(|message| message.created);
        let count = i64::try_from(claimed.len()).unwrap_or(i64::MAX);
        let probes = lane.failures >= BREAKER && count > 0;
        let note = "update lane set served = $2, in_flight = in_flight + $3, tat = $4, paused = \
                    case when $5 > 0 then $5 else paused end, due = (select min(due) from message \
                    where lane = $1 and state = 0 and deadline > $2) where connector = $1";
        sqlx::query(note)
            .bind(lane.connector.as_str())
            .bind(now)
            .bind(count)
            .bind(lane.tat.max(now) + count * lane.emission)
            .bind(if probes { now + pause(lane.failures) } else { 0 })
            .execute(work.connection())
            .await?;
        Ok(claimed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(emission: i64, tat: i64, failures: i64) -> Lane {
        let connector = "a".to_owned();
        Lane { connector, tat, emission, burst: 3, in_flight: 2, most_in_flight: 9, failures }
    }

    #[test]
    fn the_room_of_a_lane_is_bounded_by_what_is_under_way_by_rate_and_by_its_breaker() {
        let now = 1000;
        assert_eq!(lane(0, 0, 0).room(now), 7);
        assert_eq!(lane(100, 0, 0).room(now), 3);
        assert_eq!(lane(100, now + 100, 0).room(now), 2);
        assert_eq!(lane(100, now + 300, 0).room(now), 0);
        assert_eq!(lane(0, 0, BREAKER).room(now), 1);
    }
}
