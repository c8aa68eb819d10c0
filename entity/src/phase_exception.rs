//! Exceptions to the current phase, for one provider or one product.

use sea_orm::entity::prelude::*;

/// One row of `phase_exceptions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "phase_exceptions")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// For all products of this provider,
    pub provider_id: Option<Uuid>,
    /// or for this product.
    pub product_id: Option<Uuid>,
    /// The phase that rules.
    pub phase: crate::phase::Key,
    /// First day.
    pub from_day: Date,
    /// Last day; none until another proposal ends it.
    pub until_day: Option<Date>,
    /// The proposal that was confirmed.
    pub proposal_id: Uuid,
    /// When it was confirmed.
    pub created_at: DateTimeUtc,
    /// When it was ended by another proposal.
    pub ended_at: Option<DateTimeUtc>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
