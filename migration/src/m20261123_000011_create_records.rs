//! The audit trail, the change feed, and their heads: one row that every write locks last, so that both have the order of
//! commits and no gap.

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
        create_heads(manager).await?;
        create_changes(manager).await?;
        create_audit_events(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["audit_events", "changes", "record_heads"]).await
    }
}

async fn create_heads(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("record_heads").take();
    table.col(integer("id")).col(big_integer("change_sequence")).col(big_integer("audit_sequence"));
    table.col(text("audit_hash"));
    table.primary_key(Index::create().col("id"));
    manager.create_table(table).await?;
    // Before the first event there is nothing: a hash of zeros.
    let insert = Query::insert()
        .into_table("record_heads")
        .columns(["id", "change_sequence", "audit_sequence", "audit_hash"])
        .values_panic([1.into(), 0i64.into(), 0i64.into(), "0".repeat(64).into()])
        .take();
    manager.execute(insert).await
}

async fn create_changes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("changes").take();
    table
        .col(big_integer("sequence"))
        .col(timestamp_with_time_zone("at"))
        .col(text("type"))
        .col(uuid("entity_id"))
        .col(big_integer_null("entity_version"));
    table.primary_key(Index::create().col("sequence"));
    manager.create_table(table).await?;
    index(manager, "changes", &["type", "sequence"], false).await?;
    index(manager, "changes", &["entity_id", "sequence"], false).await
}

async fn create_audit_events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("audit_events").take();
    table
        .col(big_integer("sequence"))
        .col(timestamp_with_time_zone("at"))
        .col(text("action"))
        .col(text("outcome"))
        .col(text("issuer"))
        .col(text("subject"))
        .col(text("roles"))
        .col(text_null("organisation"))
        .col(text_null("entity_type"))
        .col(uuid_null("entity_id"))
        .col(text_null("before"))
        .col(text_null("after"))
        .col(text_null("content_digest"))
        .col(text_null("reason_code"))
        .col(text_null("reason_text"))
        .col(text_null("reason_digest"))
        .col(text_null("reason_reference"))
        .col(text_null("rule"))
        .col(text_null("request_id"))
        .col(text_null("salt"))
        .col(text("previous_hash"))
        .col(text("hash"));
    table.primary_key(Index::create().col("sequence"));
    manager.create_table(table).await?;
    index(manager, "audit_events", &["entity_id", "sequence"], false).await
}
