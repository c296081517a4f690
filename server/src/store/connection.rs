//! The way to the database: which engine, its connections, its schema, its transactions.

use std::borrow::Cow;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::Once;
use std::time::{SystemTime, UNIX_EPOCH};

use deadpool::managed::Object;
use sqlx::any::AnyConnectOptions;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgListener;
use sqlx::{AnyConnection, AssertSqlSafe, ConnectOptions as _, Row as _, SqlSafeStr as _};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::pool::{Held, Opener, PATIENCE, Pool};
use super::{Result, Store, StoreError};

/// How many connections read from a database at once, and write to PostgreSQL. Writes are grouped,
/// so that a few carry thousands of messages a second.
const CONNECTIONS: usize = 8;

/// Where PostgreSQL carries word of work; [`Work::commit`] names it, too.
const CHANNEL: &str = "smtp_connector";

/// The schema, step by step. Each is written for both engines.
const MIGRATIONS: [(i64, &str, &str); 5] = [
    (1, "queue", include_str!("../../migrations/0001_queue.sql")),
    (2, "fallback", include_str!("../../migrations/0002_fallback.sql")),
    (3, "webhooks", include_str!("../../migrations/0003_webhooks.sql")),
    (4, "traces", include_str!("../../migrations/0004_traces.sql")),
    (5, "circuits", include_str!("../../migrations/0005_circuits.sql")),
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

/// A transaction under way. Where it is dropped, nothing of it was done.
pub(super) struct Work {
    held: Held,
    engine: Engine,
    /// The time at which it began, by the database's own clock.
    pub(super) now: i64,
    /// Whether the workers of all processes are told when it is done.
    tells: bool,
}

/// A connection that only reads.
pub(super) struct Reader(Held);

impl Store {
    /// Opens a store and brings its schema up to date: `postgres://…`, or the path of a file.
    ///
    /// # Errors
    ///
    /// Fails where the database cannot be reached or used, has a schema of a later version, or
    /// another process has the file.
    pub(crate) async fn open(place: &str) -> Result<Self> {
        static DRIVERS: Once = Once::new();
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        if let Some(("postgres" | "postgresql", _)) = place.split_once("://") {
            let store = Self::postgres(place).await?;
            store.migrate().await?;
            return Ok(store);
        }
        let path = place.strip_prefix("sqlite://").unwrap_or(place);
        let opened = async {
            let store = Self::sqlite(path).await?;
            store.migrate().await?;
            Ok(store)
        };
        opened.await.map_err(|error: StoreError| error.of_file(path))
    }

    async fn postgres(url: &str) -> Result<Self> {
        let options = AnyConnectOptions::from_str(url)?.disable_statement_logging();
        let opener = |asks| Opener { options: options.clone(), first: None, asks };
        // A connection that has died is found where a transaction begins, but not where one reads.
        let writers = Pool::open(opener(false), CONNECTIONS).await?;
        let readers = Pool::open(opener(true), CONNECTIONS).await?;
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
        // What is committed is on the disk: a lost permit would be a second mail.
        let first = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = \
                     5000";
        let opener = || Opener { options: options.clone(), first: Some(first), asks: false };
        let writers = Pool::open(opener(), 1).await?;
        let readers = Pool::open(opener(), CONNECTIONS).await?;
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
        match migrator.run(&mut self.writers.take().await?.connection).await {
            Ok(()) => Ok(()),
            Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                Err(error.into())
            }
            Err(error) => Err(StoreError::Version(error.to_string())),
        }
    }

    /// Begins a transaction that changes something.
    pub(super) async fn begin(&self) -> Result<Work> {
        loop {
            let mut held = self.writers.take().await?;
            let is_new = Object::metrics(&held).recycle_count == 0;
            match timeout(PATIENCE, begin(self.engine, &mut held)).await {
                Ok(Ok(now)) => {
                    return Ok(Work { held, engine: self.engine, now, tells: false });
                }
                Ok(Err(error)) if is_new => return Err(error.into()),
                // It has died since it was used last.
                Ok(Err(_)) => drop(Object::take(held)),
                Err(_) => {
                    drop(Object::take(held));
                    return Err(StoreError::Away(sqlx::Error::PoolTimedOut));
                }
            }
        }
    }

    /// A connection that only reads.
    pub(super) async fn reader(&self) -> Result<Reader> {
        self.readers.take().await.map(Reader)
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
        let mut reader = self.reader().await?;
        Ok(sqlx::query("select 1").execute(reader.connection()).await.map(drop)?)
    }

    /// Ends all connections.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

impl Reader {
    /// The connection.
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.0.connection
    }
}

impl Work {
    /// The connection that it is on.
    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.held.connection
    }

    /// Executes a statement without values.
    pub(super) async fn execute(&mut self, statement: &'static str) -> Result<()> {
        Ok(sqlx::raw_sql(statement).execute(self.connection()).await.map(drop)?)
    }

    /// Has the workers of all processes told that there is work, once it is done.
    pub(super) fn tell(&mut self) {
        self.tells = true;
    }

    /// Makes it all durable.
    pub(super) async fn commit(mut self) -> Result<()> {
        let tells = self.tells && self.engine == Engine::Postgres;
        self.execute(if tells { "notify smtp_connector; commit" } else { "commit" }).await?;
        self.held.in_transaction = false;
        Ok(())
    }
}

/// Begins a transaction on a connection; gives the time.
async fn begin(engine: Engine, held: &mut Held) -> Result<i64, sqlx::Error> {
    held.in_transaction = true;
    let connection = &mut held.connection;
    match engine {
        Engine::Sqlite => {
            sqlx::raw_sql("begin immediate").execute(connection).await?;
            Ok(clock())
        }
        Engine::Postgres => {
            let clock = "begin; select (extract(epoch from clock_timestamp()) * 1000000)::bigint";
            let rows = sqlx::raw_sql(clock).fetch_all(connection).await?;
            rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get(0)
        }
    }
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
