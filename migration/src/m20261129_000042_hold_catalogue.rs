//! PostgreSQL holds the catalogue still and tells its version in one round trip, for every change that is decided on it.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

// Each statement of the function sees what was committed before it: the version is that of when the lock was given.
const UP: &str = "CREATE FUNCTION held_catalogue_version(lock bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(lock);
    RETURN coalesce((SELECT version FROM catalogue_state), 0);
END
$$";
const DOWN: &str = "DROP FUNCTION held_catalogue_version(bigint)";

async fn run(manager: &SchemaManager<'_>, statement: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await
    }
}
