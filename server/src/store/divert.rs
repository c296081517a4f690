//! Diversions: what waits for a relay that is down goes through another connector's, where its own
//! connector names some.

use std::iter::once;

use super::connection::Work;
use super::lane::BREAKER;
use super::row::from_row;
use super::{Result, Store};

/// How many lanes are looked at at once. They come in any order, so that each has its turn.
const LANES: i64 = 64;

/// How many diverted messages wait in a lane. Its own wait in one line with them, and those that
/// are left where they were may yet go as they should.
const IN_LINE: i64 = 200;

/// Messages that go through another connector now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diverted {
    /// The connector that sends them.
    pub connector: String,
    /// The one whose relay is down.
    pub from: String,
    /// The one through which they go.
    pub through: String,
    /// How many they are.
    pub count: u64,
}

/// A lane whose relay is down.
struct Closed {
    connector: String,
    fallback: String,
}

from_row!(Closed { connector, fallback });

impl Store {
    /// Diverts what waits for relays that are down: to the first of its connector's own way whose
    /// relay is not. Where all were down, one message finds out whether one of them is back.
    ///
    /// # Errors
    ///
    /// Fails where the database does; then nothing is diverted.
    pub(crate) async fn divert(&self) -> Result<Vec<Diverted>> {
        let down = "select count(*) from lane where due is not null and failures >= $1";
        let down: i64 = sqlx::query_scalar(down)
            .bind(BREAKER)
            .fetch_one(self.reader().await?.connection())
            .await?;
        if down == 0 {
            return Ok(Vec::new());
        }
        let mut work = self.begin().await?;
        let closed = "select connector, fallback from lane where due is not null and failures >= \
                      $1 and paused > $2 and (fallback <> '' or exists (select 1 from message \
                      where message.lane = lane.connector and message.connector <> message.lane \
                      and state = 0)) order by random() limit $3";
        let closed: Vec<Closed> = sqlx::query_as(closed)
            .bind(BREAKER)
            .bind(work.now)
            .bind(LANES)
            .fetch_all(work.connection())
            .await?;
        let mut diverted = Vec::new();
        for lane in closed {
            for (connector, fallback) in senders(&mut work, &lane).await? {
                let from = lane.connector.as_str();
                let way = once(connector.as_str()).chain(fallback.split(','));
                let way: Vec<_> = way.filter(|name| *name != from).collect();
                let Some((through, most)) = open(&mut work, &way).await? else { continue };
                let count = self.divert_to(&mut work, &connector, from, &through, most).await?;
                if count > 0 {
                    let from = from.to_owned();
                    diverted.push(Diverted { connector, from, through, count });
                }
            }
        }
        if !diverted.is_empty() {
            work.tell();
        }
        work.commit().await?;
        Ok(diverted)
    }

    async fn divert_to(
        &self,
        work: &mut Work,
        connector: &str,
        from: &str,
        through: &str,
        most: i64,
    ) -> Result<u64> {
        let divert = "update message set lane = $1 where id in (select id from message where lane \
                      = $2 and connector = $3 and state = 0 and due <= $4 order by due limit $5 \
                      {skip})";
        let diverted = sqlx::query(self.sql(divert))
            .bind(through)
            .bind(from)
            .bind(connector)
            .bind(work.now)
            .bind(most)
            .execute(work.connection())
            .await?;
        let due = "update lane set due = case when due is null or due > $2 then $2 else due end \
                   where connector = $1";
        if diverted.rows_affected() > 0 {
            sqlx::query(due).bind(through).bind(work.now).execute(work.connection()).await?;
        }
        Ok(diverted.rows_affected())
    }
}

/// Whose messages wait in a lane, each with the connectors that it names.
async fn senders(work: &mut Work, lane: &Closed) -> Result<Vec<(String, String)>> {
    let others = "select distinct message.connector, lane.fallback from message join lane on \
                  lane.connector = message.connector where message.lane = $1 and state = 0 and \
                  message.lane <> message.connector";
    let mut senders: Vec<(String, String)> =
        sqlx::query_as(others).bind(lane.connector.as_str()).fetch_all(work.connection()).await?;
    if !lane.fallback.is_empty() {
        senders.push((lane.connector.clone(), lane.fallback.clone()));
    }
    Ok(senders)
}

/// The first of these lanes whose relay is up and that has room, with how many messages may go
/// there; or else one that nobody has tried for long enough, for one message.
async fn open(work: &mut Work, names: &[&str]) -> Result<Option<(String, i64)>> {
    let mut untried = None;
    for name in names {
        let select = "select failures from lane where connector = $1 and paused <= $2";
        let failures: Option<i64> = sqlx::query_scalar(select)
            .bind(*name)
            .bind(work.now)
            .fetch_optional(work.connection())
            .await?;
        match failures {
            Some(failures) if failures < BREAKER => {
                let waiting = "select count(*) from message where lane = $1 and state = 0 and \
                               lane <> connector";
                let waiting: i64 =
                    sqlx::query_scalar(waiting).bind(*name).fetch_one(work.connection()).await?;
                if waiting < IN_LINE {
                    return Ok(Some(((*name).to_owned(), IN_LINE - waiting)));
                }
            }
            Some(_) if untried.is_none() => untried = Some(((*name).to_owned(), 1)),
            Some(_) | None => {}
        }
    }
    Ok(untried)
}
