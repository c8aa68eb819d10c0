//! Quantities assumed for price estimates where a municipality's own are not known.

use sea_orm::entity::prelude::*;

/// One row of `estimate_assumptions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "estimate_assumptions")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The unit of the price.
    pub unit: crate::price::Unit,
    /// Which municipalities.
    pub applies_to: AppliesTo,
    /// Assumed quantity per 100,000 inhabitants.
    pub per_100000_inhabitants: i64,
    /// The assumption in German.
    pub text_de: String,
    /// The assumption in English.
    pub text_en: String,
    /// `ours` unless a document states it.
    pub source: String,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Which municipalities an assumption is for.
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
pub enum AppliesTo {
    /// Towns and municipalities.
    Town,
    /// Kreise.
    Kreis,
}
