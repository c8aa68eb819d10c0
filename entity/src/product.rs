//! An entry in one provider's portfolio.

use sea_orm::entity::prelude::*;

/// One row of `products`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose portfolio.
    pub provider_id: Uuid,
    /// The provider's own key, unique within its portfolio.
    pub external_id: String,
    /// Name.
    pub name: String,
    /// What it is, in a sentence.
    pub summary: String,
    /// More about it.
    pub description: Option<String>,
    /// Its category.
    pub category_id: Uuid,
    /// The standard product it implements.
    pub standard_product_id: Option<Uuid>,
    /// Where it stands.
    pub lifecycle: Lifecycle,
    /// Of one that is not published yet: where it will stand once the steward accepts it.
    pub requested_lifecycle: Option<Lifecycle>,
    /// Why the steward returned it.
    pub return_reason: Option<String>,
    /// First day on which it can be had.
    pub available_from: Option<Date>,
    /// From this day no new subscription.
    pub phase_out_from: Option<Date>,
    /// From this day it is gone.
    pub retired_from: Option<Date>,
    /// How it is delivered.
    pub delivery_mode: DeliveryMode,
    /// Basisdienst.
    pub base_service: bool,
    /// Whether it serves a mandated task.
    pub mandated_task: MandatedTask,
    /// Belongs to the central provider's initial portfolio.
    pub initial_portfolio: bool,
    /// Where it is offered.
    pub service_area: ServiceArea,
    /// What must be settled before.
    pub organisational_conditions: Option<String>,
    /// What must be in place.
    pub technical_conditions: Option<String>,
    /// Days from order to delivery.
    pub lead_time_days: Option<i32>,
    /// Notice period in months.
    pub notice_months: i32,
    /// Shortest term in months.
    pub term_months: Option<i32>,
    /// Service level agreement.
    pub sla_url: Option<String>,
    /// Data-processing agreement (AVV).
    pub data_processing_agreement_url: Option<String>,
    /// Grows by one with every change.
    pub version: i64,
    /// When it was first written.
    pub created_at: DateTimeUtc,
    /// When it was last written.
    pub updated_at: DateTimeUtc,
    /// Invented for demonstration.
    pub sample: bool,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Lifecycle (Lebenszyklus).
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
pub enum Lifecycle {
    /// Being written; seen by its provider only.
    Draft,
    /// Waits for the steward.
    InReview,
    /// Published, not to be had yet.
    Planned,
    /// Can be had.
    Available,
    /// Takes no new subscription.
    PhaseOut,
    /// Gone; kept for history.
    Retired,
}

/// How a product is delivered (Leistungserbringung).
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
pub enum DeliveryMode {
    /// By the central provider for all.
    Central,
    /// By a provider for its region.
    Regional,
    /// On site.
    Decentral,
}

/// Whether a product serves a task carried out by mandate (Pflichtaufgabe zur Erfüllung nach Weisung).
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
pub enum MandatedTask {
    /// It does.
    Yes,
    /// In part.
    Partly,
    /// It does not.
    No,
}

/// Where a product is offered.
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
pub enum ServiceArea {
    /// In all of North Rhine-Westphalia.
    StateWide,
    /// To the municipalities that its provider serves.
    ProviderCoverage,
    /// To the municipalities that are listed.
    Listed,
}
