//! Registrations of whole portfolios: how many rows came, and what became of them.

use sea_orm::entity::prelude::*;

/// One row of `portfolio_registrations`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "portfolio_registrations")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose portfolio.
    pub provider_id: Uuid,
    /// When.
    pub at: DateTimeUtc,
    /// Rows that came.
    pub total: i64,
    /// SHA-256 over them in their canonical form, in hexadecimal.
    pub digest: String,
    /// Products that were new,
    pub added: i64,
    /// or others than before,
    pub changed: i64,
    /// or the same,
    pub unchanged: i64,
    /// or known and not among the rows,
    pub missing: i64,
    /// and rows that were refused.
    pub rejected: i64,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
