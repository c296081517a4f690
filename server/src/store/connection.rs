//! The way to the database: which engine, its connections, its schema, its transactions.

use std::borrow::Cow;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Once;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgListener;
use sqlx::{Any, AnyPool, AssertSqlSafe, ConnectOptions as _, SqlSafeStr as _, Transaction};

use zeroize::Zeroizing;

use super::{Result, Store, StoreError};

/// How many connections read from a database at once, and write to PostgreSQL. Writes are grouped,
/// so that a few carry thousands of messages a second.
const CONNECTIONS: u32 = 8;

/// How long a request waits for a connection: those who ask over HTTP wait in turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where PostgreSQL carries word of work.
const CHANNEL: &str = "smtp_connector";

/// The schema, step by step. Each is written for both engines.
const MIGRATIONS: [(i64, &str, &str); 2] = [
    (1, "queue", include_str!("../../migrations/0001_queue.sql")),
    (2, "fallback", include_str!("../../migrations/0002_fallback.sql")),
];

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// A file, for one process.
    Sqlite,
    /// A server, for many.
    Postgres,
}

/// Word of work from all processes.
#[derive(Debug)]
pub(crate) struct Word(PgListener);

impl Word {
    /// Waits for the next word.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn heard(&mut self) -> Result<()> {
        Ok(self.0.recv().await.map(drop)?)
    }
}

/// A transaction under way, and the time at which it began by the database's own clock.
pub(super) struct Work {
    pub(super) transaction: Transaction<'static, Any>,
    pub(super) now: i64,
}

impl Store {
    /// Opens a store and brings its schema up to date: `postgres://…`, or the path of a file.
    ///
    /// # Errors
    ///
    /// Fails where the database cannot be reached, has a schema of a later version, or another
    /// process has the file.
    pub(crate) async fn open(place: &str) -> Result<Self> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let store = match place.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Self::postgres(place).await?,
            _ => Self::sqlite(place.strip_prefix("sqlite://").unwrap_or(place)).await?,
        };
        store.migrate().await?;
        Ok(store)
    }

    async fn postgres(url: &str) -> Result<Self> {
        let options = AnyConnectOptions::from_str(url)?.disable_statement_logging();
        let pool = || async {
            let pool = AnyPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
            pool.connect_with(options.clone()).await
        };
        let (writers, readers) = (pool().await?, pool().await?);
        let place = Zeroizing::new(url.to_owned());
        Ok(Self { engine: Engine::Postgres, place, writers, readers, _lock: None })
    }

    async fn sqlite(path: &str) -> Result<Self> {
        let lock = lock(path)?;
        let path = std::path::absolute(path).map_err(sqlx::Error::Io)?;
        let path = path.to_str().ok_or_else(|| {
            sqlx::Error::Io(io::Error::new(io::ErrorKind::InvalidFilename, "it is not UTF-8"))
        })?;
        let path: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        let url = format!("sqlite://{}?mode=rwc", path.replace("%2F", "/").replace('+', "%20"));
        let options = AnyConnectOptions::from_str(&url)?.disable_statement_logging();
        let writers = sqlite_pool(&options, 1).await?;
        let readers = sqlite_pool(&options, CONNECTIONS).await?;
        let place = Zeroizing::new(url);
        Ok(Self { engine: Engine::Sqlite, place, writers, readers, _lock: Some(lock) })
    }

    async fn migrate(&self) -> Result<()> {
        let migrations = MIGRATIONS.map(|(version, name, sql)| {
            let sql = match self.engine {
                Engine::Sqlite => Cow::Borrowed(sql),
                Engine::Postgres => Cow::Owned(sql.replace(" blob", " bytea")),
            };
            let sql = AssertSqlSafe(sql).into_sql_str();
            Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql, false)
        });
        let migrator = Migrator::with_migrations(migrations.into());
        match migrator.run(&self.writers).await {
            Ok(()) => Ok(()),
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                Err(error.into())
            }
            Err(error) => Err(StoreError::Version(error.to_string())),
        }
    }

    /// Begins a transaction that changes something.
    pub(super) async fn begin(&self) -> Result<Work> {
        match self.engine {
            Engine::Sqlite => {
                let transaction = self.writers.begin_with("begin immediate").await?;
                Ok(Work { transaction, now: clock() })
            }
            Engine::Postgres => {
                let mut transaction = self.writers.begin().await?;
                let clock = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";
                let now = sqlx::query_scalar(clock).fetch_one(&mut *transaction).await?;
                Ok(Work { transaction, now })
            }
        }
    }

    /// The connections that only read.
    pub(super) fn readers(&self) -> &AnyPool {
        &self.readers
    }

    /// A statement for this engine: what stands in braces locks rows and skips those that others
    /// have locked, where several can.
    pub(super) fn sql(&self, statement: &'static str) -> sqlx::SqlStr {
        match self.engine {
            Engine::Sqlite => {
                let plain = statement.replace("{skip}", "").replace("{lock}", "");
                AssertSqlSafe(plain).into_sql_str()
            }
            Engine::Postgres => {
                let locking = statement
                    .replace("{skip}", "for update skip locked")
                    .replace("{lock}", "for update");
                AssertSqlSafe(locking).into_sql_str()
            }
        }
    }

    /// Tells the workers of all processes that there is work.
    pub(super) async fn tell(&self, work: &mut Work) -> Result<()> {
        if self.engine == Engine::Postgres {
            sqlx::query("select pg_notify($1, '')")
                .bind(CHANNEL)
                .execute(&mut *work.transaction)
                .await?;
        }
        Ok(())
    }

    /// Listens for word of work, where other processes may have some.
    ///
    /// # Errors
    ///
    /// Fails where the database does.
    pub(crate) async fn listen(&self) -> Result<Option<Word>> {
        if self.engine == Engine::Sqlite {
            return Ok(None);
        }
        let mut listener = PgListener::connect(&self.place).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(Word(listener)))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    ///
    /// Fails where it does not.
    pub(crate) async fn ping(&self) -> Result<()> {
        Ok(sqlx::query("select 1").execute(&self.readers).await.map(drop)?)
    }

    /// Ends all connections; what is under way ends first.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

impl Work {
    /// Executes a statement without values.
    pub(super) async fn execute(&mut self, statement: &'static str) -> Result<()> {
        Ok(sqlx::query(statement).execute(&mut *self.transaction).await.map(drop)?)
    }

    /// Makes it all durable.
    pub(super) async fn commit(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }
}

/// Connections to a file, which are kept.
async fn sqlite_pool(options: &AnyConnectOptions, connections: u32) -> Result<AnyPool> {
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // What is committed is on the disk: a lost permit would be a second mail.
                let pragmas = "pragma journal_mode = wal; pragma synchronous = full; \
                               pragma busy_timeout = 5000";
                sqlx::raw_sql(pragmas).execute(connection).await.map(drop)
            })
        });
    Ok(pool.connect_with(options.clone()).await?)
}

/// Microseconds since 1970.
fn clock() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// Takes the right to the file, which ends with the process.
fn lock(path: &str) -> Result<File> {
    let beside = format!("{path}.lock");
    let opened = File::options().create(true).truncate(false).write(true).open(Path::new(&beside));
    let lock = opened.map_err(sqlx::Error::Io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Taken(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(sqlx::Error::Io(error).into()),
    }
}
