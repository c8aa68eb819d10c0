//! The only file that knows which database is behind: connecting, migrating, and the differences between
//! SQLite and PostgreSQL.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use migration::{Migrator, MigratorTrait, SchemaManager, seaql_migrations};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, IsolationLevel, QueryOrder, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    sqlx::{
        self,
        postgres::PgListener,
        sqlite::{SqliteJournalMode, SqliteSynchronous},
    },
};

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::config::{Config, DatabaseUrl};

/// Longest wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a connection may have been idle without being tested before it is used.
const IDLE: Duration = Duration::from_secs(1);
/// Longest wait of SQLite for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Rows that SQLite's thread may be ahead of who reads them: with the usual 50 both wait for each other most of the time.
const ROWS_AHEAD: usize = 1_000;
/// Any number, the same in every instance: who holds it migrates, loads or archives.
const EXCLUSIVE_LOCK: i64 = 0x69_746b_6174;

/// Where PostgreSQL announces that the change feed has gone on; a trigger of the migrations does.
const CHANGES_CHANNEL: &str = "catalogue_changes";
/// Pause before listening again after it failed: with a pooler in between it may never work.
const LISTEN_PAUSE: Duration = Duration::from_secs(30);

/// Any other number: held together by those who decide on the catalogue, alone by who changes it.
const CATALOGUE_LOCK: i64 = 0x69_746b_6175;

/// Keeps the catalogue as it is until a transaction ends: together with others who decide on it, or alone to change it.
///
/// SQLite has one writer anyway. PostgreSQL's lock queues fairly: who waits to change the catalogue goes before those who
/// come later to decide on it. A lock on the row would let them pass for ever.
pub async fn hold_catalogue(db: &impl ConnectionTrait, alone: bool) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let function = if alone { "pg_advisory_xact_lock" } else { "pg_advisory_xact_lock_shared" };
    db.execute_unprepared(&format!("SELECT {function}({CATALOGUE_LOCK})")).await.map(drop)
}

/// The version of the catalogue, which stays as it is until the transaction ends: held and read in one round trip. None where
/// nothing has to be held.
pub async fn held_version(db: &impl ConnectionTrait) -> Result<Option<i64>, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let held = Statement::from_string(DbBackend::Postgres, format!("SELECT held_catalogue_version({CATALOGUE_LOCK})"));
    let row = db.query_one_raw(held).await?;
    row.map_or(Ok(None), |row| row.try_get_by_index(0))
}

/// Whether the database carries out several writes in one statement: SQLite does not, and has no round trips.
pub fn writes_together(db: &impl ConnectionTrait) -> bool {
    db.get_database_backend() == DbBackend::Postgres
}

/// A pool of connections, and how many statements went through it.
#[derive(Clone, Debug)]
pub struct Database {
    connection: DatabaseConnection,
    statements: Arc<AtomicU64>,
    written: Arc<Notify>,
    writes: Arc<AtomicU64>,
    away: Arc<Mutex<Option<Instant>>>,
    // SQLite has one writer at a time: its own waiting is unfair and gives up, so writes of this process queue here.
    turns: Option<Arc<Semaphore>>,
}

/// A transaction that writes, and its turn.
#[derive(Debug)]
pub struct Writing {
    transaction: DatabaseTransaction,
    written: Arc<Notify>,
    writes: Arc<AtomicU64>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Writing {
    /// Makes everything that was written visible to all at once.
    pub async fn commit(self) -> Result<(), DbErr> {
        let committed = self.transaction.commit().await;
        // Also when nobody knows how it ended.
        self.writes.fetch_add(1, Ordering::Release);
        self.written.notify_one();
        committed
    }

    /// Takes everything back.
    pub async fn roll_back(self) -> Result<(), DbErr> {
        self.transaction.rollback().await
    }
}

impl std::ops::Deref for Writing {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &Self::Target {
        &self.transaction
    }
}

/// A step of the schema, and whether the database has it.
#[derive(Debug)]
pub struct Step {
    /// Name of the step.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

impl Database {
    /// Connects. The error says which host or file could not be reached, never the password.
    pub async fn connect(config: &Config) -> Result<Self, String> {
        Self::open(config, true).await
    }

    /// Connects to a database that must be there already: a slip in its name makes no new one.
    pub async fn connect_existing(config: &Config) -> Result<Self, String> {
        Self::open(config, false).await
    }

    async fn open(config: &Config, may_create: bool) -> Result<Self, String> {
        let url = &config.database_url;
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.secret().starts_with(scheme)) {
            return Err(format!("database_url {url}: expected sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME"));
        }
        let away = Arc::new(Mutex::new(None::<Instant>));
        let seen_away = away.clone();
        let mut options = ConnectOptions::new(url.secret());
        options
            // Each connection to a database in memory would be another database.
            .max_connections(if url.secret().contains(":memory:") { 1 } else { config.database_connections })
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_timeout(ACQUIRE_TIMEOUT)
            // Whether it still lives is not asked of one that has just worked: that is a round trip for each statement outside of
            // a transaction. Those from before the database was away are not used any more.
            .test_before_acquire_if_idle_for(IDLE)
            .map_sqlx_postgres_before_acquire(move |_, connection| {
                let is_newer = seen_away.lock().is_none_or(|away| connection.age < away.elapsed());
                Box::pin(std::future::ready(Ok(is_newer)))
            })
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(move |sqlite| {
                sqlite
                    .create_if_missing(may_create)
                    .foreign_keys(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Normal)
                    .busy_timeout(BUSY_TIMEOUT)
                    .row_buffer_size(ROWS_AHEAD)
                    // What is deleted is overwritten: an erased person leaves no trace in free pages.
                    .pragma("secure_delete", "ON")
            });
        let mut connection =
            sea_orm::Database::connect(options).await.map_err(|error| unreachable_message(url, &error))?;
        let statements = Arc::new(AtomicU64::new(0));
        let counter = statements.clone();
        connection.set_metric_callback(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let is_sqlite = connection.get_database_backend() == DbBackend::Sqlite;
        let turns = is_sqlite.then(|| Arc::new(Semaphore::new(1)));
        Ok(Self { connection, statements, written: Arc::default(), writes: Arc::default(), away, turns })
    }

    /// Closes all connections; SQLite then leaves one whole file behind.
    pub async fn close(&self) -> Result<(), String> {
        self.connection.clone().close().await.map_err(|error| format!("the database was not closed: {error}"))
    }

    /// The pool.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Notes that the database is away: connections that there are now will not work any more.
    pub fn note_away(&self) {
        *self.away.lock() = Some(Instant::now());
    }

    /// Statements so far, for metrics and for tests that count them.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// How often this process has written.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Acquire)
    }

    /// Begins a transaction that sees one point in time, whatever others write meanwhile.
    pub async fn begin_consistent_read(&self) -> Result<DatabaseTransaction, DbErr> {
        match self.connection.get_database_backend() {
            DbBackend::Postgres => {
                let level = Some(IsolationLevel::RepeatableRead);
                self.connection.begin_with_config(level, Some(AccessMode::ReadOnly)).await
            }
            _ => self.connection.begin().await,
        }
    }

    /// Begins a transaction that writes. PostgreSQL lets several write at once and locks rows; SQLite takes them in turn.
    pub async fn begin_write(&self) -> Result<Writing, DbErr> {
        let turn = self.turn().await?;
        let transaction = self.begin_immediate().await?;
        Ok(Writing { transaction, written: self.written.clone(), writes: self.writes.clone(), _turn: turn })
    }

    /// Waits until this process has committed something, or another instance has announced it. For one waiter.
    pub async fn written(&self) {
        self.written.notified().await;
    }

    /// Listens for ever to what other instances announce; ends at once where there are no announcements. Polling finds what is
    /// missed meanwhile.
    pub async fn keep_listening(self, url: DatabaseUrl) {
        if self.connection.get_database_backend() != DbBackend::Postgres {
            return;
        }
        loop {
            if let Err(error) = self.listen(&url).await {
                tracing::warn!(%error, "announcements of other instances are not heard; their changes are found by polling");
            }
            tokio::time::sleep(LISTEN_PAUSE).await;
        }
    }

    async fn listen(&self, url: &DatabaseUrl) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect(url.secret()).await?;
        listener.listen(CHANGES_CHANNEL).await?;
        loop {
            listener.recv().await?;
            self.written.notify_one();
        }
    }

    /// Removes what was deleted or rewritten from the files too, so far as the database itself can: SQLite empties its log,
    /// PostgreSQL writes the first of these tables anew and vacuums the others. False when somebody still reads what was.
    pub async fn purge(&self, tables: &[&str]) -> Result<bool, DbErr> {
        if self.connection.get_database_backend() == DbBackend::Postgres {
            for (place, table) in tables.iter().enumerate() {
                let full = if place == 0 { "(FULL) " } else { "" };
                self.connection.execute_unprepared(&format!("VACUUM {full}{table}")).await?;
            }
            return Ok(true);
        }
        let _turn = self.turn().await?;
        let checkpoint = Statement::from_string(DbBackend::Sqlite, "PRAGMA wal_checkpoint(TRUNCATE)");
        let row = self.connection.query_one_raw(checkpoint).await?;
        Ok(row.map(|row| row.try_get_by_index::<i32>(0)).transpose()? == Some(0))
    }

    /// This process's turn to write, where writes take turns.
    async fn turn(&self) -> Result<Option<OwnedSemaphorePermit>, DbErr> {
        let Some(turns) = &self.turns else { return Ok(None) };
        let turn = turns.clone().acquire_owned().await;
        turn.map(Some).map_err(|error| DbErr::Custom(error.to_string()))
    }

    /// Begins a transaction that no other instance's exclusive transaction runs beside: for migrating, loading, archiving.
    pub async fn begin_exclusive(&self) -> Result<Writing, DbErr> {
        let transaction = self.begin_write().await?;
        if self.connection.get_database_backend() == DbBackend::Postgres {
            let wait = format!("SELECT pg_advisory_xact_lock({EXCLUSIVE_LOCK})");
            transaction.execute_unprepared(&wait).await?;
        }
        Ok(transaction)
    }

    /// SQLite locks at the beginning: a transaction that reads first and writes then would fail beside another.
    async fn begin_immediate(&self) -> Result<DatabaseTransaction, DbErr> {
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.connection.begin_with_options(immediate).await
    }

    /// Whether the database has exactly the steps that this program knows.
    pub async fn has_current_schema(&self) -> Result<bool, DbErr> {
        Ok(applied_steps(&self.connection).await? == known_steps())
    }

    /// Brings the schema up: all steps or none, one instance at a time. Refuses a database newer than this program.
    pub async fn migrate_up(&self) -> Result<(), String> {
        self.migrate(async |transaction| Migrator::up(transaction, None).await).await
    }

    /// Takes back the last `steps` steps of the schema, with their data.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), String> {
        self.migrate(async |transaction| Migrator::down(transaction, Some(steps)).await).await
    }

    /// Every step, also those of a newer program, and whether the database has it. Only reads.
    pub async fn migration_status(&self) -> Result<Vec<Step>, String> {
        let is_installed = SchemaManager::new(&self.connection).has_table("seaql_migrations").await;
        let applied = match is_installed {
            Ok(false) => Ok(Vec::new()),
            Ok(true) => applied_steps(&self.connection).await,
            Err(error) => Err(error),
        };
        let applied = applied.map_err(|error| error.to_string())?;
        let mut names = known_steps();
        names.extend(applied.iter().filter(|step| !known_steps().contains(step)).cloned());
        Ok(names.into_iter().map(|name| Step { applied: applied.contains(&name), name }).collect())
    }

    async fn migrate(&self, change: impl AsyncFnOnce(&DatabaseTransaction) -> Result<(), DbErr>) -> Result<(), String> {
        let failed = |error: DbErr| format!("migration failed, nothing was changed: {error}");
        let transaction = self.begin_exclusive().await.map_err(failed)?;
        Migrator::install(&*transaction).await.map_err(failed)?;
        let known = known_steps();
        let applied = applied_steps(&*transaction).await.map_err(failed)?;
        if let Some(step) = applied.iter().find(|step| !known.contains(step)) {
            return Err(format!(
                "the database is newer than this program: it has the step {step}. Please start a newer itkatalog."
            ));
        }
        change(&transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}

/// Names of the steps that the database has, oldest first. Only reads.
async fn applied_steps(db: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let steps = seaql_migrations::Entity::find().order_by_asc(seaql_migrations::Column::Version).all(db).await?;
    Ok(steps.into_iter().map(|step| step.version).collect())
}

fn known_steps() -> Vec<String> {
    Migrator::migrations().iter().map(|step| step.name().to_owned()).collect()
}

fn unreachable_message(url: &DatabaseUrl, error: &DbErr) -> String {
    let place = match url::Url::parse(url.secret()) {
        Ok(parsed) if parsed.has_host() && !url.secret().starts_with("sqlite") => {
            format!("at {}:{}", parsed.host_str().unwrap_or_default(), parsed.port().unwrap_or(5432))
        }
        _ => format!("{url}"),
    };
    let check = if place.starts_with("at ") { "that the server runs" } else { "that its folder can be written to" };
    format!("the database {place} can't be reached: {error}. Please check database_url and {check}.")
}
