//! The only file that knows which database is behind: connecting, migrating, and the differences between
//! SQLite and PostgreSQL.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, TransactionTrait, sqlx::sqlite::SqliteJournalMode, sqlx::sqlite::SqliteSynchronous,
};

use crate::config::{Config, DatabaseUrl};

/// Longest wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait of SQLite for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Any number, the same in every instance: who holds it migrates.
const MIGRATION_LOCK: i64 = 0x69_746b_6174;

/// A pool of connections, and how many statements went through it.
#[derive(Clone, Debug)]
pub struct Database {
    connection: DatabaseConnection,
    statements: Arc<AtomicU64>,
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
        let url = &config.database_url;
        if !["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| url.secret().starts_with(scheme)) {
            return Err(format!("database_url {url}: expected sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME"));
        }
        let mut options = ConnectOptions::new(url.secret());
        options
            .max_connections(config.database_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_timeout(ACQUIRE_TIMEOUT)
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|sqlite| {
                sqlite
                    .create_if_missing(true)
                    .foreign_keys(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Normal)
                    .busy_timeout(BUSY_TIMEOUT)
            });
        let mut connection =
            sea_orm::Database::connect(options).await.map_err(|error| unreachable_message(url, &error))?;
        let statements = Arc::new(AtomicU64::new(0));
        let counter = statements.clone();
        connection.set_metric_callback(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        Ok(Self { connection, statements })
    }

    /// The pool.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Statements so far, for metrics and for tests that count them.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
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

    /// Whether the database has exactly the steps that this program knows.
    pub async fn has_current_schema(&self) -> Result<bool, DbErr> {
        let models = Migrator::get_migration_models(&self.connection).await?;
        let mut applied: Vec<String> = models.into_iter().map(|model| model.version).collect();
        applied.sort_unstable();
        Ok(applied == known_steps())
    }

    /// Brings the schema up: all steps, one instance at a time. Refuses a database newer than this program.
    pub async fn migrate_up(&self) -> Result<(), String> {
        self.refuse_newer().await?;
        let lock = self.connection.begin().await.map_err(|error| error.to_string())?;
        if self.connection.get_database_backend() == DbBackend::Postgres {
            let wait = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
            lock.execute_unprepared(&wait).await.map_err(|error| error.to_string())?;
        }
        let result = Migrator::up(&self.connection, None).await;
        lock.commit().await.map_err(|error| error.to_string())?;
        result.map_err(|error| format!("migration failed: {error}"))
    }

    /// Takes back the last `steps` steps of the schema, with their data.
    pub async fn migrate_down(&self, steps: u32) -> Result<(), String> {
        self.refuse_newer().await?;
        Migrator::down(&self.connection, Some(steps)).await.map_err(|error| format!("migration failed: {error}"))
    }

    /// Every step, and whether the database has it.
    pub async fn migration_status(&self) -> Result<Vec<Step>, String> {
        let applied = self.applied_steps().await?;
        let steps = known_steps().into_iter();
        Ok(steps.map(|name| Step { applied: applied.contains(&name), name }).collect())
    }

    async fn applied_steps(&self) -> Result<Vec<String>, String> {
        Migrator::install(&self.connection).await.map_err(|error| error.to_string())?;
        let models = Migrator::get_migration_models(&self.connection).await.map_err(|error| error.to_string())?;
        Ok(models.into_iter().map(|model| model.version).collect())
    }

    async fn refuse_newer(&self) -> Result<(), String> {
        let known = known_steps();
        let applied = self.applied_steps().await?;
        match applied.iter().find(|step| !known.contains(step)) {
            Some(step) => Err(format!(
                "the database is newer than this program: it has the step {step}. Please start a newer itkatalog."
            )),
            None => Ok(()),
        }
    }
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
    format!("the database {place} can't be reached: {error}. Please check database_url and that the server runs.")
}
