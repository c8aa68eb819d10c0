//! Proposals to enter another phase.

use sea_orm::entity::prelude::*;

/// One row of `phase_proposals`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "phase_proposals")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The phase that was current when it was proposed.
    pub from_phase: crate::phase::Key,
    /// The phase to enter.
    pub to_phase: crate::phase::Key,
    /// Only for products of this provider,
    pub provider_id: Option<Uuid>,
    /// or only for this product; for all when neither is named.
    pub product_id: Option<Uuid>,
    /// Of an exception: its last day.
    pub until_day: Option<Date>,
    /// Although exit criteria are open.
    pub overrides_open_criteria: bool,
    /// Who proposed it: issuer
    pub proposed_by_issuer: String,
    /// and subject.
    pub proposed_by_subject: String,
    /// When.
    pub proposed_at: DateTimeUtc,
    /// Until when it can be confirmed.
    pub expires_at: DateTimeUtc,
    /// When another person confirmed it.
    pub confirmed_at: Option<DateTimeUtc>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
