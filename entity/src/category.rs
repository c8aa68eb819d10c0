//! Two-level taxonomy of products.

use sea_orm::entity::prelude::*;

/// One row of `categories`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "categories")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Natural key.
    pub key: String,
    /// Name.
    pub name: String,
    /// The upper level; none for a top category.
    pub parent_id: Option<Uuid>,
    /// Place in the list.
    pub ordinal: i32,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
