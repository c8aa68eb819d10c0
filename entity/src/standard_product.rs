//! The same thing across providers.

use sea_orm::entity::prelude::*;

/// One row of `standard_products`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "standard_products")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Natural key.
    pub key: String,
    /// Name.
    pub name: String,
    /// What it is, in a sentence.
    pub summary: String,
    /// Its category.
    pub category_id: Uuid,
    /// Invented for demonstration.
    pub sample: bool,
    /// Grows by one with every change.
    pub version: i64,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
