//! Who went into a merger.

use sea_orm::entity::prelude::*;

/// One row of `provider_merger_predecessors`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_merger_predecessors")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The merger.
    pub merger_id: Uuid,
    /// Name at that time.
    pub name: String,
    /// The provider, where it is in the catalogue.
    pub provider_id: Option<Uuid>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
