//! The history of subscriptions: one row for each version.

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
        let mut table = Table::create().table("subscription_history").take();
        reference(&mut table, "subscription_id", "product_subscriptions");
        table
            .col(big_integer("version"))
            .col(timestamp_with_time_zone("at"))
            .col(text("action"))
            .col(text("state"))
            .col(text_null("role"))
            .col(text("reason_code"))
            .col(text_null("reason_text"))
            .col(text_null("reason_reference"));
        table.primary_key(Index::create().col("subscription_id").col("version"));
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["subscription_history"]).await
    }
}
