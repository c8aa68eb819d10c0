//! The change feed: what was committed, in the order of commits, without gaps.

use sea_orm::entity::prelude::*;

/// One row of `changes`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "changes")]
pub struct Model {
    /// Place in the order, from 1, without gaps.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// When.
    pub at: DateTimeUtc,
    /// What kind of thing was changed.
    #[sea_orm(column_name = "type")]
    pub kind: Type,
    /// Which one.
    pub entity_id: Uuid,
    /// The version that it has since then; none for things without versions.
    pub entity_version: Option<i64>,
    /// Whether the thing was published when this was written: false for products that only their provider and stewards see.
    pub published: bool,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Kind of thing that was changed.
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
pub enum Type {
    /// A municipality or Kreis.
    Municipality,
    /// A provider.
    Provider,
    /// A merger of providers.
    ProviderMerger,
    /// How far an organisation has joined.
    Joining,
    /// A customer group.
    CustomerGroup,
    /// A category.
    Category,
    /// A standard product.
    StandardProduct,
    /// A product with its prices.
    Product,
    /// A phase.
    Phase,
    /// An exception to the current phase.
    PhaseException,
    /// A freeze.
    Freeze,
    /// A contact.
    Contact,
    /// A subscription.
    ProductSubscription,
}
