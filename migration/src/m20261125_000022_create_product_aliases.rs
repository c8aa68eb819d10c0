//! Keys that products had with a provider that has merged since.

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
        let mut table = Table::create().table("product_aliases").take();
        reference(&mut table, "provider_id", "providers");
        table.col(text("external_id"));
        reference(&mut table, "product_id", "products");
        table.primary_key(Index::create().col("provider_id").col("external_id"));
        manager.create_table(table).await?;
        index(manager, "product_aliases", &["product_id"], false).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["product_aliases"]).await
    }
}
