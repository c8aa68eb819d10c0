//! Customer groups: members by rule, by hand, or both.

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
        create_customer_groups(manager).await?;
        create_customer_group_members(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["customer_group_members", "customer_groups"]).await
    }
}

async fn create_customer_groups(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("customer_groups");
    table.col(text("key")).col(text("name")).col(text_null("description")).col(json_null("rule")).col(text("source"));
    manager.create_table(table).await?;
    index(manager, "customer_groups", &["key"], true).await?;
    Ok(())
}

async fn create_customer_group_members(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("customer_group_members").take();
    reference(&mut table, "group_id", "customer_groups");
    reference(&mut table, "municipality_id", "municipalities");
    table.primary_key(Index::create().col("group_id").col("municipality_id"));
    manager.create_table(table).await?;
    index(manager, "customer_group_members", &["municipality_id"], false).await?;
    Ok(())
}
