//! Anchors of the audit trail: how far its events were archived, so that what is left can be checked without them.

use sea_orm::entity::prelude::*;

/// One row of `audit_anchors`. The event that tells of the archive holds the same as JSON.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "audit_anchors")]
pub struct Model {
    /// Sequence of the last event in the archive,
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// and its hash.
    pub hash: String,
    /// How many events the archive holds.
    pub events: i64,
    /// SHA-256 of the archive's file, in hexadecimal.
    pub file_digest: String,
    /// When the events were removed.
    pub archived_at: DateTimeUtc,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
