//! What a product would cost a municipality: an estimate that states what it assumes.
//!
//! Quantities that the catalogue does not know are assumed from the population; the assumptions are data
//! (`estimate_assumptions`, ours), not code. What can't be assumed makes the estimate say so, not guess.

use ::entity::{
    estimate_assumption::{self, AppliesTo},
    municipality::Type,
    price::{Period, Unit},
};
use sea_orm::prelude::Date;

use crate::{
    catalogue::{At, CustomerGroup, Municipality, Price, Product, Snapshot},
    text::{Language, Text, german_day, grouped},
};

/// The estimated cost of a product for one municipality on one day, net.
#[derive(Debug)]
pub struct Estimate<'s> {
    /// The prices that apply, each with its quantity.
    pub lines: Vec<Line<'s>>,
    /// Recurring cost of a year in cents.
    pub per_year_cents: Option<i64>,
    /// Cost that is due once, in cents.
    pub one_off_cents: Option<i64>,
    /// Why there is no yearly figure.
    pub missing: Option<Missing>,
}

/// A price with the quantity that it is multiplied by.
#[derive(Debug)]
pub struct Line<'s> {
    /// The price.
    pub price: &'s Price,
    /// How many units; none when that is not known.
    pub quantity: Option<Quantity<'s>>,
    /// What the line comes to: in a year, or once.
    pub amount_cents: Option<i64>,
}

/// How many units, and how that is known.
#[derive(Clone, Copy, Debug)]
pub struct Quantity<'s> {
    /// Units.
    pub count: i64,
    /// Where the count comes from.
    pub from: Source<'s>,
}

/// Where a quantity comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'s> {
    /// A flat price has one unit.
    Flat,
    /// The municipality's population, counted on a day.
    Population(Date),
    /// Assumed from the population.
    Assumption(&'s estimate_assumption::Model),
}

/// Why there is no estimate of the yearly cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// No price is valid on that day.
    NoPrice,
    /// Nobody knows how many units the municipality would take.
    QuantityUnknown,
    /// The price is due with every use.
    UsageUnknown,
}

/// Prices that apply to a member of customer groups on a day, one for each unit and period: that of the smallest group
/// which has one, else the general one; of several the latest.
pub fn applicable<'s>(
    snapshot: &'s Snapshot,
    product: At<Product>,
    groups: &[At<CustomerGroup>],
    day: Date,
) -> Vec<&'s Price> {
    // The municipality's groups are smallest first; the general price comes after all of them.
    let rank = |price: &Price| match price.group {
        Some(group) => groups.iter().position(|own| *own == group),
        None => Some(groups.len()),
    };
    let mut applying: Vec<&Price> = Vec::new();
    // Prices are oldest first, so that of equals the latest stays.
    for price in snapshot.products[product].prices.iter().filter(|price| is_valid_on(price, day)) {
        let Some(own) = rank(price) else { continue };
        let counts_the_same =
            |other: &&mut &Price| (other.row.unit, other.row.period) == (price.row.unit, price.row.period);
        match applying.iter_mut().find(counts_the_same) {
            Some(other) if rank(other).is_some_and(|other| own <= other) => *other = price,
            Some(_) => {}
            None => applying.push(price),
        }
    }
    applying
}

/// Whether a price is valid on a day.
pub fn is_valid_on(price: &Price, day: Date) -> bool {
    price.row.valid_from <= day && price.row.valid_to.is_none_or(|to| day <= to)
}

/// Estimates what a product would cost a municipality if it began on a day.
pub fn estimate(snapshot: &Snapshot, product: At<Product>, municipality: At<Municipality>, day: Date) -> Estimate<'_> {
    let prices = applicable(snapshot, product, &snapshot.municipalities[municipality].groups, day);
    let lines: Vec<Line> = prices.into_iter().map(|price| line(snapshot, price, municipality)).collect();
    let sum = |once: bool| {
        let of_kind = lines.iter().filter(|line| (line.price.row.period == Period::Once) == once);
        of_kind.map(|line| line.amount_cents).try_fold(0_i64, |sum, amount| sum.checked_add(amount?))
    };
    let recurring = || lines.iter().filter(|line| line.price.row.period != Period::Once);
    let has_once = lines.iter().any(|line| line.price.row.period == Period::Once);
    let unknown = recurring().find(|line| line.amount_cents.is_none()).map(|line| match line.price.row.period {
        Period::PerUse => Missing::UsageUnknown,
        _ => Missing::QuantityUnknown,
    });
    let missing = if lines.is_empty() { Some(Missing::NoPrice) } else { unknown };
    let per_year_cents = if missing.is_some() { None } else { sum(false) };
    let one_off_cents = if has_once { sum(true) } else { None };
    Estimate { per_year_cents, one_off_cents, missing, lines }
}

fn line<'s>(snapshot: &'s Snapshot, price: &'s Price, municipality: At<Municipality>) -> Line<'s> {
    let quantity = match price.row.period {
        Period::PerUse => None,
        _ => quantity(snapshot, price.row.unit, municipality),
    };
    let times = match price.row.period {
        Period::Year | Period::Once => Some(1),
        Period::Month => Some(12),
        Period::PerUse => None,
    };
    let amount =
        |(quantity, times): (Quantity, i64)| price.row.amount_cents?.checked_mul(quantity.count)?.checked_mul(times);
    Line { price, quantity, amount_cents: quantity.zip(times).and_then(amount) }
}

fn quantity(snapshot: &Snapshot, unit: Unit, municipality: At<Municipality>) -> Option<Quantity<'_>> {
    let row = &snapshot.municipalities[municipality].row;
    match unit {
        Unit::Flat => Some(Quantity { count: 1, from: Source::Flat }),
        Unit::Inhabitant => Some(Quantity { count: row.population, from: Source::Population(row.population_date) }),
        _ => {
            let applies_to = if row.kind == Type::Kreis { AppliesTo::Kreis } else { AppliesTo::Town };
            let fits = |row: &&estimate_assumption::Model| row.unit == unit && row.applies_to == applies_to;
            let assumption = snapshot.assumptions.iter().find(fits)?;
            let scaled = row.population.checked_mul(assumption.per_100000_inhabitants)?;
            // Rounded to the nearest whole unit, at least one.
            let count = (scaled.checked_add(50_000)? / 100_000).max(1);
            Some(Quantity { count, from: Source::Assumption(assumption) })
        }
    }
}

impl Estimate<'_> {
    /// How the estimate was made, line by line, with its assumptions.
    pub fn basis(&self, language: Language) -> String {
        if self.lines.is_empty() {
            return Missing::NoPrice.text().in_language(language);
        }
        let lines: Vec<String> = self.lines.iter().map(|line| line.basis(language)).collect();
        let is_sample = self.lines.iter().any(|line| line.price.row.sample);
        let (net, sample) = match language {
            Language::De => ("netto", "Beispielpreise"),
            Language::En => ("net", "sample prices"),
        };
        format!(
            "{} ({net}{}{})",
            lines.join("; "),
            if is_sample { ", " } else { "" },
            if is_sample { sample } else { "" }
        )
    }
}

impl Line<'_> {
    fn basis(&self, language: Language) -> String {
        let row = &self.price.row;
        let price = match (row.amount_cents, row.percent_basis_points) {
            (Some(cents), _) => money(cents, language),
            (None, percent) => format!("{} %", decimal(i64::from(percent.unwrap_or_default()), language)),
        };
        let unit = unit_text(row.unit).in_language(language);
        let due = period_text(row.period).map(|text| format!(", {}", text.in_language(language))).unwrap_or_default();
        let until = row.valid_to.map(|day| valid_until(day, language)).unwrap_or_default();
        let quantity = match self.quantity {
            _ if row.period == Period::PerUse => Missing::UsageUnknown.text().in_language(language),
            None => Missing::QuantityUnknown.text().in_language(language),
            Some(quantity) => quantity.basis(language),
        };
        match self.amount_cents {
            Some(amount) => format!("{price} {unit}{due}{until}, × {quantity} = {}", money(amount, language)),
            None => format!("{price} {unit}{due}{until}: {}", quantity.trim_end_matches('.')),
        }
    }
}

impl Quantity<'_> {
    fn basis(&self, language: Language) -> String {
        let count = grouped(self.count, language);
        match (self.from, language) {
            (Source::Flat, _) => count,
            (Source::Population(day), Language::De) => format!("{count} Einwohner (Stand {})", german_day(day)),
            (Source::Population(day), Language::En) => format!("{count} inhabitants (as of {day})"),
            (Source::Assumption(row), Language::De) if row.source == "ours" => {
                format!("{count} (eigene Annahme: {})", row.text_de)
            }
            (Source::Assumption(row), Language::De) => format!("{count} (Annahme: {}, {})", row.text_de, row.source),
            (Source::Assumption(row), Language::En) => format!("{count} (assumed: {}, {})", row.text_en, row.source),
        }
    }
}

impl Missing {
    /// The reason as a sentence.
    pub fn text(self) -> Text {
        match self {
            Self::NoPrice => Text::new("Für diesen Tag ist kein Preis hinterlegt.", "There is no price for this day."),
            Self::QuantityUnknown => Text::new(
                "Die Menge ist für diese Kommune nicht bekannt; bitte beim Anbieter erfragen.",
                "The quantity is not known for this municipality; please ask the provider.",
            ),
            Self::UsageUnknown => Text::new(
                "Der Preis fällt je Nutzung an; ohne Fallzahlen ist kein Jahresbetrag zu schätzen.",
                "The price is due with every use; without numbers of use there is no yearly estimate.",
            ),
        }
    }
}

/// What is charged for what, how often: `0,35 € je Einwohner, jährlich`.
pub fn told(unit: Unit, period: Period, cents: Option<i64>, basis_points: Option<i32>, language: Language) -> String {
    let amount = match (cents, basis_points) {
        (Some(cents), _) => money(cents, language),
        (None, points) => format!("{} %", decimal(points.unwrap_or_default().into(), language)),
    };
    let unit = unit_text(unit).in_language(language);
    let period = period_text(period).map_or_else(String::new, |period| format!(", {}", period.in_language(language)));
    format!("{amount} {unit}{period}")
}

/// Hundredths as a decimal number with two places, as the language writes it.
pub fn decimal(hundredths: i64, language: Language) -> String {
    let point = if language == Language::De { ',' } else { '.' };
    let sign = if hundredths < 0 { "-" } else { "" };
    let whole = i64::try_from(hundredths.unsigned_abs() / 100).unwrap_or(i64::MAX);
    format!("{sign}{}{point}{:02}", grouped(whole, language), hundredths.unsigned_abs() % 100)
}

fn money(cents: i64, language: Language) -> String {
    match language {
        Language::De => format!("{} €", decimal(cents, language)),
        Language::En => format!("€{}", decimal(cents, language)),
    }
}

fn period_text(period: Period) -> Option<Text> {
    match period {
        Period::Year => Some(Text::new("jährlich", "a year")),
        Period::Month => Some(Text::new("monatlich, 12 Monate", "a month, 12 months")),
        Period::Once => Some(Text::new("einmalig", "once")),
        // The unit says it: per sheet, per case.
        Period::PerUse => None,
    }
}

fn valid_until(day: Date, language: Language) -> String {
    match language {
        Language::De => format!(", gültig bis {}", german_day(day)),
        Language::En => format!(", valid until {day}"),
    }
}

fn unit_text(unit: Unit) -> Text {
    let (de, en) = match unit {
        Unit::Flat => ("pauschal", "flat"),
        Unit::Inhabitant => ("je Einwohner", "per inhabitant"),
        Unit::Workplace => ("je Arbeitsplatz", "per workplace"),
        Unit::Employee => ("je beschäftigter Person", "per employee"),
        Unit::Device => ("je Gerät", "per device"),
        Unit::Server => ("je Server", "per server"),
        Unit::Vcpu => ("je vCPU", "per vCPU"),
        Unit::Gigabyte => ("je Gigabyte", "per gigabyte"),
        Unit::RackUnit => ("je Höheneinheit", "per rack unit"),
        Unit::Pupil => ("je Schüler/in", "per pupil"),
        Unit::Case => ("je Fall", "per case"),
        Unit::Sheet => ("je Blatt", "per sheet"),
        Unit::PayrollCase => ("je Abrechnungsfall", "per payroll case"),
        Unit::MandateHolder => ("je Mandatsträger/in", "per council member"),
        Unit::EligibleVoter => ("je wahlberechtigte Person", "per eligible voter"),
        Unit::Hour => ("je Stunde", "per hour"),
        Unit::Day => ("je Tag", "per day"),
        Unit::RevenuePercent => ("des Umsatzes", "of the volume"),
    };
    Text::new(de, en)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_language_does() {
        assert_eq!(money(9_193_450, Language::De), "91.934,50 €");
        assert_eq!(money(9_193_450, Language::En), "€91,934.50");
        assert_eq!(money(-5, Language::De), "-0,05 €");
    }
}
