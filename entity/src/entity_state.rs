//! What things were after a change: their canonical rows, each with the entry of the change feed that it belongs to.

use sea_orm::entity::prelude::*;

/// One row of `entity_states`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entity_states")]
pub struct Model {
    /// What kind of thing.
    #[sea_orm(primary_key, auto_increment = false, column_name = "type")]
    pub kind: crate::change::Type,
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub entity_id: Uuid,
    /// The entry of the change feed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// SHA-256 of the canonical row, in hexadecimal; none where the row is.
    pub sha256: Option<String>,
    /// The canonical row, JSON after RFC 8785; none for what is not there, or not published.
    pub state: Option<String>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
