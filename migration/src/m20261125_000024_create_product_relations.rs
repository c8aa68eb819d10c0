//! What products have to do with each other; what was decided about pairs that look the same; versions of standard products.

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
        create_relations(manager).await?;
        create_decisions(manager).await?;
        let version = big_integer("version").default(1).take();
        manager.alter_table(Table::alter().table("standard_products").add_column(version).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["overlap_decisions", "product_relations"]).await?;
        manager.alter_table(Table::alter().table("standard_products").drop_column("version").take()).await
    }
}

async fn create_relations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("product_relations").take();
    reference(&mut table, "product_id", "products");
    table.col(text("kind"));
    reference(&mut table, "other_id", "products");
    table.primary_key(Index::create().col("product_id").col("kind").col("other_id"));
    table.check(Expr::col("product_id").ne(Expr::col("other_id")));
    manager.create_table(table).await?;
    index(manager, "product_relations", &["other_id"], false).await
}

async fn create_decisions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("overlap_decisions");
    reference(&mut table, "product_id", "products");
    reference(&mut table, "other_id", "products");
    table.col(text("outcome"));
    reference_null(&mut table, "standard_product_id", "standard_products");
    table.col(text("digest")).col(timestamp_with_time_zone("decided_at"));
    table.check(Expr::col("product_id").ne(Expr::col("other_id")));
    manager.create_table(table).await?;
    index(manager, "overlap_decisions", &["product_id", "other_id"], true).await
}
