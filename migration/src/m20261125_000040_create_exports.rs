//! Exports: who asked for which file, how far it is, and the file itself in parts.

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
        manager.create_table(exports()).await?;
        index(manager, "exports", &["issuer", "subject", "created_at"], false).await?;
        index(manager, "exports", &["state"], false).await?;
        let mut parts = Table::create().table("export_parts").take();
        reference(&mut parts, "export_id", "exports");
        parts
            .col(big_integer("begins"))
            .col(big_integer("length"))
            .col(blob("content"))
            .primary_key(Index::create().col("export_id").col("begins"));
        manager.create_table(parts).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["export_parts", "exports"]).await
    }
}

fn exports() -> TableCreateStatement {
    table_with_id("exports")
        .col(text("issuer"))
        .col(text("subject"))
        .col(text("type"))
        .col(text("format"))
        .col(text("filter"))
        .col(text("scope"))
        .col(date_null("as_of"))
        .col(big_integer("position"))
        .col(text("state"))
        .col(text_null("failure"))
        .col(integer("attempts"))
        .col(big_integer_null("total"))
        .col(big_integer("seen"))
        .col(big_integer("rows"))
        .col(big_integer("bytes"))
        .col(text_null("sha256"))
        .col(text_null("rows_sha256"))
        .col(uuid_null("lease"))
        .col(timestamp_with_time_zone_null("leased_until"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("finished_at"))
        .col(timestamp_with_time_zone_null("expires_at"))
        .take()
}
