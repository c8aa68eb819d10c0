//! Contacts know whose they are and what a person's data are kept for; contacts and customer groups have versions.

use sea_orm_migration::prelude::*;
#[allow(clippy::wildcard_imports)]
use sea_orm_migration::schema::*;

/// This step.
#[derive(Debug, DeriveMigrationName)]
pub struct Migration;

const NEW: [&str; 4] = ["person_purpose", "provider_id", "customer_group_id", "version"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let versions = || big_integer("version").default(1).take();
        let columns =
            [text_null("person_purpose"), uuid_null("provider_id"), uuid_null("customer_group_id"), versions()];
        for column in columns {
            // One at a time: SQLite adds no two columns in one statement.
            manager.alter_table(Table::alter().table("contacts").add_column(column).take()).await?;
        }
        manager.alter_table(Table::alter().table("customer_groups").add_column(versions()).take()).await?;
        // Persons came with the sample only.
        let purpose = "UPDATE contacts SET person_purpose = 'Auskunft zu Leistungen und Verträgen (Beispiel)' \
                       WHERE person_name IS NOT NULL";
        manager.get_connection().execute_unprepared(purpose).await?;
        for owner in ["provider_id", "customer_group_id"] {
            let statement = format!(
                "UPDATE contacts SET {owner} = (SELECT a.{owner} FROM contact_assignments a \
                 WHERE a.contact_id = contacts.id AND a.{owner} IS NOT NULL ORDER BY a.id LIMIT 1)"
            );
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("customer_groups").drop_column("version").take()).await?;
        for column in NEW {
            manager.alter_table(Table::alter().table("contacts").drop_column(column).take()).await?;
        }
        Ok(())
    }
}
