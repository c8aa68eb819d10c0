//! Versions of products: what each was, since when; one row for each version.

use sea_orm::entity::prelude::*;

/// One row of `product_versions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "product_versions")]
pub struct Model {
    /// The product.
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: Uuid,
    /// The version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    /// In whose portfolio since then; none only where the product's is meant.
    pub provider_id: Option<Uuid>,
    /// Since when.
    pub at: DateTimeUtc,
    /// What was done, as in the audit trail.
    pub action: String,
    /// Where it stood since then.
    pub lifecycle: crate::product::Lifecycle,
    /// What it was since then, in its provider's words, as JSON.
    pub content: String,
    /// When the steward has seen it; none while it waits for that.
    pub seen_at: Option<DateTimeUtc>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
