//! What a subscription was moved from and to, the collective request that it was asked in, and the organisation that asked.

use sea_orm_migration::prelude::*;
#[allow(clippy::wildcard_imports)]
use sea_orm_migration::schema::*;

use crate::columns::*;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "product_subscriptions";
const COLUMNS: [&str; 6] =
    ["asked_by_organisation", "open_product_id", "predecessor_id", "successor_id", "collective_id", "collective_by"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            // One at a time: SQLite adds no two columns in one statement.
            manager.alter_table(Table::alter().table(TABLE).add_column(uuid_null(column)).take()).await?;
        }
        // INVARIANT: a subscription is moved once at most.
        index(manager, TABLE, &["predecessor_id"], true).await?;
        index(manager, TABLE, &["collective_id"], false).await?;
        // What a Kreis asked for on behalf of its municipalities.
        index(manager, TABLE, &["collective_by"], false).await?;
        // What a provider asked for, its colleagues don't approve: who takes it is who asked.
        let asked = Query::update()
            .table(TABLE)
            .value("asked_by_organisation", Expr::col("provider_id"))
            .and_where(Expr::col("provider_id").is_not_null())
            .and_where(Expr::col("open_matter").is_not_null())
            .take();
        manager.execute(asked).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        forget_moves(manager).await?;
        for name in [
            "uq_product_subscriptions_predecessor_id",
            "ix_product_subscriptions_collective_id",
            "ix_product_subscriptions_collective_by",
        ] {
            manager.drop_index(Index::drop().name(name).table(TABLE).to_owned()).await?;
        }
        for column in COLUMNS {
            manager.alter_table(Table::alter().table(TABLE).drop_column(column).take()).await?;
        }
        Ok(())
    }
}

/// An older program knows neither open moves nor beginnings by themselves.
async fn forget_moves(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let open = Query::update()
        .table(TABLE)
        .values([
            ("open_matter", Option::<String>::None.into()),
            ("awaits", Option::<String>::None.into()),
            ("open_quantity", Option::<i64>::None.into()),
        ])
        .and_where(Expr::col("open_matter").eq("MIGRATION"))
        .take();
    manager.execute(open).await?;
    let begun = Query::update()
        .table("subscription_history")
        .value("action", "ACTIVATE_SUBSCRIPTION")
        .and_where(Expr::col("action").eq("BEGIN"))
        .take();
    manager.execute(begun).await
}
