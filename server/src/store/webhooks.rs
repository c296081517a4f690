//! Ends that the webhooks of connectors are to be told. They are noted in the transaction in which
//! the message ends, so that none is lost.

use std::collections::BTreeMap;

use super::connection::Work;
use super::row::from_row;
use super::{Result, SECOND, Store, doubled};

/// How long an end is told.
const LIFE: i64 = 24 * 3600 * SECOND;

/// The longest pause before it is told again.
const LONGEST_PAUSE: i64 = 600 * SECOND;

/// A connector whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Turn {
    /// The connector.
    pub connector: String,
    /// How often in a row nothing could be told.
    pub failures: i64,
}

from_row!(Turn { connector, failures });

/// An end that is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Untold {
    /// The message.
    pub message: String,
    /// When it ended.
    pub ended: i64,
    /// How often it was tried to tell.
    pub attempts: i64,
}

from_row!(Untold { message, ended, attempts });

/// What became of an end that was to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Telling {
    /// It was told, or never will be.
    Done,
    /// It may be told later.
    Failed,
}

impl Store {
    /// Notes whether a connector has a webhook. Where it has none, what was to be told is not.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn set_webhook(&self, connector: &str, has_one: bool) -> Result<()> {
        let statements: &[&'static str] = match has_one {
            true => &["insert into webhook (connector) values ($1) on conflict do nothing"],
            false => &[
                "delete from webhook where connector = $1",
                "delete from untold where connector = $1",
            ],
        };
        let mut work = self.begin().await?;
        for statement in statements {
            sqlx::query(*statement).bind(connector).execute(work.connection()).await?;
        }
        work.commit().await
    }

    /// Takes connectors whose turn it is, so many at most. For so many microseconds nobody else has
    /// them.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn webhooks(&self, most: i64, lease: i64) -> Result<Vec<Turn>> {
        let mut work = self.begin().await?;
        let take = "update webhook set leased_until = $1 where connector in (select connector \
                    from webhook where due <= $2 and leased_until <= $2 order by due limit $3 \
                    {skip}) returning connector, failures";
        let turns = sqlx::query_as(self.sql(take))
            .bind(work.now + lease)
            .bind(work.now)
            .bind(most)
            .fetch_all(work.connection())
            .await?;
        work.commit().await?;
        Ok(turns)
    }

    /// The ends that a connector's webhook is to be told, so many at most. Those that are too old
    /// are forgotten; the second value says how many these were.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn untold(&self, connector: &str, most: i64) -> Result<(Vec<Untold>, u64)> {
        let mut work = self.begin().await?;
        let too_old = sqlx::query("delete from untold where connector = $1 and ended < $2")
            .bind(connector)
            .bind(work.now - LIFE)
            .execute(work.connection())
            .await?;
        let select = "select message, ended, attempts from untold where connector = $1 and due \
                      <= $2 order by due limit $3";
        let untold = sqlx::query_as(select)
            .bind(connector)
            .bind(work.now)
            .bind(most)
            .fetch_all(work.connection())
            .await?;
        work.commit().await?;
        Ok((untold, too_old.rows_affected()))
    }

    /// How many ends are still to be told.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn untold_count(&self) -> Result<i64> {
        let count = sqlx::query_scalar("select count(*) from untold");
        Ok(count.fetch_one(self.reader().await?.connection()).await?)
    }

    /// Ends the turn of a connector with what became of what it was to be told. Where nothing could
    /// be told, all of it waits for a while.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then the turn ends with its lease, and what was told is told
    /// again.
    pub(crate) async fn end_turn(&self, turn: &Turn, tellings: &[(Untold, Telling)]) -> Result<()> {
        let mut work = self.begin().await?;
        let lock = "select connector from webhook where connector = $1 {lock}";
        let held: Option<(String,)> = sqlx::query_as(self.sql(lock))
            .bind(turn.connector.as_str())
            .fetch_optional(work.connection())
            .await?;
        if held.is_none() {
            return Ok(());
        }
        for (untold, telling) in tellings {
            note_telling(&mut work, untold, *telling).await?;
        }
        let has_failed = |telling: Telling| telling == Telling::Failed;
        let all_failed =
            !tellings.is_empty() && tellings.iter().all(|(_, telling)| has_failed(*telling));
        let failures = if all_failed { turn.failures.saturating_add(1) } else { 0 };
        let earliest = if all_failed { work.now + pause(failures) } else { work.now };
        let next = "select min(due) from untold where connector = $1";
        let next: Option<i64> = sqlx::query_scalar(next)
            .bind(turn.connector.as_str())
            .fetch_one(work.connection())
            .await?;
        let end = "update webhook set due = $2, failures = $3, leased_until = 0 where connector = \
                   $1";
        sqlx::query(end)
            .bind(turn.connector.as_str())
            .bind(next.map(|due| due.max(earliest)))
            .bind(failures)
            .execute(work.connection())
            .await?;
        work.commit().await
    }

    /// Leaves a connector alone for so many microseconds that this process cannot tell anything.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then its turn ends with its lease.
    pub(crate) async fn put_off(&self, turn: &Turn, after: i64) -> Result<()> {
        let mut work = self.begin().await?;
        sqlx::query("update webhook set due = $2, leased_until = 0 where connector = $1")
            .bind(turn.connector.as_str())
            .bind(work.now + after)
            .execute(work.connection())
            .await?;
        work.commit().await
    }
}

/// The ends of one transaction that may have to be told, by connector.
#[derive(Default)]
pub(super) struct Ends(BTreeMap<String, Vec<String>>);

impl Ends {
    /// Adds the end of a message.
    pub(super) fn add(&mut self, connector: &str, message: &str) {
        self.0.entry(connector.to_owned()).or_default().push(message.to_owned());
    }

    /// Notes those of connectors that have a webhook.
    pub(super) async fn note(self, work: &mut Work) -> Result<()> {
        for (connector, messages) in self.0 {
            // Its row stays locked until all of it is committed, so that no turn ends meanwhile
            // without it.
            let wake = "update webhook set due = case when due is null or (due > $2 and failures \
                        = 0) then $2 else due end where connector = $1";
            let woken = sqlx::query(wake)
                .bind(connector.as_str())
                .bind(work.now)
                .execute(work.connection())
                .await?;
            if woken.rows_affected() == 0 {
                continue;
            }
            for message in messages {
                let note = "insert into untold (message, connector, ended, due) values ($1, $2, \
                            $3, $3) on conflict (message) do update set ended = $3, due = $3, \
                            attempts = 0";
                sqlx::query(note)
                    .bind(message)
                    .bind(connector.as_str())
                    .bind(work.now)
                    .execute(work.connection())
                    .await?;
            }
        }
        Ok(())
    }
}

async fn note_telling(work: &mut Work, untold: &Untold, telling: Telling) -> Result<()> {
    // One that ended anew meanwhile is still to be told.
    let update = match telling {
        Telling::Done => sqlx::query("delete from untold where message = $1 and ended = $2")
            .bind(untold.message.as_str())
            .bind(untold.ended),
        Telling::Failed => {
            let later = "update untold set attempts = attempts + 1, due = $3 where message = $1 \
                         and ended = $2";
            sqlx::query(later)
                .bind(untold.message.as_str())
                .bind(untold.ended)
                .bind(work.now + pause(untold.attempts + 1))
        }
    };
    update.execute(work.connection()).await?;
    Ok(())
}

/// The pause after so many failures: it doubles.
fn pause(failures: i64) -> i64 {
    doubled(failures - 1, LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses = [1, 2, 5, 10, 11, 1000].map(|failures| pause(failures) / SECOND);
        assert_eq!(pauses, [1, 2, 16, 512, 600, 600]);
    }
}
