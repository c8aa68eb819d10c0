//! Portfolios that providers register: requested lifecycle and reasons of products, their versions, and registrations.

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
        for column in ["requested_lifecycle", "return_reason"] {
            // One at a time: SQLite adds no two columns in one statement.
            manager.alter_table(Table::alter().table("products").add_column(text_null(column)).take()).await?;
        }
        create_product_versions(manager).await?;
        create_portfolio_registrations(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["portfolio_registrations", "product_versions"]).await?;
        for column in ["requested_lifecycle", "return_reason"] {
            manager.alter_table(Table::alter().table("products").drop_column(column).take()).await?;
        }
        Ok(())
    }
}

async fn create_product_versions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("product_versions").take();
    reference(&mut table, "product_id", "products");
    table
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("at"))
        .col(text("action"))
        .col(text("lifecycle"))
        .col(text("content"))
        .col(timestamp_with_time_zone_null("seen_at"));
    table.primary_key(Index::create().col("product_id").col("version"));
    manager.create_table(table).await?;
    index(manager, "product_versions", &["seen_at", "at"], false).await
}

async fn create_portfolio_registrations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("portfolio_registrations");
    reference(&mut table, "provider_id", "providers");
    table.col(timestamp_with_time_zone("at")).col(big_integer("total")).col(text("digest"));
    for column in ["added", "changed", "unchanged", "missing", "rejected"] {
        table.col(big_integer(column));
    }
    manager.create_table(table).await?;
    index(manager, "portfolio_registrations", &["provider_id", "at"], false).await
}
