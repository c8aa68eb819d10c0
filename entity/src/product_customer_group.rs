//! Customer groups a product is restricted to; no row means no restriction.

use sea_orm::entity::prelude::*;

/// One row of `product_customer_groups`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_customer_groups")]
pub struct Model {
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: Uuid,
    /// A group whose members may have it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub group_id: Uuid,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
