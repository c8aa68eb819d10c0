//! What is open on a subscription, who asked, and indexes for lists that are newest first.

use sea_orm_migration::prelude::*;
#[allow(clippy::wildcard_imports)]
use sea_orm_migration::schema::*;

use crate::columns::*;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

const TABLE: &str = "product_subscriptions";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in [
            text_null("open_matter"),
            text_null("awaits"),
            big_integer_null("open_quantity"),
            date_null("open_on"),
            timestamp_with_time_zone_null("expires_at"),
            text_null("asked_by_issuer"),
            text_null("asked_by_subject"),
            text_null("asked_in"),
        ] {
            // One at a time: SQLite adds no two columns in one statement.
            manager.alter_table(Table::alter().table(TABLE).add_column(column).take()).await?;
        }
        let open = Query::update()
            .table(TABLE)
            .values([
                ("open_matter", "REQUEST".into()),
                ("awaits", "APPROVAL".into()),
                ("asked_in", "FOUNDATION".into()),
            ])
            .and_where(Expr::col("state").eq("REQUESTED"))
            .take();
        manager.execute(open).await?;
        for owner in ["municipality_id", "provider_id", "product_id"] {
            index(manager, TABLE, &[owner, "created_at", "id"], false).await?;
        }
        index(manager, TABLE, &["created_at", "id"], false).await?;
        index(manager, TABLE, &["open_matter", "expires_at"], false).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [
            "ix_product_subscriptions_municipality_id_created_at_id",
            "ix_product_subscriptions_provider_id_created_at_id",
            "ix_product_subscriptions_product_id_created_at_id",
            "ix_product_subscriptions_created_at_id",
            "ix_product_subscriptions_open_matter_expires_at",
        ] {
            manager.drop_index(Index::drop().name(name).table(TABLE).to_owned()).await?;
        }
        for column in [
            "open_matter",
            "awaits",
            "open_quantity",
            "open_on",
            "expires_at",
            "asked_by_issuer",
            "asked_by_subject",
            "asked_in",
        ] {
            manager.alter_table(Table::alter().table(TABLE).drop_column(column).take()).await?;
        }
        Ok(())
    }
}
