//! Proposals to enter another phase: one person proposes, another confirms.

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
        let mut table = table_with_id("phase_proposals");
        table
            .col(text("from_phase"))
            .col(text("to_phase"))
            .col(boolean("overrides_open_criteria"))
            .col(text("proposed_by_issuer"))
            .col(text("proposed_by_subject"))
            .col(timestamp_with_time_zone("proposed_at"))
            .col(timestamp_with_time_zone("expires_at"))
            .col(timestamp_with_time_zone_null("confirmed_at"));
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["phase_proposals"]).await
    }
}
