//! Fresh databases: an empty one, or a copy of one that holds the sample data.

use std::sync::atomic::{AtomicU32, Ordering};

use itkatalog::{
    database::Database,
    seed::{self, Content},
};
use sea_orm::ConnectionTrait;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::{clock, config, fingerprint, postgres};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// A database of one test.
pub struct TestDatabase {
    pub backend: Backend,
    pub url: String,
    name: String,
    // The folder goes with the test.
    _folder: Option<TempDir>,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);
static SQLITE_TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();
static POSTGRES_TEMPLATE: OnceCell<String> = OnceCell::const_new();

impl TestDatabase {
    pub async fn empty(backend: Backend) -> Self {
        let name = new_name();
        match backend {
            Backend::Sqlite => Self::sqlite(name, None),
            Backend::Postgres => {
                administer(&format!("CREATE DATABASE {name}")).await;
                Self::postgres(name)
            }
        }
    }

    pub async fn with_sample_data(backend: Backend) -> Self {
        let name = new_name();
        match backend {
            Backend::Sqlite => {
                let template = SQLITE_TEMPLATE.get_or_init(sqlite_template).await;
                Self::sqlite(name, Some(template))
            }
            Backend::Postgres => {
                let template = POSTGRES_TEMPLATE.get_or_init(postgres_template).await;
                administer(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
                Self::postgres(name)
            }
        }
    }

    /// The same database, for another instance; the first one removes it.
    pub fn another(&self) -> Self {
        Self { backend: self.backend, url: self.url.clone(), name: self.name.clone(), _folder: None }
    }

    /// Makes the database unreachable for the service, or reachable again.
    pub async fn set_reachable(&self, is_reachable: bool) {
        match self.backend {
            Backend::Postgres => {
                administer(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS {is_reachable}", self.name)).await;
                let end =
                    format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'", self.name);
                administer(&end).await;
            }
            // A file can't be taken from a process that has it open; its tables can.
            Backend::Sqlite => {
                let database = Database::connect(&config(&self.url)).await.unwrap();
                for table in ["catalogue_state", "seaql_migrations"] {
                    let (from, to) = (table.to_owned(), format!("away_{table}"));
                    let (from, to) = if is_reachable { (to, from) } else { (from, to) };
                    database
                        .connection()
                        .execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}"))
                        .await
                        .unwrap();
                }
                database.connection().clone().close().await.unwrap();
            }
        }
    }

    pub async fn remove(self) {
        if self.backend == Backend::Postgres {
            administer(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
        }
    }

    fn sqlite(name: String, content: Option<&[u8]>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("itkatalog.db");
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let url = format!("sqlite://{}", path.display());
        Self { backend: Backend::Sqlite, url, name, _folder: Some(folder) }
    }

    fn postgres(name: String) -> Self {
        let url = format!("{}/{name}", postgres::server_url());
        Self { backend: Backend::Postgres, url, name, _folder: None }
    }
}

fn new_name() -> String {
    format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

async fn sqlite_template() -> Vec<u8> {
    let database = TestDatabase::empty(Backend::Sqlite).await;
    fill(&database.url).await;
    std::fs::read(database.url.trim_start_matches("sqlite://")).unwrap()
}

async fn postgres_template() -> String {
    let database = TestDatabase::empty(Backend::Postgres).await;
    fill(&database.url).await;
    database.name
}

async fn fill(url: &str) {
    let database = Database::connect(&config(url)).await.unwrap();
    database.migrate_up().await.unwrap();
    seed::run(&database, &fingerprint(), clock(), Content::Demo).await.unwrap();
    database.connection().clone().close().await.unwrap();
}

async fn administer(statement: &str) {
    let database = Database::connect(&config(&format!("{}/postgres", postgres::server_url()))).await.unwrap();
    database.connection().execute_unprepared(statement).await.unwrap();
    database.connection().clone().close().await.unwrap();
}
