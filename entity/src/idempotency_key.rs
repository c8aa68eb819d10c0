//! Results of changes by the caller's own key.

use sea_orm::entity::prelude::*;

/// One row of `idempotency_keys`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// Whose key: issuer
    #[sea_orm(primary_key, auto_increment = false)]
    pub issuer: String,
    /// and subject.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// For which mutation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub mutation: String,
    /// The key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Digest of the input that came with it.
    pub input_digest: String,
    /// What was written.
    pub entity_id: Uuid,
    /// The rule that allowed it,
    pub rule: String,
    /// in this phase.
    pub phase: crate::phase::Key,
    /// When.
    pub created_at: DateTimeUtc,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
