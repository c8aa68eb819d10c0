//! What must hold before a phase is left.

use sea_orm::entity::prelude::*;

/// One row of `phase_exit_criteria`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "phase_exit_criteria")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The phase.
    pub phase_id: Uuid,
    /// Place in the list.
    pub ordinal: i32,
    /// The criterion.
    pub text: String,
    /// Whether it holds.
    pub met: bool,
    /// Since when.
    pub met_at: Option<Date>,
    /// Founding document, or `ours`.
    pub source: String,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
