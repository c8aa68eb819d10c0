//! Freezes: for a while, nobody but the transformation office changes subscriptions of a product, a provider, or at all.

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
        let mut table = table_with_id("freezes");
        reference_null(&mut table, "provider_id", "providers");
        reference_null(&mut table, "product_id", "products");
        table
            .col(text("message"))
            .col(date("from_day"))
            .col(date_null("until_day"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone_null("lifted_at"));
        table.check(Expr::col("provider_id").is_null().or(Expr::col("product_id").is_null()));
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["freezes"]).await
    }
}
