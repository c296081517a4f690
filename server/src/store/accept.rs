//! Acceptance: from here on a message has exactly one end.

use std::collections::BTreeMap;

use super::connection::Work;
use super::{Record, Result, Store};
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
    /// The context of the request, for spans that follow it.
    pub trace: Option<String>,
}

/// A message that is accepted.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    /// What is known of it.
    pub record: Record,
    /// Whether it had been accepted before, under the same key.
    pub replayed: bool,
    /// Whether a worker may have it now: its lane neither pauses nor is full.
    pub is_due: bool,
}

/// Why nothing of a call was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declined {
    /// Something else was asked for under the same key.
    Conflict,
    /// A recipient had enough messages; in so many microseconds there is room for one.
    Limited(i64),
}

/// What became of a call: all its messages are accepted, or none.
pub(crate) type Acceptance = Result<Vec<Accepted>, Declined>;

impl Store {
    /// Accepts calls, each with its messages: where it returns, they are durable.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then none of them is accepted, as far as anybody knows.
    pub(crate) async fn accept(&self, calls: &[Vec<NewMessage>]) -> Result<Vec<Acceptance>> {
        let mut work = self.begin().await?;
        // In one order, so that transactions wait for one another and not in a circle. Where calls
        // of several messages close one all the same, the database opens it.
        let mut order: Vec<_> = (0..calls.len()).collect();
        let place = |message: &NewMessage| (message.connector.clone(), message.recipient.clone());
        order.sort_by_cached_key(|at| calls[*at].iter().map(place).min());
        let mut acceptances = vec![Err(Declined::Conflict); calls.len()];
        let mut lanes = BTreeMap::new();
        for at in order {
            acceptances[at] = accept_call(&mut work, &calls[at]).await?;
            for accepted in acceptances[at].iter().flatten().filter(|accepted| !accepted.replayed) {
                lanes.insert(accepted.record.connector.clone(), false);
            }
        }
        for (connector, is_due) in &mut lanes {
            *is_due = expect(&mut work, connector).await?;
        }
        for accepted in acceptances.iter_mut().flatten().flatten() {
            let is_due = lanes.get(&accepted.record.connector).is_some_and(|is_due| *is_due);
            accepted.is_due = is_due && !accepted.replayed;
        }
        if lanes.values().any(|is_due| *is_due) {
            work.tell();
        }
        work.commit().await?;
        Ok(acceptances)
    }
}

/// Has a lane looked after now; says whether messages may be claimed of it, but for its rate. One
/// that pauses or is full is looked after when that is over.
async fn expect(work: &mut Work, connector: &str) -> Result<bool> {
    let due = "insert into lane (connector, due) values ($1, $2) on conflict (connector) do update \
               set due = case when lane.due is null or lane.due > $2 then $2 else lane.due end \
               returning paused, in_flight, most_in_flight";
    let due = sqlx::query_as(due).bind(connector).bind(work.now);
    let (paused, in_flight, most): (i64, i64, i64) = due.fetch_one(work.connection()).await?;
    Ok(paused <= work.now && in_flight < most)
}

/// Accepts the messages of one call; where one is declined, what was done for those before it is
/// taken back.
async fn accept_call(work: &mut Work, messages: &[NewMessage]) -> Result<Acceptance> {
    if let [only] = messages {
        // One that is declined leaves nothing to take back.
        return Ok(accept_one(work, only).await?.map(|accepted| vec![accepted]));
    }
    work.execute("savepoint before_call").await?;
    let mut accepted = Vec::with_capacity(messages.len());
    for message in messages {
        match accept_one(work, message).await? {
            Ok(one) => accepted.push(one),
            Err(declined) => {
                work.execute("rollback to savepoint before_call").await?;
                work.execute("release savepoint before_call").await?;
                return Ok(Err(declined));
            }
        }
    }
    work.execute("release savepoint before_call").await?;
    Ok(Ok(accepted))
}

async fn accept_one(work: &mut Work, message: &NewMessage) -> Result<Result<Accepted, Declined>> {
    if let Some(earlier) = earlier(work, message).await? {
        return Ok(earlier);
    }
    if let Some(limit) = &message.limit
        && let Some(wait) = count(work, message, limit).await?
    {
        return Ok(Err(Declined::Limited(wait)));
    }
    let (key, digest) = message.key.clone().unzip();
    let insert = "insert into message (id, connector, lane, type, state, created, due, deadline, \
                  own_deadline, idempotency_key, digest, message_id, content, trace) values ($1, \
                  $2, $2, $3, 0, $4, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing";
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
        .bind(message.trace.clone())
        .execute(work.connection())
        .await?;
    if inserted.rows_affected() == 1 {
        let record = Record::of(message, work.now);
        return Ok(Ok(Accepted { record, replayed: false, is_due: false }));
    }
    // Another process was first with the same key.
    Ok(earlier(work, message).await?.unwrap_or(Err(Declined::Conflict)))
}

/// What was accepted under the same key.
async fn earlier(
    work: &mut Work,
    message: &NewMessage,
) -> Result<Option<Result<Accepted, Declined>>> {
    let Some((key, digest)) = &message.key else { return Ok(None) };
    let Some((record, before)) = work.record_of_key(&message.connector, key).await? else {
        return Ok(None);
    };
    Ok(Some(match before == *digest {
        true => Ok(Accepted { record, replayed: true, is_due: false }),
        false => Err(Declined::Conflict),
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
        .fetch_optional(work.connection())
        .await?;
    if counted.is_some() {
        return Ok(None);
    }
    let (tat,): (i64,) =
        sqlx::query_as("select tat from recipient where connector = $1 and digest = $2")
            .bind(message.connector.as_str())
            .bind(message.recipient.clone())
            .fetch_one(work.connection())
            .await?;
    Ok(Some((tat + limit.interval() - latest).max(1)))
}
