//! Freezes of a product, of a provider, or of everything.

use sea_orm::entity::prelude::*;

/// One row of `freezes`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "freezes")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// All products of this provider,
    pub provider_id: Option<Uuid>,
    /// or this product; everything when neither is named.
    pub product_id: Option<Uuid>,
    /// What is told to those who are refused.
    pub message: String,
    /// First day.
    pub from_day: Date,
    /// Last day; none until it is lifted.
    pub until_day: Option<Date>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was lifted.
    pub lifted_at: Option<DateTimeUtc>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
