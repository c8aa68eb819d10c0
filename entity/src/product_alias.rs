//! Keys that products had with a provider that has merged since: they find the product for ever.

use sea_orm::entity::prelude::*;

/// One row of `product_aliases`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_aliases")]
pub struct Model {
    /// The provider that had it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider_id: Uuid,
    /// The key that the product had there.
    #[sea_orm(primary_key, auto_increment = false)]
    pub external_id: String,
    /// The product.
    pub product_id: Uuid,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
