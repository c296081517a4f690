//! The store: what was accepted and what became of it, in SQLite or PostgreSQL, by the same
//! statements.

mod accept;
mod claim;
mod connection;
mod divert;
mod documents;
mod finish;
mod lane;
mod look;
mod message;
mod pool;
mod row;
mod rows;
#[cfg(test)]
mod tests;
mod tokens;
mod upkeep;
mod webhooks;

use std::fmt;
use std::fs::File;

use zeroize::Zeroizing;

pub(crate) use self::accept::{Acceptance, Accepted, Declined, NewMessage};
pub(crate) use self::claim::Claimed;
use self::connection::Engine;
pub(crate) use self::divert::Diverted;
pub(crate) use self::finish::{Detour, Finish, Lease, Outcome, Way};
pub(crate) use self::lane::{LaneSettings, Pace};
pub(crate) use self::look::{Look, Record};
pub(crate) use self::message::State;
use self::pool::Pool;
pub(crate) use self::tokens::StoredToken;
pub(crate) use self::upkeep::Ended;
pub(crate) use self::webhooks::{Telling, Turn, Untold};

/// How many microseconds a second has: the store's times are so fine.
pub(crate) const SECOND: i64 = 1_000_000;

/// A second that is doubled so often, and no longer than the longest.
fn doubled(times: i64, longest: i64) -> i64 {
    // More would be longer than any.
    let times = u32::try_from(times).unwrap_or(0).min(16);
    (SECOND << times).min(longest)
}

/// How long a worker has a message without a sign of life.
pub(crate) const LEASE: i64 = 60 * SECOND;

/// The queue and what belongs to it.
pub(crate) struct Store {
    engine: Engine,
    /// Where it is: perhaps with a password.
    place: Zeroizing<String>,
    /// The connections that change something: one of SQLite's, for it has one writer at a time.
    writers: Pool,
    readers: Pool,
    /// Held as long as this process has the file.
    _lock: Option<File>,
}

/// The store could not be used: nothing is known to have been done.
#[derive(Debug)]
pub enum StoreError {
    /// The database could not be reached, or failed.
    Away(sqlx::Error),
    /// It is used no more: the service is about to end.
    Closed,
    /// A file cannot be the store, for this reason.
    File(String, String),
    /// Another process has the file.
    Taken(String),
    /// The schema is of another version.
    Version(String),
}

/// A result of the store's.
pub(crate) type Result<T, E = StoreError> = std::result::Result<T, E>;

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // What databases say may quote values.
            Self::Away(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                write!(f, "the database failed (code `{code}`)")
            }
            Self::Away(sqlx::Error::PoolTimedOut) => {
                f.write_str("no connection to the database became free")
            }
            Self::Away(sqlx::Error::Io(error)) => {
                write!(f, "the database cannot be reached: {error}")
            }
            Self::Away(_) => f.write_str("the database cannot be used"),
            Self::Closed => f.write_str("the store is closed"),
            Self::File(path, problem) => write!(f, "the store `{path}` cannot be used: {problem}"),
            Self::Taken(path) => write!(f, "another process uses `{path}`"),
            Self::Version(problem) => write!(f, "the database has another schema: {problem}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// Whether another transaction was in the way: the same may go well at once.
    pub fn is_collision(&self) -> bool {
        // SQLSTATE: a failure of serialisation, and a deadlock.
        matches!(self, Self::Away(sqlx::Error::Database(error))
            if error.code().is_some_and(|code| code == "40001" || code == "40P01"))
    }

    /// The same where a file was to be opened.
    fn of_file(self, path: &str) -> Self {
        let problem = match &self {
            Self::Away(sqlx::Error::Io(error)) => error.to_string(),
            Self::Away(sqlx::Error::Database(error)) => {
                // The lowest octet is SQLite's primary result code.
                let code = error.code().and_then(|code| code.parse::<u32>().ok());
                match code.map(|code| code & 0xff) {
                    Some(8) => "it cannot be written".to_owned(),
                    Some(11) => "it is damaged".to_owned(),
                    Some(13) => "the disk is full".to_owned(),
                    Some(14) => "it cannot be opened".to_owned(),
                    Some(26) => "it is a file of something else".to_owned(),
                    _ => return self,
                }
            }
            _ => return self,
        };
        Self::File(path.to_owned(), problem)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Away(error)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Store {
    /// Whether several processes may share it.
    pub(crate) fn is_shared(&self) -> bool {
        self.engine == Engine::Postgres
    }
}
