//! Acceptance: from here on a message has exactly one end.

use std::collections::BTreeSet;

use super::connection::Work;
use super::{Result, Store};
use crate::limits::RecipientLimit;

/// A message that is to be accepted.
#[derive(Debug, Clone)]
pub(crate) struct NewMessage {
    /// Its name in the service.
    pub id: String,
    /// The connector that sends it.
    pub connector: String,
    /// What it is for.
    pub usage_type: String,
    /// How long it is worth sending, in microseconds.
    pub within: i64,
    /// Whether its sender said so.
    pub own_deadline: bool,
    /// The sender's name for the request, with the digest of what was asked for.
    pub key: Option<(String, Vec<u8>)>,
    /// The digest of the recipient.
    pub recipient: Vec<u8>,
    /// How many messages a recipient gets.
    pub limit: Option<RecipientLimit>,
    /// The Message-ID.
    pub message_id: String,
    /// The message, sealed.
    pub content: Vec<u8>,
}

/// What became of the wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Acceptance {
    /// It is accepted.
    New,
    /// The same was asked for before, and got this name.
    Replay(String),
    /// Something else was asked for under the same key.
    Conflict,
    /// The recipient had enough messages; in so many microseconds there is room for one.
    Limited(i64),
}

impl Store {
    /// Accepts messages: where it returns, they are durable.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then none of them is accepted, as far as anybody knows.
    pub(crate) async fn accept(&self, messages: &[NewMessage]) -> Result<Vec<Acceptance>> {
        let mut work = self.begin().await?;
        // In one order, so that transactions wait for one another and not in a circle.
        let mut order: Vec<_> = (0..messages.len()).collect();
        order.sort_by_key(|at| (&messages[*at].connector, &messages[*at].recipient));
        let mut acceptances = vec![Acceptance::Conflict; messages.len()];
        let mut lanes = BTreeSet::new();
        for at in order {
            acceptances[at] = self.accept_one(&mut work, &messages[at]).await?;
            if acceptances[at] == Acceptance::New {
                lanes.insert(messages[at].connector.as_str());
            }
        }
        for connector in &lanes {
            let due = "insert into lane (connector, due) values ($1, $2) on conflict (connector) \
                       do update set due = case when lane.due is null or lane.due > $2 then $2 \
                       else lane.due end";
            let due = sqlx::query(due).bind(*connector).bind(work.now);
            due.execute(&mut *work.transaction).await?;
        }
        if !lanes.is_empty() {
            self.tell(&mut work).await?;
        }
        work.commit().await?;
        Ok(acceptances)
    }

    async fn accept_one(&self, work: &mut Work, message: &NewMessage) -> Result<Acceptance> {
        if let Some(earlier) = earlier(work, message).await? {
            return Ok(earlier);
        }
        if let Some(limit) = &message.limit
            && let Some(wait) = count(work, message, limit).await?
        {
            return Ok(Acceptance::Limited(wait));
        }
        let (key, digest) = message.key.clone().unzip();
        let insert = "insert into message (id, connector, type, state, created, due, deadline, \
                      own_deadline, idempotency_key, digest, message_id, content) values ($1, $2, \
                      $3, 0, $4, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing";
        let inserted = sqlx::query(insert)
            .bind(message.id.as_str())
            .bind(message.connector.as_str())
            .bind(message.usage_type.as_str())
            .bind(work.now)
            .bind(work.now.saturating_add(message.within))
            .bind(i64::from(message.own_deadline))
            .bind(key)
            .bind(digest)
            .bind(message.message_id.as_str())
            .bind(message.content.clone())
            .execute(&mut *work.transaction)
            .await?;
        if inserted.rows_affected() == 1 {
            return Ok(Acceptance::New);
        }
        // Another process was first with the same key.
        Ok(earlier(work, message).await?.unwrap_or(Acceptance::Conflict))
    }
}

/// What was accepted under the same key.
async fn earlier(work: &mut Work, message: &NewMessage) -> Result<Option<Acceptance>> {
    let Some((key, digest)) = &message.key else { return Ok(None) };
    let select = "select id, digest from message where connector = $1 and idempotency_key = $2";
    let found: Option<(String, Vec<u8>)> = sqlx::query_as(select)
        .bind(message.connector.as_str())
        .bind(key.as_str())
        .fetch_optional(&mut *work.transaction)
        .await?;
    Ok(found.map(|(id, before)| match before == *digest {
        true => Acceptance::Replay(id),
        false => Acceptance::Conflict,
    }))
}

/// Counts a message for its recipient; where that is one too many, gives the time to wait.
async fn count(
    work: &mut Work,
    message: &NewMessage,
    limit: &RecipientLimit,
) -> Result<Option<i64>> {
    // A message moves the time at which the limit is at rest by one interval, from now on at least;
    // it may not move it further ahead than all messages of the limit together do.
    let latest = work.now.saturating_add(limit.all());
    let count = "insert into recipient (connector, digest, tat) values ($1, $2, $3 + $4) on \
                 conflict (connector, digest) do update set tat = (case when recipient.tat > $3 \
                 then recipient.tat else $3 end) + $4 where (case when recipient.tat > $3 then \
                 recipient.tat else $3 end) + $4 <= $5 returning tat";
    let counted: Option<(i64,)> = sqlx::query_as(count)
        .bind(message.connector.as_str())
        .bind(message.recipient.clone())
        .bind(work.now)
        .bind(limit.interval())
        .bind(latest)
        .fetch_optional(&mut *work.transaction)
        .await?;
    if counted.is_some() {
        return Ok(None);
    }
    let (tat,): (i64,) =
        sqlx::query_as("select tat from recipient where connector = $1 and digest = $2")
            .bind(message.connector.as_str())
            .bind(message.recipient.clone())
            .fetch_one(&mut *work.transaction)
            .await?;
    Ok(Some((tat + limit.interval() - latest).max(1)))
}
