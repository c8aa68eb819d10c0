//! Providers: what they serve, who merged into whom, how far they and municipalities have joined.

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
        create_providers(manager).await?;
        create_provider_coverage(manager).await?;
        create_provider_mergers(manager).await?;
        create_provider_merger_predecessors(manager).await?;
        create_joinings(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &["joinings", "provider_merger_predecessors", "provider_mergers", "provider_coverage", "providers"],
        )
        .await
    }
}

async fn create_providers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("providers");
    table
        .col(text("key"))
        .col(text("name"))
        .col(text_null("short_name"))
        .col(text("kind"))
        .col(text_null("legal_form"))
        .col(text_null("seat"))
        .col(text_null("area_served"))
        .col(text_null("website"))
        .col(boolean_null("kdn_member"))
        .col(text("source"))
        .col(text("confidence"))
        .col(boolean("sample"));
    manager.create_table(table).await?;
    index(manager, "providers", &["key"], true).await?;
    Ok(())
}

async fn create_provider_coverage(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("provider_coverage");
    reference(&mut table, "provider_id", "providers");
    reference(&mut table, "municipality_id", "municipalities");
    table
        .col(text("basis"))
        .col(date_null("valid_from"))
        .col(date_null("valid_to"))
        .col(text("source"))
        .col(text("confidence"));
    manager.create_table(table).await?;
    index(manager, "provider_coverage", &["municipality_id"], false).await?;
    index(manager, "provider_coverage", &["provider_id", "municipality_id", "valid_from"], true).await?;
    Ok(())
}

async fn create_provider_mergers(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("provider_mergers");
    table
        .col(text("key"))
        .col(text("kind"))
        .col(date_null("on_date"))
        .col(text("date_text"))
        .col(text("successor_name"));
    reference_null(&mut table, "successor_id", "providers");
    table.col(text_null("affected")).col(text("source")).col(text("confidence"));
    manager.create_table(table).await?;
    index(manager, "provider_mergers", &["key"], true).await?;
    Ok(())
}

async fn create_provider_merger_predecessors(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("provider_merger_predecessors");
    reference(&mut table, "merger_id", "provider_mergers");
    table.col(text("name"));
    reference_null(&mut table, "provider_id", "providers");
    manager.create_table(table).await?;
    index(manager, "provider_merger_predecessors", &["merger_id"], false).await?;
    Ok(())
}

async fn create_joinings(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("joinings");
    reference_null(&mut table, "provider_id", "providers");
    reference_null(&mut table, "municipality_id", "municipalities");
    table.col(text("level")).col(date("valid_from")).col(text_null("resolution")).col(boolean("sample"));
    table.check(Expr::col("provider_id").is_null().ne(Expr::col("municipality_id").is_null()));
    manager.create_table(table).await?;
    index(manager, "joinings", &["provider_id", "valid_from"], true).await?;
    index(manager, "joinings", &["municipality_id", "valid_from"], true).await?;
    Ok(())
}
