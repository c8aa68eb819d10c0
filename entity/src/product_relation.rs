//! What one product has to do with another.

use sea_orm::entity::prelude::*;

/// One row of `product_relations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_relations")]
pub struct Model {
    /// The product that says it,
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: Uuid,
    /// what it says,
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: Kind,
    /// and of which other product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub other_id: Uuid,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What one product says of another.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// It can't be used without the other.
    Requires,
    /// It takes the place of the other.
    Replaces,
    /// It can't be used together with the other.
    Excludes,
}
