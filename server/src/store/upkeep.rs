//! What has to be done from time to time: to give back what dead workers had, to end what is too
//! late, to forget what is old.

use std::collections::BTreeMap;

use super::connection::Work;
use super::message::code;
use super::row::from_row;
use super::webhooks::Ends;
use super::{Result, SECOND, State, Store};

/// How many messages are looked at at once: transactions stay short.
const AT_ONCE: i64 = 500;

/// How long after its lease a released message still has a chance to be reported by its worker.
const GRACE: i64 = 30 * SECOND;

/// A message that is looked after.
struct Row {
    id: String,
    connector: String,
    lane: String,
    state: i64,
    result: Option<String>,
}

from_row!(Row { id, connector, lane, state, result });

/// A message that ended without a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// The message.
    pub id: String,
    /// Its connector.
    pub connector: String,
    /// Its end.
    pub state: State,
    /// Why its last attempt failed, if there was one: the error, as JSON.
    pub result: Option<String>,
}

impl Store {
    /// Gives back what workers had that are dead: what was not released waits again, what was is
    /// ambiguous. `all` says that no worker lives.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn recover(&self, all: bool) -> Result<Vec<Ended>> {
        let mut work = self.begin().await?;
        let (leased, released) = match all {
            true => (i64::MAX, i64::MAX),
            false => (work.now, work.now - GRACE),
        };
        let again = "update message set state = 0, fence = fence + 1, due = $1, worker = null, \
                     leased_until = null where id in (select id from message where state = 1 and \
                     leased_until < $2 limit $3 {skip}) returning id, connector, lane, state, \
                     result";
        let again = self.take(&mut work, again, leased).await?;
        let lost = "update message set state = 6, ended = $1, content = null, worker = null, \
                    leased_until = null where id in (select id from message where state = 2 and \
                    leased_until < $2 limit $3 {skip}) returning id, connector, lane, state, \
                     result";
        let lost = self.take(&mut work, lost, released).await?;
        free(&mut work, again.iter().chain(&lost)).await?;
        note_ends(&mut work, &lost).await?;
        if all {
            work.execute("update webhook set leased_until = 0").await?;
            // Whoever starts the one process anew may have mended what kept it from a relay.
            work.execute("update lane set paused = 0, failures = 0").await?;
        }
        work.commit().await?;
        Ok(lost.into_iter().map(ended).collect())
    }

    /// Gives back at once what a worker has that is about to end, and has not released.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then it comes back with its lease.
    pub(crate) async fn give_back(&self, worker: &str) -> Result<()> {
        let mut work = self.begin().await?;
        let again = "update message set state = 0, fence = fence + 1, due = $1, worker = null, \
                     leased_until = null where worker = $2 and state = 1 returning id, connector, \
                     lane, state, result";
        let again: Vec<Row> =
            sqlx::query_as(again).bind(work.now).bind(worker).fetch_all(work.connection()).await?;
        free(&mut work, again.iter()).await?;
        work.commit().await
    }

    /// Ends what waits and is too late.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn expire(&self) -> Result<Vec<Ended>> {
        let mut work = self.begin().await?;
        let expire = "update message set state = case when own_deadline = 1 then 5 else 7 end, \
                      ended = $1, content = null where id in (select id from message where state \
                      = 0 and deadline <= $2 limit $3 {skip}) returning id, connector, lane, \
                      state, result";
        let now = work.now;
        let expired = self.take(&mut work, expire, now).await?;
        note_ends(&mut work, &expired).await?;
        work.commit().await?;
        Ok(expired.into_iter().map(ended).collect())
    }

    /// Forgets messages that ended so many microseconds ago, and recipients whose limit is at rest.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn forget(&self, after: i64) -> Result<u64> {
        let mut work = self.begin().await?;
        let old = "delete from message where id in (select id from message where ended < $1 limit \
                   $2 {skip})";
        let forgotten = sqlx::query(self.sql(old))
            .bind(work.now - after)
            .bind(AT_ONCE)
            .execute(work.connection())
            .await?;
        sqlx::query("delete from recipient where tat < $1")
            .bind(work.now)
            .execute(work.connection())
            .await?;
        work.commit().await?;
        Ok(forgotten.rows_affected())
    }

    /// Ends all that waits for a connector that is gone.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn abandon(&self, connector: &str) -> Result<Vec<Ended>> {
        let mut work = self.begin().await?;
        let abandon = "update message set state = 7, ended = $1, content = null where connector = \
                       $2 and state = 0 returning id, connector, lane, state, \
                     result";
        let abandoned: Vec<Row> = sqlx::query_as(abandon)
            .bind(work.now)
            .bind(connector)
            .fetch_all(work.connection())
            .await?;
        note_ends(&mut work, &abandoned).await?;
        work.commit().await?;
        Ok(abandoned.into_iter().map(ended).collect())
    }

    async fn take(
        &self,
        work: &mut Work,
        statement: &'static str,
        before: i64,
    ) -> Result<Vec<Row>> {
        let taken = sqlx::query_as(self.sql(statement)).bind(work.now).bind(before).bind(AT_ONCE);
        Ok(taken.fetch_all(work.connection()).await?)
    }
}

fn ended(Row { id, connector, state, result, .. }: Row) -> Ended {
    debug_assert!(state != code::QUEUED, "only what has ended is told");
    Ended { id, connector, state: State::of(state), result }
}

/// Notes ends for the webhooks of their connectors.
async fn note_ends(work: &mut Work, ended: &[Row]) -> Result<()> {
    let mut ends = Ends::default();
    for row in ended {
        ends.add(&row.connector, &row.id);
    }
    ends.note(work).await
}

/// Takes messages off what their lanes have under way; what waits of them is due now.
async fn free(work: &mut Work, messages: impl Iterator<Item = &Row>) -> Result<()> {
    let mut lanes: BTreeMap<&str, i64> = BTreeMap::new();
    for row in messages {
        *lanes.entry(&row.lane).or_default() += 1;
    }
    for (lane, count) in lanes {
        let give_back = "update lane set in_flight = in_flight - $2, due = case when due is null \
                         or due > $3 then $3 else due end where connector = $1";
        sqlx::query(give_back)
            .bind(lane)
            .bind(count)
            .bind(work.now)
            .execute(work.connection())
            .await?;
    }
    Ok(())
}
