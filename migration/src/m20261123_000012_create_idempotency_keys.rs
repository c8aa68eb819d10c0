//! Results of changes by the caller's own key, so that a repeated request changes nothing twice.

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
        let mut table = Table::create().table("idempotency_keys").take();
        table
            .col(text("issuer"))
            .col(text("subject"))
            .col(text("mutation"))
            .col(text("key"))
            .col(text("input_digest"))
            .col(uuid("entity_id"))
            .col(text("rule"))
            .col(text("phase"))
            .col(timestamp_with_time_zone("created_at"));
        table.primary_key(Index::create().col("issuer").col("subject").col("mutation").col("key"));
        manager.create_table(table).await?;
        index(manager, "idempotency_keys", &["created_at"], false).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["idempotency_keys"]).await
    }
}
