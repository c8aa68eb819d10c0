//! Prices and money.

use async_graphql::{Description, Enum, Object, SimpleObject};

use super::{
    customer_group::CustomerGroup,
    in_turn::InTurn,
    scalars::{Date, Decimal, hundredths},
};
use crate::catalogue;

/// An amount of money, net unless a field says otherwise.
#[derive(Clone, Debug, SimpleObject)]
pub struct Money {
    /// Amount with two places, for example `"0.35"`.
    pub amount: Decimal,
    /// Currency after ISO 4217, always `EUR`.
    pub currency: &'static str,
}

impl Money {
    /// An amount in euro cents.
    pub fn from_cents(cents: i64) -> Self {
        Self { amount: hundredths(cents), currency: "EUR" }
    }
}

/// What a price counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::price::Unit")]
pub enum PriceUnit {
    /// Nothing: one price for all (pauschal).
    Flat,
    /// Inhabitants (Einwohner).
    Inhabitant,
    /// IT workplaces (Arbeitsplätze).
    Workplace,
    /// Employees (Beschäftigte).
    Employee,
    /// Devices (Geräte).
    Device,
    /// Servers.
    Server,
    /// Virtual processors.
    Vcpu,
    /// Gigabytes.
    Gigabyte,
    /// Rack units (Höheneinheiten).
    RackUnit,
    /// Pupils (Schülerinnen und Schüler).
    Pupil,
    /// Cases (Fälle).
    Case,
    /// Sheets (Blätter).
    Sheet,
    /// Payroll cases (Abrechnungsfälle).
    PayrollCase,
    /// Members of the council (Mandatsträger).
    MandateHolder,
    /// Eligible voters (Wahlberechtigte).
    EligibleVoter,
    /// Hours.
    Hour,
    /// Days (Tagessätze).
    Day,
    /// A percentage of a volume (Umsatz): the price has `percent`, no `amount`.
    RevenuePercent,
}

/// How often a price is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::price::Period")]
pub enum PricePeriod {
    /// Every year.
    Year,
    /// Every month.
    Month,
    /// Once, at the beginning.
    Once,
    /// With every use.
    PerUse,
}

/// A price (Preis) with its validity.
#[derive(Description)]
pub struct Price<'s>(pub &'s catalogue::Price);

#[Object(use_type_description)]
impl Price<'_> {
    /// What is counted.
    async fn unit(&self) -> PriceUnit {
        self.0.row.unit.into()
    }

    /// How often it is due.
    async fn period(&self) -> PricePeriod {
        self.0.row.period.into()
    }

    /// Net amount for one unit and one period; null for a percentage.
    async fn amount(&self) -> Option<InTurn<Money>> {
        self.0.row.amount_cents.map(Money::from_cents).map(InTurn)
    }

    /// Percentage with two places, for `REVENUE_PERCENT` only.
    async fn percent(&self) -> Option<Decimal> {
        self.0.row.percent_basis_points.map(|points| hundredths(points.into()))
    }

    /// VAT rate in percent (§ 2b UStG makes public bodies liable).
    async fn vat_rate(&self) -> Decimal {
        hundredths(self.0.row.vat_basis_points.into())
    }

    /// First day.
    async fn valid_from(&self) -> Date {
        Date(self.0.row.valid_from)
    }

    /// Last day; null while it goes on.
    async fn valid_to(&self) -> Option<Date> {
        self.0.row.valid_to.map(Date)
    }

    /// The customer group that this price is for; null for everybody. It goes before the price for everybody.
    async fn customer_group(&self) -> Option<CustomerGroup> {
        self.0.group.map(CustomerGroup::Published)
    }

    /// Invented for demonstration: not a price of anybody.
    async fn sample(&self) -> bool {
        self.0.row.sample
    }
}
