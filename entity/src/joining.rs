//! How far a provider or municipality has joined the central provider, and since when.

use sea_orm::entity::prelude::*;

/// One row of `joinings`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "joinings")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The provider, or
    pub provider_id: Option<Uuid>,
    /// the municipality.
    pub municipality_id: Option<Uuid>,
    /// How far.
    pub level: Level,
    /// First day of this level.
    pub valid_from: Date,
    /// Reference of the resolution (Beschluss).
    pub resolution: Option<String>,
    /// Invented for demonstration.
    pub sample: bool,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Level of joining (Beitritt).
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
pub enum Level {
    /// Has not joined.
    NotJoined,
    /// Takes single products without joining.
    SingleProducts,
    /// Has joined with its whole portfolio (providers only).
    Portfolio,
    /// Has joined.
    Joined,
    /// Has gone into another provider (providers only).
    Merged,
}
