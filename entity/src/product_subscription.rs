//! Product subscriptions (Bezüge).

use sea_orm::entity::prelude::*;

/// One row of `product_subscriptions`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
#[sea_orm(table_name = "product_subscriptions")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who takes it: a municipality,
    pub municipality_id: Option<Uuid>,
    /// or a provider.
    pub provider_id: Option<Uuid>,
    /// What is taken.
    pub product_id: Uuid,
    /// Where it stands.
    pub state: State,
    /// Grows by one with every change.
    pub version: i64,
    /// How many units.
    pub quantity: i64,
    /// How it came here.
    pub origin: Origin,
    /// What it rests on.
    pub legal_basis: Option<LegalBasis>,
    /// First day as asked for.
    pub requested_from: Option<Date>,
    /// First day as agreed.
    pub agreed_from: Option<Date>,
    /// First day of delivery.
    pub active_since: Option<Date>,
    /// Last day.
    pub ends_on: Option<Date>,
    /// Notice period in months.
    pub notice_months: i32,
    /// Earliest end of the term.
    pub term_end: Option<Date>,
    /// Agreed price: unit,
    pub price_unit: crate::price::Unit,
    /// period,
    pub price_period: crate::price::Period,
    /// net amount in euro cents,
    pub price_amount_cents: Option<i64>,
    /// or percentage in hundredths of a percent,
    pub price_percent_basis_points: Option<i32>,
    /// VAT rate in hundredths of a percent.
    pub price_vat_basis_points: i32,
    /// What is open and waits for a decision.
    pub open_matter: Option<Matter>,
    /// Whose decision it waits for.
    pub awaits: Option<Awaits>,
    /// Of an open change or migration: how many units.
    pub open_quantity: Option<i64>,
    /// Of an open termination: the last day; of an open migration: the first day of the successor.
    pub open_on: Option<Date>,
    /// When what is open expires.
    pub expires_at: Option<DateTimeUtc>,
    /// Who asked for what is open, or for the subscription: issuer
    pub asked_by_issuer: Option<String>,
    /// and subject.
    pub asked_by_subject: Option<String>,
    /// The organisation that asked: a municipality or provider.
    pub asked_by_organisation: Option<Uuid>,
    /// The phase in which it was asked.
    pub asked_in: Option<crate::phase::Key>,
    /// Of an open migration: the product to move to.
    pub open_product_id: Option<Uuid>,
    /// The subscription that this one was moved from.
    pub predecessor_id: Option<Uuid>,
    /// The subscription that this one was moved to.
    pub successor_id: Option<Uuid>,
    /// The collective request that it was asked in.
    pub collective_id: Option<Uuid>,
    /// The Kreis that asked for it in a collective request.
    pub collective_by: Option<Uuid>,
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

/// State of a subscription.
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
pub enum State {
    /// Interest declared, no obligation.
    Interest,
    /// Asked for, waits for a decision.
    Requested,
    /// Agreed, not delivered yet.
    Approved,
    /// Being delivered.
    Active,
    /// Notice given, still delivered.
    Terminating,
    /// Delivered until its last day.
    Ended,
    /// Refused.
    Rejected,
    /// Taken back.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
}

/// How a subscription came into the catalogue.
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
pub enum Origin {
    /// Asked for here.
    Requested,
    /// An existing contract, reported.
    Reported,
    /// Moved from another product.
    Migrated,
}

/// Legal basis of a subscription.
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
pub enum LegalBasis {
    /// In-house award.
    Inhouse,
    /// Agreement under public law.
    PublicLawAgreement,
    /// Framework agreement.
    FrameworkAgreement,
    /// Tender.
    Tender,
}

/// What is open on a subscription.
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
pub enum Matter {
    /// A new subscription.
    Request,
    /// Another quantity.
    Change,
    /// A notice.
    Termination,
    /// A notice taken back.
    Revocation,
    /// A move to a successor product.
    Migration,
}

/// Whose decision something waits for.
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
pub enum Awaits {
    /// Somebody else's approval.
    Approval,
    /// The subscriber's confirmation.
    Confirmation,
}
