//! The audit trail: who did what, when, why, allowed or refused by which rule. Append-only and chained by hash.

use sea_orm::entity::prelude::*;

/// One row of `audit_events`. Its JSON is a line of an archive: a new column must be one that old lines may lack.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize, serde::Deserialize)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    /// Place in the order, from 1, without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// When.
    pub at: DateTimeUtc,
    /// What was done or tried.
    pub action: String,
    /// Whether it was done.
    pub outcome: Outcome,
    /// Who: issuer
    pub issuer: String,
    /// and subject of the token, never a name,
    pub subject: String,
    /// its roles as a JSON list,
    pub roles: String,
    /// and its organisation.
    pub organisation: Option<String>,
    /// Type of what it was done to,
    pub entity_type: Option<String>,
    /// and its id.
    pub entity_id: Option<Uuid>,
    /// How that was before, as JSON; none when it was erased.
    pub before: Option<String>,
    /// How it is since, as JSON; of a refusal what was asked. None when it was erased.
    pub after: Option<String>,
    /// What stands for before and after in the chain.
    pub content_digest: Option<String>,
    /// Why: a code,
    pub reason_code: Option<String>,
    /// a text; none when it was erased,
    pub reason_text: Option<String>,
    /// what stands for the text in the chain,
    pub reason_digest: Option<String>,
    /// and the reference of a resolution.
    pub reason_reference: Option<String>,
    /// The rule that allowed or refused it,
    pub rule: Option<String>,
    /// and the fingerprint of the set of policies that it belongs to; none in events older than this column.
    pub policies: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// Makes digests unguessable; erased together with what they stand for.
    pub salt: Option<String>,
    /// Hash of the event before.
    pub previous_hash: String,
    /// Hash of this event.
    pub hash: String,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Whether it was done.
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
    /// It was done.
    Committed,
    /// It was refused.
    Refused,
}
