//! Acceptance: from here on a message has exactly one end.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::AssertSqlSafe;

use super::connection::Work;
use super::message::code;
use super::rows::{pieces, rows};
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

/// What became of messages, by their names.
type Settled = HashMap<String, Result<Accepted, Declined>>;

impl NewMessage {
    /// What at most one message of a statement may have: its key, and its recipient.
    fn sole(&self) -> impl Iterator<Item = (&str, bool, &[u8])> {
        let of = self.connector.as_str();
        let key = self.key.iter().map(move |(key, _)| (of, true, key.as_bytes()));
        key.chain([(of, false, self.recipient.as_slice())])
    }
}

impl Store {
    /// Accepts calls, each with its messages: where it returns, they are durable.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then none of them is accepted, as far as anybody knows.
    pub(crate) async fn accept(&self, calls: &[Vec<NewMessage>]) -> Result<Vec<Acceptance>> {
        let mut work = self.begin().await?;
        let mut acceptances = vec![Err(Declined::Conflict); calls.len()];
        let (mut single, several): (Vec<_>, Vec<_>) =
            (0..calls.len()).partition(|at| calls[*at].len() == 1);
        // In one order, so that transactions wait for one another and not in a circle. Where calls
        // close one all the same, the database opens it.
        single.sort_by_key(|at| (&calls[*at][0].connector, &calls[*at][0].recipient));
        while !single.is_empty() {
            let together = take_together(&mut single, calls);
            let messages: Vec<_> = together.iter().map(|at| &calls[*at][0]).collect();
            let settled = accept_together(&mut work, &messages).await?;
            for (at, end) in together.into_iter().zip(settled) {
                acceptances[at] = end.map(|accepted| vec![accepted]);
            }
        }
        for at in several {
            acceptances[at] = accept_whole(&mut work, &calls[at]).await?;
        }
        let accepted = acceptances.iter_mut().flatten().flatten();
        let mut new: Vec<_> = accepted.filter(|accepted| !accepted.replayed).collect();
        let lanes = new.iter().map(|accepted| accepted.record.connector.clone()).collect();
        let ready = expect(&mut work, lanes).await?;
        for accepted in &mut new {
            accepted.is_due = ready.contains(&accepted.record.connector);
        }
        if !ready.is_empty() {
            work.tell();
        }
        work.commit().await?;
        Ok(acceptances)
    }
}

/// Takes those calls of one message that may go into one statement.
fn take_together(single: &mut Vec<usize>, calls: &[Vec<NewMessage>]) -> Vec<usize> {
    let mut taken = HashSet::new();
    let is_sole = |at: &mut usize| {
        let message = &calls[*at][0];
        let is_sole = message.sole().all(|sole| !taken.contains(&sole));
        if is_sole {
            taken.extend(message.sole());
        }
        is_sole
    };
    single.extract_if(.., is_sole).collect()
}

/// Accepts the messages of one call; where one is declined, what was done for those before it is
/// taken back.
async fn accept_whole(work: &mut Work, messages: &[NewMessage]) -> Result<Acceptance> {
    work.execute("savepoint before_call").await?;
    let mut accepted = Vec::with_capacity(messages.len());
    for message in messages {
        let settled: Result<Vec<_>, _> =
            accept_together(work, &[message]).await?.into_iter().collect();
        match settled {
            Ok(one) => accepted.extend(one),
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

/// Accepts messages that may go into one statement; one that is declined leaves nothing behind.
async fn accept_together(
    work: &mut Work,
    messages: &[&NewMessage],
) -> Result<Vec<Result<Accepted, Declined>>> {
    let mut settled = repeated(work, messages).await?;
    settled.extend(limited(work, &without(messages, &settled)).await?);
    settled.extend(inserted(work, &without(messages, &settled)).await?);
    // Another process may have been first with the same key.
    settled.extend(repeated(work, &without(messages, &settled)).await?);
    let end =
        |message: &&NewMessage| settled.remove(&message.id).unwrap_or(Err(Declined::Conflict));
    Ok(messages.iter().map(end).collect())
}

/// The messages of which nothing is known yet.
fn without<'m>(messages: &[&'m NewMessage], settled: &Settled) -> Vec<&'m NewMessage> {
    messages.iter().copied().filter(|message| !settled.contains_key(&message.id)).collect()
}

/// The messages under whose key one was accepted before.
async fn repeated(work: &mut Work, messages: &[&NewMessage]) -> Result<Settled> {
    let keyed = messages.iter().filter_map(|message| Some((*message, message.key.as_ref()?)));
    let keyed: Vec<_> = keyed.collect();
    let mut settled = Settled::new();
    for piece in pieces(&keyed) {
        let keys =
            piece.iter().map(|(message, (key, _))| (message.connector.as_str(), key.as_str()));
        let mut known = work.records_of_keys(keys).await?;
        for (message, (key, digest)) in piece {
            let name = (message.connector.clone(), key.clone());
            let Some((record, before)) = known.remove(&name) else { continue };
            let end = match before == *digest {
                true => Ok(Accepted { record, replayed: true, is_due: false }),
                false => Err(Declined::Conflict),
            };
            settled.insert(message.id.clone(), end);
        }
    }
    Ok(settled)
}

/// Counts messages for their recipients; gives those that are one too many, with the time to wait.
async fn limited(work: &mut Work, messages: &[&NewMessage]) -> Result<Settled> {
    let mut settled = Settled::new();
    for alike in messages.chunk_by(|one, other| one.limit == other.limit) {
        let Some(limit) = alike.first().and_then(|message| message.limit) else { continue };
        for piece in pieces(alike) {
            let counted = count(work, piece, limit).await?;
            for message in piece {
                if !counted.contains(&(message.connector.clone(), message.recipient.clone())) {
                    let wait = wait(work, message, limit).await?;
                    settled.insert(message.id.clone(), Err(Declined::Limited(wait)));
                }
            }
        }
    }
    Ok(settled)
}

/// Counts messages for their recipients; gives the recipients that had room.
async fn count(
    work: &mut Work,
    messages: &[&NewMessage],
    limit: RecipientLimit,
) -> Result<HashSet<(String, Vec<u8>)>> {
    // A message moves the time at which the limit is at rest by one interval, from now on at least;
    // it may not move it further ahead than all messages of the limit together do.
    let count = format!(
        "insert into recipient (connector, digest, tat) values {} on conflict (connector, digest) \
         do update set tat = (case when recipient.tat > $1 then recipient.tat else $1 end) + $2 \
         where (case when recipient.tat > $1 then recipient.tat else $1 end) + $2 <= $3 returning \
         connector, digest",
        rows(messages.len(), 3, 4)
    );
    let mut count = sqlx::query_as(AssertSqlSafe(count))
        .bind(work.now)
        .bind(limit.interval())
        .bind(work.now.saturating_add(limit.all()));
    for message in messages {
        count = count
            .bind(message.connector.as_str())
            .bind(message.recipient.clone())
            .bind(work.now.saturating_add(limit.interval()));
    }
    let counted: Vec<(String, Vec<u8>)> = count.fetch_all(work.connection()).await?;
    Ok(counted.into_iter().collect())
}

/// How many microseconds it takes until a recipient has room.
async fn wait(work: &mut Work, message: &NewMessage, limit: RecipientLimit) -> Result<i64> {
    let (tat,): (i64,) =
        sqlx::query_as("select tat from recipient where connector = $1 and digest = $2")
            .bind(message.connector.as_str())
            .bind(message.recipient.clone())
            .fetch_one(work.connection())
            .await?;
    Ok((tat + limit.interval() - work.now.saturating_add(limit.all())).max(1))
}

/// Inserts messages; gives those that were.
async fn inserted(work: &mut Work, messages: &[&NewMessage]) -> Result<Settled> {
    let mut settled = Settled::new();
    for piece in pieces(messages) {
        let insert = format!(
            "insert into message (id, connector, lane, type, state, created, due, deadline, \
             own_deadline, idempotency_key, digest, message_id, content, trace) values {} on \
             conflict do nothing returning id",
            rows(piece.len(), 14, 1)
        );
        let mut insert = sqlx::query_as(AssertSqlSafe(insert));
        for message in piece {
            let (key, digest) = message.key.clone().unzip();
            insert = insert
                .bind(message.id.as_str())
                .bind(message.connector.as_str())
                .bind(message.connector.as_str())
                .bind(message.usage_type.as_str())
                .bind(code::QUEUED)
                .bind(work.now)
                .bind(work.now)
                .bind(work.now.saturating_add(message.within))
                .bind(i64::from(message.own_deadline))
                .bind(key)
                .bind(digest)
                .bind(message.message_id.as_str())
                .bind(message.content.clone())
                .bind(message.trace.clone());
        }
        let new: Vec<(String,)> = insert.fetch_all(work.connection()).await?;
        let new: HashSet<_> = new.into_iter().map(|(id,)| id).collect();
        for message in piece.iter().filter(|message| new.contains(&message.id)) {
            let record = Record::of(message, work.now);
            let accepted = Accepted { record, replayed: false, is_due: false };
            settled.insert(message.id.clone(), Ok(accepted));
        }
    }
    Ok(settled)
}

/// Has lanes looked after now; gives those of which messages may be claimed, but for their rate.
/// One that pauses or is full is looked after when that is over.
async fn expect(work: &mut Work, connectors: BTreeSet<String>) -> Result<HashSet<String>> {
    let connectors: Vec<_> = connectors.into_iter().collect();
    let mut ready = HashSet::new();
    for piece in pieces(&connectors) {
        let due = format!(
            "insert into lane (connector, due) values {} on conflict (connector) do update set due \
             = case when lane.due is null or lane.due > excluded.due then excluded.due else \
             lane.due end returning connector, paused, in_flight, most_in_flight",
            rows(piece.len(), 2, 1)
        );
        let mut due = sqlx::query_as(AssertSqlSafe(due));
        for connector in piece {
            due = due.bind(connector.as_str()).bind(work.now);
        }
        let lanes: Vec<(String, i64, i64, i64)> = due.fetch_all(work.connection()).await?;
        for (connector, paused, in_flight, most) in lanes {
            if paused <= work.now && in_flight < most {
                ready.insert(connector);
            }
        }
    }
    Ok(ready)
}
