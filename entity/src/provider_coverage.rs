//! Which provider serves which municipality, and since when.

use sea_orm::entity::prelude::*;

/// One row of `provider_coverage`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_coverage")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The provider.
    pub provider_id: Uuid,
    /// The municipality or Kreis it serves.
    pub municipality_id: Uuid,
    /// What it rests on.
    pub basis: String,
    /// First day; none where not known.
    pub valid_from: Option<Date>,
    /// Last day; none while it goes on.
    pub valid_to: Option<Date>,
    /// Where this comes from.
    pub source: String,
    /// How sure it is.
    pub confidence: String,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
