//! Transformation phases, their exit criteria, and the assumptions of price estimates.

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
        create_phases(manager).await?;
        create_phase_exit_criteria(manager).await?;
        create_estimate_assumptions(manager).await?;
        only_one_current_phase(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["estimate_assumptions", "phase_exit_criteria", "phases"]).await
    }
}

async fn create_phases(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("phases");
    table
        .col(text("key"))
        .col(integer("ordinal"))
        .col(text("name"))
        .col(text("theme"))
        .col(text("state"))
        .col(date_null("planned_start"))
        .col(date_null("started_at"))
        .col(date_null("ended_at"))
        .col(text("source"));
    manager.create_table(table).await?;
    index(manager, "phases", &["key"], true).await?;
    index(manager, "phases", &["ordinal"], true).await?;
    Ok(())
}

async fn create_phase_exit_criteria(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("phase_exit_criteria");
    reference(&mut table, "phase_id", "phases");
    table.col(integer("ordinal")).col(text("text")).col(boolean("met")).col(date_null("met_at")).col(text("source"));
    manager.create_table(table).await?;
    index(manager, "phase_exit_criteria", &["phase_id", "ordinal"], true).await?;
    Ok(())
}

async fn create_estimate_assumptions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("estimate_assumptions");
    table
        .col(text("unit"))
        .col(text("applies_to"))
        .col(big_integer("per_100000_inhabitants"))
        .col(text("text_de"))
        .col(text("text_en"))
        .col(text("source"));
    manager.create_table(table).await?;
    index(manager, "estimate_assumptions", &["unit", "applies_to"], true).await?;
    Ok(())
}

/// INVARIANT: one phase at most is current, whoever writes.
async fn only_one_current_phase(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let statement = Index::create()
        .name("uq_phases_current")
        .table("phases")
        .col("state")
        .unique()
        .and_where(Expr::col("state").eq("CURRENT"))
        .take();
    manager.create_index(statement).await
}
