//! Versions of products tell whose portfolio the product was in.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::uuid_null;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(Table::alter().table("product_versions").add_column(uuid_null("provider_id")).take())
            .await?;
        // Before this step no version kept it: the provider of now is the best that is known.
        let fill = "UPDATE product_versions SET provider_id = \
            (SELECT provider_id FROM products WHERE products.id = product_versions.product_id)";
        manager.get_connection().execute_unprepared(fill).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("product_versions").drop_column("provider_id").take()).await
    }
}
