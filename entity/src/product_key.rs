//! Keys of other catalogues that a product carries.

use sea_orm::entity::prelude::*;

/// One row of `product_keys`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_keys")]
pub struct Model {
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: Uuid,
    /// Which catalogue.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scheme: Scheme,
    /// The key, checked by format.
    #[sea_orm(primary_key, auto_increment = false)]
    pub value: String,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Catalogue of keys.
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
pub enum Scheme {
    /// Leistungskatalog (LeiKa/FIM), 14 digits.
    Leika,
    /// OZG-ID, 5 digits.
    Ozg,
}
