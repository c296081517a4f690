//! What a worker reports: the permit before the relay can hear the end of a message, what it
//! carries, and what became of the message.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::connection::Work;
use super::lane::{BREAKER, pause};
use super::message::code;
use super::rows::{pieces, rows};
use super::webhooks::Ends;
use super::{LEASE, Result, SECOND, State, Store};

/// How long a lease must still last for a permit: the relay needs some time to take the message.
const MARGIN: i64 = 5 * SECOND;

/// A claim as its worker names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lease {
    /// The message.
    pub id: String,
    /// The number of the claim.
    pub fence: i64,
}

/// What became of a claimed message.
#[derive(Debug, Clone)]
pub(crate) struct Finish {
    /// The claim.
    pub lease: Lease,
    /// The outcome.
    pub outcome: Outcome,
    /// What it says of the way to the relay.
    pub way: Way,
    /// The receipt or the error, as JSON.
    pub result: Option<String>,
}

/// The outcome of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ended in this state.
    Final(State),
    /// It is to be tried again in so many microseconds.
    Again(i64),
    /// It is to be tried through another connector.
    Elsewhere(Detour),
}

/// The way on of a message through another connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detour {
    /// That connector.
    pub through: String,
    /// In how many microseconds.
    pub after: i64,
    /// Whether a relay that could not take it in this round may take it later.
    pub promising: bool,
}

/// What an attempt says of the way to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The relay was reached.
    Up,
    /// It was not.
    Down,
    /// Nothing.
    Unknown,
}

/// What changes for a lane.
#[derive(Default)]
struct Change {
    given_back: i64,
    due: Option<i64>,
    up: bool,
    down: i64,
}

impl Change {
    /// Has it looked after at this time, at the latest.
    fn expect(&mut self, due: i64) {
        self.due = Some(self.due.map_or(due, |earliest| earliest.min(due)));
    }
}

impl Store {
    /// Releases messages: from here on their relay may have heard their end. Says for each whether
    /// it may.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then none of them may.
    pub(crate) async fn permit(&self, leases: &[Lease]) -> Result<Vec<bool>> {
        let mut work = self.begin().await?;
        let release = "update message set state = 2 where id = $1 and fence = $2 and state in (1, \
                       2) and leased_until > $3 and deadline > $4";
        let mut permits = vec![false; leases.len()];
        for at in in_order(leases, |lease| lease) {
            let released = sqlx::query(release)
                .bind(leases[at].id.as_str())
                .bind(leases[at].fence)
                .bind(work.now + MARGIN)
                .bind(work.now)
                .execute(work.connection())
                .await?;
            permits[at] = released.rows_affected() == 1;
        }
        work.commit().await?;
        Ok(permits)
    }

    /// Notes what became of messages. Says for each whether it was still the worker's to say: also
    /// of one that was held to be ambiguous, since the worker knows better.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then none of it is noted.
    pub(crate) async fn finish(&self, finishes: &[Finish]) -> Result<Vec<bool>> {
        let mut work = self.begin().await?;
        let mut noted = vec![false; finishes.len()];
        let mut lanes: BTreeMap<String, Change> = BTreeMap::new();
        let mut ends = Ends::default();
        for at in in_order(finishes, |finish| &finish.lease) {
            let finish = &finishes[at];
            let select = "select connector, lane, state from message where id = $1 and fence = $2 \
                          and state in (1, 2, 6) {lock}";
            let held: Option<(String, String, i64)> = sqlx::query_as(self.sql(select))
                .bind(finish.lease.id.as_str())
                .bind(finish.lease.fence)
                .fetch_optional(work.connection())
                .await?;
            let Some((connector, lane, before)) = held else { continue };
            if before == code::AMBIGUOUS && !matches!(finish.outcome, Outcome::Final(_)) {
                // Its content is gone, and its sender was told.
                continue;
            }
            note(&mut work, finish).await?;
            noted[at] = true;
            let change = lanes.entry(lane).or_default();
            change.given_back += i64::from(before != code::AMBIGUOUS);
            change.up |= finish.way == Way::Up;
            change.down += i64::from(finish.way == Way::Down);
            match &finish.outcome {
                Outcome::Final(_) => ends.add(&connector, &finish.lease.id),
                Outcome::Again(after) => change.expect(work.now + after),
                Outcome::Elsewhere(Detour { through, after, .. }) => {
                    lanes.entry(through.clone()).or_default().expect(work.now + after);
                }
            }
        }
        for (connector, change) in &lanes {
            self.change_lane(&mut work, connector, change).await?;
        }
        ends.note(&mut work).await?;
        work.commit().await?;
        Ok(noted)
    }

    async fn change_lane(&self, work: &mut Work, connector: &str, change: &Change) -> Result<()> {
        let select = "select failures, paused, in_flight from lane where connector = $1 {lock}";
        let lane: Option<(i64, i64, i64)> = sqlx::query_as(self.sql(select))
            .bind(connector)
            .fetch_optional(work.connection())
            .await?;
        let (mut failures, mut paused, in_flight) = lane.unwrap_or_default();
        if change.up {
            (failures, paused) = (0, 0);
        } else if change.down > 0 {
            // What was under way when the circuit opened fails with it, and says nothing new; the
            // one message that finds out whether the relay is back is alone.
            let is_probe = in_flight <= change.given_back;
            failures = match failures >= BREAKER {
                true => failures.saturating_add(i64::from(is_probe)),
                false => failures.saturating_add(change.down).min(BREAKER),
            };
            if failures >= BREAKER {
                paused = paused.max(work.now + pause(failures));
            }
        }
        let update = "update lane set in_flight = in_flight - $2, failures = $3, paused = $4, due \
                      = case when due is null or due > $5 then $5 else due end where connector = \
                      $1";
        let keep = "update lane set in_flight = in_flight - $2, failures = $3, paused = $4 where \
                    connector = $1";
        let update = sqlx::query(if change.due.is_some() { update } else { keep })
            .bind(connector)
            .bind(change.given_back)
            .bind(failures)
            .bind(paused);
        let update = match change.due {
            Some(due) => update.bind(due),
            None => update,
        };
        update.execute(work.connection()).await?;
        Ok(())
    }

    /// Says what a worker carries: that stays its own for another while. What it has claimed and
    /// does not know of, because the answer got lost, comes back with its lease.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn beat(&self, carried: &[Lease]) -> Result<()> {
        let mut work = self.begin().await?;
        for piece in pieces(carried) {
            let keep = format!(
                "update message set leased_until = $1 where state in (1, 2) and (id, fence) in \
                 (values {})",
                rows(piece.len(), 2, 2)
            );
            let mut keep = sqlx::query(AssertSqlSafe(keep)).bind(work.now + LEASE);
            for lease in piece {
                keep = keep.bind(lease.id.as_str()).bind(lease.fence);
            }
            keep.execute(work.connection()).await?;
        }
        work.commit().await
    }
}

/// Writes an outcome into its row. With the end of a message its content is erased.
async fn note(work: &mut Work, finish: &Finish) -> Result<()> {
    let id = finish.lease.id.as_str();
    let update = match &finish.outcome {
        Outcome::Final(state) => {
            let end = "update message set state = $2, ended = $3, content = null, worker = null, \
                       leased_until = null, result = $4 where id = $1";
            let (code, _) = state.codes();
            sqlx::query(end).bind(id).bind(code).bind(work.now).bind(finish.result.clone())
        }
        Outcome::Again(after) => {
            let again = "update message set state = $2, due = $3, worker = null, leased_until = \
                         null, result = $4 where id = $1";
            let due = work.now + after;
            sqlx::query(again).bind(id).bind(code::QUEUED).bind(due).bind(finish.result.clone())
        }
        Outcome::Elsewhere(Detour { through, after, promising }) => {
            let elsewhere = "update message set state = $2, due = $3, worker = null, leased_until \
                             = null, result = $4, lane = $5, promising = $6 where id = $1";
            let due = work.now + after;
            let update = sqlx::query(elsewhere).bind(id).bind(code::QUEUED).bind(due);
            update.bind(finish.result.clone()).bind(through.as_str()).bind(i64::from(*promising))
        }
    };
    update.execute(work.connection()).await?;
    Ok(())
}

/// The places of items in the order of their leases, so that transactions that lock several rows
/// wait for one another and not in a circle.
fn in_order<T>(items: &[T], lease: impl Fn(&T) -> &Lease) -> Vec<usize> {
    let mut order: Vec<_> = (0..items.len()).collect();
    order.sort_by(|a, b| lease(&items[*a]).cmp(lease(&items[*b])));
    order
}
