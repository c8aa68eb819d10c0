//! The change feed for readers: which entries were about something published, and an id of this installation for cursors.

use sea_orm_migration::prelude::*;
#[allow(clippy::wildcard_imports)]
use sea_orm_migration::schema::*;
use uuid::Uuid;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let published = boolean("published").default(true).take();
        manager.alter_table(Table::alter().table("changes").add_column(published).take()).await?;
        // What was written of those before is not known any more: as they stand today.
        let unpublished = Query::select()
            .column("id")
            .from("products")
            .and_where(Expr::col("lifecycle").is_in(["DRAFT", "IN_REVIEW"]))
            .take();
        let mark = Query::update()
            .table("changes")
            .value("published", false)
            .and_where(Expr::col("type").eq("PRODUCT"))
            .and_where(Expr::col("entity_id").in_subquery(unpublished))
            .take();
        manager.execute(mark).await?;
        let installation = text("installation_id").default("").take();
        manager.alter_table(Table::alter().table("record_heads").add_column(installation).take()).await?;
        let id = Uuid::new_v4().simple().to_string();
        manager.execute(Query::update().table("record_heads").value("installation_id", id).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("record_heads").drop_column("installation_id").take()).await?;
        manager.alter_table(Table::alter().table("changes").drop_column("published").take()).await
    }
}
