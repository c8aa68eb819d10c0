//! Area changes: the day on which a municipality became part of another one, and which one had a subscription before.

use sea_orm_migration::prelude::*;
#[allow(clippy::wildcard_imports)]
use sea_orm_migration::schema::*;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "municipalities";
const HISTORY: &str = "subscription_history";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One at a time: SQLite adds no two columns in one statement.
        let columns = [date_null("dissolved_on"), uuid_null("merged_into_id"), text_null("area_change_reference")];
        for column in columns {
            manager.alter_table(Table::alter().table(TABLE).add_column(column).take()).await?;
        }
        let former = uuid_null("former_municipality_id");
        manager.alter_table(Table::alter().table(HISTORY).add_column(former).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // An older program knows the step of a merger only.
        let followed = Query::update()
            .table(HISTORY)
            .value("action", "MERGE")
            .and_where(Expr::col("action").eq("FOLLOW_AREA_CHANGE"))
            .take();
        manager.execute(followed).await?;
        manager.alter_table(Table::alter().table(HISTORY).drop_column("former_municipality_id").take()).await?;
        for column in ["dissolved_on", "merged_into_id", "area_change_reference"] {
            manager.alter_table(Table::alter().table(TABLE).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
