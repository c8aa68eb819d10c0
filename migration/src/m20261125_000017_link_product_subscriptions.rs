//! What a subscription was moved from and to, the collective request that it was asked in, and the organisation that asked.

use sea_orm_migration::prelude::*;
#[allow(clippy::wildcard_imports)]
use sea_orm_migration::schema::*;

use crate::columns::*;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "product_subscriptions";
const COLUMNS: [&str; 5] =
    ["asked_by_organisation", "open_product_id", "predecessor_id", "successor_id", "collective_id"];

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
        index(manager, TABLE, &["asked_by_organisation"], false).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [
            "uq_product_subscriptions_predecessor_id",
            "ix_product_subscriptions_collective_id",
            "ix_product_subscriptions_asked_by_organisation",
        ] {
            manager.drop_index(Index::drop().name(name).table(TABLE).to_owned()).await?;
        }
        for column in COLUMNS {
            manager.alter_table(Table::alter().table(TABLE).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
