//! Municipalities, Kreise and the two Landschaftsverbände.

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
        create_landschaftsverbaende(manager).await?;
        create_municipalities(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["municipalities", "landschaftsverbaende"]).await
    }
}

async fn create_landschaftsverbaende(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("landschaftsverbaende");
    table.col(text("code")).col(text("name")).col(text("seat"));
    manager.create_table(table).await?;
    index(manager, "landschaftsverbaende", &["code"], true).await?;
    Ok(())
}

async fn create_municipalities(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("municipalities");
    table
        .col(text("ags"))
        .col(text("ars"))
        .col(text("name"))
        .col(text("official_name"))
        .col(text("type"))
        .col(text_null("special_status"));
    reference_null(&mut table, "district_id", "municipalities");
    table.col(text("government_district"));
    reference(&mut table, "landschaftsverband_id", "landschaftsverbaende");
    table
        .col(big_integer("population"))
        .col(date("population_date"))
        .col(big_integer("area_hectares"))
        .col(text_null("postcode"))
        .col(double_null("longitude"))
        .col(double_null("latitude"))
        .col(integer("kgst_size_class"))
        .col(text_null("go_nrw_status"));
    manager.create_table(table).await?;
    index(manager, "municipalities", &["ags"], true).await?;
    index(manager, "municipalities", &["ars"], true).await?;
    index(manager, "municipalities", &["district_id"], false).await?;
    Ok(())
}
