//! Product subscriptions (Bezüge): who takes which product.

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
        create_product_subscriptions(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["product_subscriptions"]).await
    }
}

async fn create_product_subscriptions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("product_subscriptions");
    reference_null(&mut table, "municipality_id", "municipalities");
    reference_null(&mut table, "provider_id", "providers");
    reference(&mut table, "product_id", "products");
    table
        .col(text("state"))
        .col(big_integer("version"))
        .col(big_integer("quantity"))
        .col(text("origin"))
        .col(text_null("legal_basis"))
        .col(date_null("requested_from"))
        .col(date_null("agreed_from"))
        .col(date_null("active_since"))
        .col(date_null("ends_on"))
        .col(integer("notice_months"))
        .col(date_null("term_end"))
        .col(text("price_unit"))
        .col(text("price_period"))
        .col(big_integer_null("price_amount_cents"))
        .col(integer_null("price_percent_basis_points"))
        .col(integer("price_vat_basis_points"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(boolean("sample"));
    table.check(Expr::col("municipality_id").is_null().ne(Expr::col("provider_id").is_null()));
    table.check(Expr::col("price_amount_cents").is_null().ne(Expr::col("price_percent_basis_points").is_null()));
    table.check(Expr::col("quantity").gte(0));
    manager.create_table(table).await?;
    index(manager, "product_subscriptions", &["municipality_id", "id"], false).await?;
    index(manager, "product_subscriptions", &["provider_id", "id"], false).await?;
    index(manager, "product_subscriptions", &["product_id", "id"], false).await?;
    Ok(())
}
