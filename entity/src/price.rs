//! Prices of products, each with its validity.

use sea_orm::entity::prelude::*;

/// One row of `prices`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "prices")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The product.
    pub product_id: Uuid,
    /// What is counted.
    pub unit: Unit,
    /// How often it is due.
    pub period: Period,
    /// Net amount in euro cents; none for a percentage.
    pub amount_cents: Option<i64>,
    /// Percentage in hundredths of a percent, for `REVENUE_PERCENT` only.
    pub percent_basis_points: Option<i32>,
    /// VAT rate in hundredths of a percent.
    pub vat_basis_points: i32,
    /// First day.
    pub valid_from: Date,
    /// Last day; none while it goes on.
    pub valid_to: Option<Date>,
    /// For members of this group only.
    pub customer_group_id: Option<Uuid>,
    /// Invented for demonstration.
    pub sample: bool,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a price counts.
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
pub enum Unit {
    /// Nothing: one price for all.
    Flat,
    /// Inhabitants.
    Inhabitant,
    /// Workplaces.
    Workplace,
    /// Employees.
    Employee,
    /// Devices.
    Device,
    /// Servers.
    Server,
    /// Virtual processors.
    Vcpu,
    /// Gigabytes.
    Gigabyte,
    /// Rack units.
    RackUnit,
    /// Pupils.
    Pupil,
    /// Cases.
    Case,
    /// Sheets.
    Sheet,
    /// Payroll cases.
    PayrollCase,
    /// Members of the council.
    MandateHolder,
    /// Eligible voters.
    EligibleVoter,
    /// Hours.
    Hour,
    /// Days.
    Day,
    /// A percentage of a volume.
    RevenuePercent,
}

/// How often a price is due.
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
pub enum Period {
    /// Every year.
    Year,
    /// Every month.
    Month,
    /// Once.
    Once,
    /// With every use.
    PerUse,
}
