//! Transformation phases.

use sea_orm::entity::prelude::*;

/// One row of `phases`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "phases")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Natural key.
    pub key: Key,
    /// Place in the order, from 1.
    pub ordinal: i32,
    /// Name.
    pub name: String,
    /// What the phase is about.
    pub theme: String,
    /// Where it stands.
    pub state: State,
    /// Planned first day.
    pub planned_start: Option<Date>,
    /// First day.
    pub started_at: Option<Date>,
    /// Last day.
    pub ended_at: Option<Date>,
    /// Founding document, or `ours`.
    pub source: String,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Phase.
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
pub enum Key {
    /// Before the independent unit exists.
    Preparation,
    /// The unit exists and offers the initial portfolio.
    Foundation,
    /// Municipalities and providers join, the portfolio grows.
    Integration,
    /// One full-service provider.
    SteadyState,
}

/// State of a phase.
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
pub enum State {
    /// Has ended.
    Done,
    /// Is now.
    Current,
    /// Is to come.
    Upcoming,
}
