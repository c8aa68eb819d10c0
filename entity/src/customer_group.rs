//! Customer groups (Kundengruppen).

use sea_orm::entity::prelude::*;

/// One row of `customer_groups`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "customer_groups")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Natural key.
    pub key: String,
    /// Name.
    pub name: String,
    /// What the group is for.
    pub description: Option<String>,
    /// Who belongs to it; none when members are listed by hand only.
    pub rule: Option<Rule>,
    /// Where its limits come from, or `ours`.
    pub source: String,
    /// Rises with every change, from 1.
    pub version: i64,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Membership by rule: every part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, FromJsonQueryResult)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct Rule {
    /// Types of municipality; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<crate::municipality::Type>,
    /// Fewest inhabitants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_population: Option<i64>,
    /// Most inhabitants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_population: Option<i64>,
    /// AGS of Kreise; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub districts: Vec<String>,
    /// Regierungsbezirke; empty for any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub government_districts: Vec<String>,
}
