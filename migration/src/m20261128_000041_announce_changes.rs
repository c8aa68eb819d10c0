//! PostgreSQL announces by itself, once a transaction is committed, that the change feed has gone on: no statement of its own for
//! each change. Only a hint: SQLite has no announcements, and what is missed is found by polling.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

const UP: [&str; 2] = [
    "CREATE FUNCTION record_heads_announce() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('catalogue_changes', '');
    RETURN NULL;
END
$$",
    "CREATE TRIGGER record_heads_announce AFTER UPDATE ON record_heads FOR EACH ROW
WHEN (OLD.change_sequence IS DISTINCT FROM NEW.change_sequence) EXECUTE FUNCTION record_heads_announce()",
];
const DOWN: [&str; 2] = ["DROP TRIGGER record_heads_announce ON record_heads", "DROP FUNCTION record_heads_announce()"];

async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        for statement in statements {
            manager.get_connection().execute_unprepared(statement).await?;
        }
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, &DOWN).await
    }
}
