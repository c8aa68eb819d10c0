//! The heads of the audit trail and the change feed; one row, locked last by every write.

use sea_orm::entity::prelude::*;

/// One row of `record_heads`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "record_heads")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// Sequence of the last change.
    pub change_sequence: i64,
    /// Sequence of the last audit event.
    pub audit_sequence: i64,
    /// Hash of the last audit event, in hexadecimal.
    pub audit_hash: String,
    /// A random id of this installation, for cursors of the change feed.
    pub installation_id: String,
    /// From this entry of the change feed on it is known what things were; -1 while it is not known at all.
    pub states_from: i64,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
