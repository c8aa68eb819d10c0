//! Webhooks: whom changes are sent to, how far each has come, what of it waits, and a log of what was sent.

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
        manager.create_table(webhooks()).await?;
        index(manager, "webhooks", &["issuer", "subject"], false).await?;
        let mut entries = Table::create().table("webhook_entries").take();
        reference(&mut entries, "webhook_id", "webhooks");
        entries
            .col(big_integer("sequence"))
            .col(boolean("delivered"))
            .col(integer("attempts"))
            .col(timestamp_with_time_zone_null("first_failed_at"))
            .col(timestamp_with_time_zone_null("next_attempt_at"))
            .primary_key(Index::create().col("webhook_id").col("sequence"));
        manager.create_table(entries).await?;
        let mut deliveries = table_with_id("webhook_deliveries");
        reference(&mut deliveries, "webhook_id", "webhooks");
        deliveries
            .col(timestamp_with_time_zone("at"))
            .col(text("message_id"))
            .col(text("type"))
            .col(big_integer_null("sequence"))
            .col(integer("attempt"))
            .col(text("outcome"))
            .col(integer_null("status"))
            .col(integer("duration_ms"))
            .col(text_null("error"));
        manager.create_table(deliveries).await?;
        index(manager, "webhook_deliveries", &["webhook_id", "at", "id"], false).await?;
        index(manager, "webhook_deliveries", &["at"], false).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["webhook_deliveries", "webhook_entries", "webhooks"]).await
    }
}

fn webhooks() -> TableCreateStatement {
    table_with_id("webhooks")
        .col(text("issuer"))
        .col(text("subject"))
        .col(text("roles"))
        .col(uuid_null("municipality_id"))
        .col(uuid_null("provider_id"))
        .col(text("customer_groups"))
        .col(text("url"))
        .col(text("description"))
        .col(text_null("types"))
        .col(big_integer("version"))
        .col(text("state"))
        .col(text_null("disabled_because"))
        .col(timestamp_with_time_zone_null("disabled_at"))
        .col(timestamp_with_time_zone_null("failing_since"))
        .col(integer("failed_in_a_row"))
        .col(timestamp_with_time_zone_null("delivered_at"))
        .col(big_integer("position"))
        .col(big_integer("seen"))
        .col(big_integer("moves"))
        .col(timestamp_with_time_zone_null("retry_at"))
        .col(timestamp_with_time_zone_null("resting_until"))
        .col(text("secret"))
        .col(timestamp_with_time_zone("secret_made_at"))
        .col(text_null("previous_secret"))
        .col(timestamp_with_time_zone_null("previous_secret_until"))
        .col(uuid_null("lease"))
        .col(timestamp_with_time_zone_null("leased_until"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}
