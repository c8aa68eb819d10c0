//! Mergers and accessions of providers as dated events.

use sea_orm::entity::prelude::*;

/// One row of `provider_mergers`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "provider_mergers")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Natural key.
    pub key: String,
    /// What happened.
    pub kind: Kind,
    /// The day it took effect; none where the source names no day.
    pub on_date: Option<Date>,
    /// The date as the source gives it.
    pub date_text: String,
    /// Who went on, by its name.
    pub successor_name: String,
    /// Who went on, where it is a provider of the catalogue.
    pub successor_id: Option<Uuid>,
    /// Municipalities or area affected, in words.
    pub affected: Option<String>,
    /// Where this comes from.
    pub source: String,
    /// How sure it is.
    pub confidence: String,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Kind of merger.
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
pub enum Kind {
    /// Two or more become one.
    Merger,
    /// One joins another.
    Accession,
    /// One joins another and hands over its operations.
    AccessionWithTransfer,
    /// A common data centre is founded.
    JointDataCentre,
    /// A contract; both go on.
    Cooperation,
    /// Announced, not carried out.
    Planned,
}
