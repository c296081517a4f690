//! What is known of messages, and taking one back that waits.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, FromRow as _, Row as _};

use super::connection::Work;
use super::message::code;
use super::row::from_row;
use super::rows::rows;
use super::webhooks::Ends;
use super::{NewMessage, Result, State, Store};

/// What is known of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Its name.
    pub id: String,
    /// The connector that sends it.
    pub connector: String,
    /// The connector through which it goes, or went.
    pub through: String,
    /// What it is for.
    pub usage_type: String,
    state: i64,
    /// When it was accepted.
    pub created: i64,
    /// Until when it is worth sending.
    pub deadline: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// The Message-ID.
    pub message_id: String,
    /// The receipt, or the last error, as JSON.
    pub result: Option<String>,
    /// When it ended.
    pub ended: Option<i64>,
}

from_row!(Record {
    id,
    connector,
    through,
    usage_type,
    state,
    created,
    deadline,
    attempts,
    message_id,
    result,
    ended
});

impl Record {
    /// A message that was accepted at this time.
    pub(super) fn of(message: &NewMessage, now: i64) -> Self {
        Self {
            id: message.id.clone(),
            connector: message.connector.clone(),
            through: message.connector.clone(),
            usage_type: message.usage_type.clone(),
            state: code::QUEUED,
            created: now,
            deadline: now.saturating_add(message.within),
            attempts: 0,
            message_id: message.message_id.clone(),
            result: None,
            ended: None,
        }
    }

    /// Where it stands.
    pub(crate) fn state(&self) -> State {
        State::of(self.state)
    }
}

/// Which messages are looked for. Nothing set is everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    /// Of this connector.
    pub connector: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// Accepted then or later, in microseconds since 1970.
    pub since: Option<i64>,
    /// Accepted before.
    pub until: Option<i64>,
    /// With a name before this one: where the last page ended.
    pub before: Option<String>,
    /// So many at most.
    pub limit: i64,
}

impl Work {
    /// What is known of the messages that were accepted under keys, with the digests of what was
    /// asked for.
    pub(super) async fn records_of_keys<'k>(
        &mut self,
        keys: impl ExactSizeIterator<Item = (&'k str, &'k str)>,
    ) -> Result<HashMap<(String, String), (Record, Vec<u8>)>> {
        let select = format!(
            "with wanted (sender, name) as (values {}) select {COLUMNS}, idempotency_key, digest \
             from wanted join message on connector = sender and idempotency_key = name",
            rows(keys.len(), 2, 1)
        );
        let mut select = sqlx::query(AssertSqlSafe(select));
        for (connector, key) in keys {
            select = select.bind(connector).bind(key);
        }
        let read = |row: AnyRow| {
            let record = Record::from_row(&row)?;
            let key = (record.connector.clone(), row.try_get("idempotency_key")?);
            Ok((key, (record, row.try_get("digest")?)))
        };
        select.fetch_all(self.connection()).await?.into_iter().map(read).collect()
    }
}

/// What is read of a message.
const COLUMNS: &str = "id, connector, lane as through, type as usage_type, state, created, \
                       deadline, attempts, message_id, result, ended";

impl Store {
    /// What is known of a message.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn message(&self, id: &str) -> Result<Option<Record>> {
        let select = format!("select {COLUMNS} from message where id = $1");
        let found = sqlx::query_as(AssertSqlSafe(select)).bind(id);
        Ok(found.fetch_optional(self.reader().await?.connection()).await?)
    }

    /// The messages that are looked for, the latest first.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn messages(&self, look: &Look) -> Result<Vec<Record>> {
        // With and without a connector, so that each finds its index.
        let of = if look.connector.is_some() { "connector = $1" } else { "$1 = ''" };
        let select = format!(
            "select {COLUMNS} from message where {of} and ($2 = '' or id < $2) and state between \
             $3 and $4 and created >= $5 and created < $6 order by id desc limit $7"
        );
        let (lowest, highest) = look.state.map_or((code::QUEUED, i64::MAX), State::codes);
        let found = sqlx::query_as(AssertSqlSafe(select))
            .bind(look.connector.clone().unwrap_or_default())
            .bind(look.before.clone().unwrap_or_default())
            .bind(lowest)
            .bind(highest)
            .bind(look.since.unwrap_or(i64::MIN))
            .bind(look.until.unwrap_or(i64::MAX))
            .bind(look.limit);
        Ok(found.fetch_all(self.reader().await?.connection()).await?)
    }

    /// Takes a message back that waits; whether it did.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn cancel(&self, id: &str) -> Result<bool> {
        let mut work = self.begin().await?;
        let cancel = "update message set state = $2, ended = $3, content = null where id = $1 and \
                      state = 0 returning connector";
        let cancelled: Option<(String,)> = sqlx::query_as(cancel)
            .bind(id)
            .bind(code::CANCELLED)
            .bind(work.now)
            .fetch_optional(work.connection())
            .await?;
        if let Some((connector,)) = &cancelled {
            let mut ends = Ends::default();
            ends.add(connector, id);
            ends.note(&mut work).await?;
        }
        work.commit().await?;
        Ok(cancelled.is_some())
    }

    /// How many messages wait or are on their way, and since when the one has been due that has
    /// waited longest, in microseconds.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn depth(&self) -> Result<(i64, i64, Option<i64>)> {
        let select = "select (select count(*) from message where state = 0), (select count(*) \
                      from message where state in (1, 2)), (select min(due) from message where \
                      state = 0)";
        Ok(sqlx::query_as(select).fetch_one(self.reader().await?.connection()).await?)
    }
}
