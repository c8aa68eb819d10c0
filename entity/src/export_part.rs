//! Parts of exported files, one after the other.

use sea_orm::entity::prelude::*;

/// One row of `export_parts`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "export_parts")]
pub struct Model {
    /// Of which file.
    #[sea_orm(primary_key, auto_increment = false)]
    pub export_id: Uuid,
    /// Where in the file it begins, in bytes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub begins: i64,
    /// How long it is, in bytes.
    pub length: i64,
    /// Its bytes, compressed with zstd.
    pub content: Vec<u8>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
