//! Contacts, and what they are responsible for.

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
        create_contacts(manager).await?;
        create_contact_assignments(manager).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["contact_assignments", "contacts"]).await
    }
}

async fn create_contacts(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("contacts");
    table
        .col(text("key"))
        .col(text("function"))
        .col(text("email"))
        .col(text_null("phone"))
        .col(text_null("person_name"))
        .col(text_null("person_email"))
        .col(text_null("person_phone"))
        .col(date_null("confirmed_at"))
        .col(date_null("valid_until"))
        .col(boolean("sample"));
    manager.create_table(table).await?;
    index(manager, "contacts", &["key"], true).await?;
    Ok(())
}

async fn create_contact_assignments(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut table = table_with_id("contact_assignments");
    reference(&mut table, "contact_id", "contacts");
    table.col(text("rank")).col(text_null("topic"));
    reference_null(&mut table, "product_id", "products");
    reference_null(&mut table, "provider_id", "providers");
    reference_null(&mut table, "customer_group_id", "customer_groups");
    reference_null(&mut table, "municipality_id", "municipalities");
    table.col(boolean("central_desk")).col(date_null("valid_from")).col(date_null("valid_until"));
    // At most one target; a validity that ends after it began.
    let targets = ["product_id", "provider_id", "customer_group_id", "municipality_id"];
    let count = targets.map(|target| format!("(CASE WHEN {target} IS NULL THEN 0 ELSE 1 END)")).join(" + ");
    table.check(Expr::cust(format!("{count} + (CASE WHEN central_desk THEN 1 ELSE 0 END) = 1")));
    table.check(Expr::cust("valid_until IS NULL OR valid_from IS NULL OR valid_from <= valid_until"));
    manager.create_table(table).await?;
    index(manager, "contact_assignments", &["contact_id"], false).await?;
    Ok(())
}
