//! Service area of a product that is offered to listed municipalities.

use sea_orm::entity::prelude::*;

/// One row of `product_municipalities`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_municipalities")]
pub struct Model {
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: Uuid,
    /// A municipality it is offered to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub municipality_id: Uuid,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
