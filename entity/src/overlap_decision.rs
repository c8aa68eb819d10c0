//! What a person decided about two products that look the same.

use sea_orm::entity::prelude::*;

/// One row of `overlap_decisions`: at most one for a pair.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "overlap_decisions")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The product with the smaller id,
    pub product_id: Uuid,
    /// and the other.
    pub other_id: Uuid,
    /// What was decided.
    pub outcome: Outcome,
    /// The standard product that both were matched to, when they are the same.
    pub standard_product_id: Option<Uuid>,
    /// SHA-256 over what was compared, in hexadecimal: names and descriptions as they were then.
    pub digest: String,
    /// When.
    pub decided_at: DateTimeUtc,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What was decided about a pair.
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
pub enum Outcome {
    /// They are different things.
    Dismissed,
    /// They are the same.
    Confirmed,
}
