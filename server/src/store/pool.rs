//! The connections to the database, which are kept.
//!
//! sqlx has a pool of its own, which asks the database whether a connection lives when it is taken,
//! and again when it comes back: as many round trips more as a short transaction needs.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{self, BuildError, Metrics, Object, PoolError, RecycleResult};
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Connection as _};
use tokio::time::{Instant, sleep};

use super::{Result, StoreError};

/// How long a request waits for a connection that answers: those who ask over HTTP wait in turn,
/// and a database that starts anew is soon back.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The longest pause between two attempts to reach a database.
const PAUSE: Duration = Duration::from_millis(500);

/// A kept connection.
pub(super) struct Kept {
    pub(super) connection: AnyConnection,
    /// Whether a transaction may be open: whoever began one may have been given up.
    pub(super) in_transaction: bool,
}

/// A connection that is in use, and goes back when it is dropped.
pub(super) type Held = Object<Opener>;

/// Connections of one kind.
pub(super) struct Pool(managed::Pool<Opener>);

/// How connections are made and used again.
pub(super) struct Opener {
    /// Where the database is.
    pub(super) options: AnyConnectOptions,
    /// What is said first on each connection.
    pub(super) first: Option<&'static str>,
    /// Whether a connection is asked whether it lives before it is used again.
    pub(super) asks: bool,
}

impl Pool {
    /// Connections, so many at most, of which the first one is made.
    pub(super) async fn open(opener: Opener, most: usize) -> Result<Self> {
        let pool = managed::Pool::builder(opener)
            .max_size(most)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .runtime(Runtime::Tokio1)
            .build();
        let pool = Self(pool.map_err(|BuildError::NoRuntimeSpecified| StoreError::Closed)?);
        drop(pool.take().await?);
        Ok(pool)
    }

    /// A connection that is not in use.
    pub(super) async fn take(&self) -> Result<Held> {
        self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => StoreError::Away(error),
            PoolError::Timeout(_) => StoreError::Away(sqlx::Error::PoolTimedOut),
            PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                StoreError::Closed
            }
        })
    }

    /// Ends all connections that are not in use; the others end when they come back.
    pub(super) async fn close(&self) {
        let idle = self.0.retain(|_, _| false).removed;
        self.0.close();
        for kept in idle {
            // It is given up in either case.
            let _ = kept.connection.close().await;
        }
    }
}

impl managed::Manager for Opener {
    type Type = Kept;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Kept, sqlx::Error> {
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_millis(10);
        let mut connection = loop {
            match self.options.connect().await {
                Err(error) if is_passing(&error) && Instant::now() + pause < deadline => {
                    sleep(pause).await;
                    pause = (pause * 2).min(PAUSE);
                }
                connected => break connected?,
            }
        };
        if let Some(first) = self.first {
            sqlx::raw_sql(first).execute(&mut connection).await?;
        }
        Ok(Kept { connection, in_transaction: false })
    }

    async fn recycle(&self, kept: &mut Kept, _: &Metrics) -> RecycleResult<sqlx::Error> {
        if kept.in_transaction {
            sqlx::raw_sql("rollback").execute(&mut kept.connection).await?;
            kept.in_transaction = false;
        } else if self.asks {
            kept.connection.ping().await?;
        }
        Ok(())
    }
}

/// Whether a database that cannot be reached may be reached in a moment, such as one that starts.
fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => error.is_transient_in_connect_phase(),
        _ => false,
    }
}
