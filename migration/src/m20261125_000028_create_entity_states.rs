//! What things were after each change, and from which entry of the feed on that is known.

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
        let mut table = Table::create().table("entity_states").take();
        table.col(text("type")).col(uuid("entity_id")).col(big_integer("sequence"));
        table.col(text_null("sha256")).col(text_null("state"));
        table.primary_key(Index::create().col("type").col("entity_id").col("sequence"));
        manager.create_table(table).await?;
        index(manager, "entity_states", &["sequence"], false).await?;
        let from = big_integer("states_from").default(0).take();
        manager.alter_table(Table::alter().table("record_heads").add_column(from).take()).await?;
        // Of what was written before this step no state is kept: the first start writes down how everything stands.
        let unknown = Query::update()
            .table("record_heads")
            .value("states_from", -1)
            .and_where(Expr::col("change_sequence").gt(0))
            .take();
        manager.execute(unknown).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("record_heads").drop_column("states_from").take()).await?;
        drop_tables(manager, &["entity_states"]).await
    }
}
