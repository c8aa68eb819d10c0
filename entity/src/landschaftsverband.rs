//! The two Landschaftsverbände (regional associations).

use sea_orm::entity::prelude::*;

/// One row of `landschaftsverbaende`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "landschaftsverbaende")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `LVR` or `LWL`.
    pub code: Code,
    /// Name.
    pub name: String,
    /// Seat.
    pub seat: String,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Which Landschaftsverband.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// Landschaftsverband Rheinland.
    Lvr,
    /// Landschaftsverband Westfalen-Lippe.
    Lwl,
}
