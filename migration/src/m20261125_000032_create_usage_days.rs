//! How often clients ask: a row for each client and day.

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
        let table = Table::create()
            .table("usage_days")
            .col(text("issuer"))
            .col(text("client_id"))
            .col(date("day"))
            .col(big_integer("requests"))
            .col(big_integer("refused"))
            .col(timestamp_with_time_zone("last_at"))
            .primary_key(Index::create().col("issuer").col("client_id").col("day"))
            .take();
        manager.create_table(table).await?;
        index(manager, "usage_days", &["day"], false).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["usage_days"]).await
    }
}
