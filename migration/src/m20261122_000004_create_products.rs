//! Categories, standard products, products with their keys, area, eligibility and prices.

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
        create_categories(manager).await?;
        create_standard_products(manager).await?;
        create_products(manager).await?;
        create_product_keys(manager).await?;
        create_product_municipalities(manager).await?;
        create_product_customer_groups(manager).await?;
        create_prices(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(
            manager,
            &[
                "prices",
                "product_customer_groups",
                "product_municipalities",
                "product_keys",
                "products",
                "standard_products",
                "categories",
            ],
        )
        .await
    }
}

async fn create_categories(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("categories");
    table.col(text("key")).col(text("name"));
    reference_null(&mut table, "parent_id", "categories");
    table.col(integer("ordinal"));
    manager.create_table(table).await?;
    index(manager, "categories", &["key"], true).await?;
    Ok(())
}

async fn create_standard_products(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("standard_products");
    table.col(text("key")).col(text("name")).col(text("summary"));
    reference(&mut table, "category_id", "categories");
    table.col(boolean("sample"));
    manager.create_table(table).await?;
    index(manager, "standard_products", &["key"], true).await?;
    Ok(())
}

async fn create_products(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("products");
    reference(&mut table, "provider_id", "providers");
    table.col(text("external_id")).col(text("name")).col(text("summary")).col(text_null("description"));
    reference(&mut table, "category_id", "categories");
    reference_null(&mut table, "standard_product_id", "standard_products");
    table
        .col(text("lifecycle"))
        .col(date_null("available_from"))
        .col(date_null("phase_out_from"))
        .col(date_null("retired_from"))
        .col(text("delivery_mode"))
        .col(boolean("base_service"))
        .col(text("mandated_task"))
        .col(boolean("initial_portfolio"))
        .col(text("service_area"))
        .col(text_null("organisational_conditions"))
        .col(text_null("technical_conditions"))
        .col(integer_null("lead_time_days"))
        .col(integer("notice_months"))
        .col(integer_null("term_months"))
        .col(text_null("sla_url"))
        .col(text_null("data_processing_agreement_url"))
        .col(big_integer("version"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .col(boolean("sample"));
    manager.create_table(table).await?;
    index(manager, "products", &["provider_id", "external_id"], true).await?;
    index(manager, "products", &["category_id"], false).await?;
    index(manager, "products", &["standard_product_id"], false).await?;
    Ok(())
}

async fn create_product_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("product_keys").take();
    reference(&mut table, "product_id", "products");
    table.col(text("scheme")).col(text("value"));
    table.primary_key(Index::create().col("product_id").col("scheme").col("value"));
    manager.create_table(table).await?;
    Ok(())
}

async fn create_product_municipalities(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("product_municipalities").take();
    reference(&mut table, "product_id", "products");
    reference(&mut table, "municipality_id", "municipalities");
    table.primary_key(Index::create().col("product_id").col("municipality_id"));
    manager.create_table(table).await?;
    Ok(())
}

async fn create_product_customer_groups(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = Table::create().table("product_customer_groups").take();
    reference(&mut table, "product_id", "products");
    reference(&mut table, "group_id", "customer_groups");
    table.primary_key(Index::create().col("product_id").col("group_id"));
    manager.create_table(table).await?;
    Ok(())
}

async fn create_prices(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("prices");
    reference(&mut table, "product_id", "products");
    table
        .col(text("unit"))
        .col(text("period"))
        .col(big_integer_null("amount_cents"))
        .col(integer_null("percent_basis_points"))
        .col(integer("vat_basis_points"))
        .col(date("valid_from"))
        .col(date_null("valid_to"));
    reference_null(&mut table, "customer_group_id", "customer_groups");
    table.col(boolean("sample"));
    table.check(Expr::col("amount_cents").is_null().ne(Expr::col("percent_basis_points").is_null()));
    table.check(Expr::cust("valid_to IS NULL OR valid_from <= valid_to"));
    manager.create_table(table).await?;
    index(manager, "prices", &["product_id"], false).await?;
    Ok(())
}
