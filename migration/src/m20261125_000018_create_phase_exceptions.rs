//! Exceptions to the current phase, for one provider or one product, and proposals for them.

use sea_orm_migration::prelude::*;
#[allow(clippy::wildcard_imports)]
use sea_orm_migration::schema::*;

use crate::columns::*;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

const PROPOSALS: &str = "phase_proposals";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = table_with_id("phase_exceptions");
        reference_null(&mut table, "provider_id", "providers");
        reference_null(&mut table, "product_id", "products");
        reference(&mut table, "proposal_id", PROPOSALS);
        table
            .col(text("phase"))
            .col(date("from_day"))
            .col(date_null("until_day"))
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone_null("ended_at"));
        table.check(Expr::col("provider_id").is_null().ne(Expr::col("product_id").is_null()));
        manager.create_table(table).await?;
        only_one_holds(manager, "provider_id").await?;
        only_one_holds(manager, "product_id").await?;
        for column in [uuid_null("provider_id"), uuid_null("product_id"), date_null("until_day")] {
            // One at a time: SQLite adds no two columns in one statement.
            manager.alter_table(Table::alter().table(PROPOSALS).add_column(column).take()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["phase_exceptions"]).await?;
        // Without its scope a proposal would be one for all.
        let scoped = Expr::col("provider_id").is_not_null().or(Expr::col("product_id").is_not_null());
        manager.execute(Query::delete().from_table(PROPOSALS).and_where(scoped).take()).await?;
        for column in ["provider_id", "product_id", "until_day"] {
            manager.alter_table(Table::alter().table(PROPOSALS).drop_column(column).take()).await?;
        }
        Ok(())
    }
}

/// INVARIANT: at most one exception that was not ended is about the same provider or product, whoever writes.
async fn only_one_holds(manager: &SchemaManager<'_>, column: &'static str) -> Result<(), DbErr> {
    let statement = Index::create()
        .name(format!("uq_phase_exceptions_{column}"))
        .table("phase_exceptions")
        .col(column)
        .unique()
        .and_where(Expr::col("ended_at").is_null())
        .take();
    manager.create_index(statement).await
}
