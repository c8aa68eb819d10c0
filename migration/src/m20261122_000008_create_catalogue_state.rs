//! The version of the published catalogue: one row, raised by every catalogue write.

use sea_orm_migration::prelude::*;
#[allow(clippy::wildcard_imports)]
use sea_orm_migration::schema::*;

use crate::columns::*;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_catalogue_state(manager).await?;
        insert_first_version(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["catalogue_state"]).await
    }
}

async fn create_catalogue_state(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("catalogue_state").take();
    table.col(integer("id")).col(big_integer("version")).col(timestamp_with_time_zone("updated_at"));
    table.primary_key(Index::create().col("id"));
    manager.create_table(table).await?;
    Ok(())
}

async fn insert_first_version(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let insert = Query::insert()
        .into_table("catalogue_state")
        .columns(["id", "version", "updated_at"])
        .values_panic([1.into(), 0i64.into(), Expr::current_timestamp()])
        .take();
    manager.execute(insert).await
}
