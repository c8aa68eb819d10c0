//! What a contact is responsible for; exactly one target is set.

use sea_orm::entity::prelude::*;

/// One row of `contact_assignments`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "contact_assignments")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The contact.
    pub contact_id: Uuid,
    /// Primary or deputy.
    pub rank: Rank,
    /// For this topic only; none for all.
    pub topic: Option<Topic>,
    /// For a product,
    pub product_id: Option<Uuid>,
    /// or a provider's whole portfolio,
    pub provider_id: Option<Uuid>,
    /// or a customer group,
    pub customer_group_id: Option<Uuid>,
    /// or the municipalities of a Kreis,
    pub municipality_id: Option<Uuid>,
    /// or everything else.
    pub central_desk: bool,
    /// First day.
    pub valid_from: Option<Date>,
    /// Last day.
    pub valid_until: Option<Date>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Order of contacts.
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
pub enum Rank {
    /// Ask here first.
    Primary,
    /// Ask here when the primary contact is away.
    Deputy,
}

/// What a contact is for.
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
pub enum Topic {
    /// Offers and orders.
    Sales,
    /// Operations and technology.
    Technical,
    /// Introduction of a product.
    Onboarding,
    /// Data protection.
    DataProtection,
    /// Information security.
    Security,
    /// Emergencies at any hour.
    Emergency,
}
