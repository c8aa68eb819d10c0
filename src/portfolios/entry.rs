//! What a product comes to in its provider's words, checked: it can be compared, written, and kept as a version.

use ::entity::{
    price::{Period, Unit},
    product::{DeliveryMode, Lifecycle, MandatedTask, ServiceArea},
};
use sea_orm::prelude::Date;
use serde::{Deserialize, Serialize};

use super::{Row, RowPrice};

/// A product, checked. Lists are sorted, so that two entries are equal when they say the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The provider's own key, unique within its portfolio.
    pub external_id: String,
    /// Name.
    pub name: String,
    /// What it is, in a sentence.
    pub summary: String,
    /// More about it.
    pub description: Option<String>,
    /// Key of its category.
    pub category: String,
    /// Key of the standard product that it implements.
    pub standard_product: Option<String>,
    /// Where it is to stand: of a published one where it stands.
    pub lifecycle: Lifecycle,
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
    /// Where it is offered.
    pub service_area: ServiceArea,
    /// AGS of the municipalities that it is offered to.
    pub municipalities: Vec<String>,
    /// Keys of the customer groups whose members may have it.
    pub customer_groups: Vec<String>,
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
    /// Data-processing agreement.
    pub data_processing_agreement_url: Option<String>,
    /// LeiKa keys.
    pub leika_keys: Vec<String>,
    /// OZG ids.
    pub ozg_ids: Vec<String>,
    /// Prices that are valid now or will be.
    pub prices: Vec<EntryPrice>,
}

/// A price, checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EntryPrice {
    /// What is counted.
    pub unit: Unit,
    /// How often it is due.
    pub period: Period,
    /// Key of the customer group that it is for only.
    pub customer_group: Option<String>,
    /// First day.
    pub valid_from: Date,
    /// Last day.
    pub valid_to: Option<Date>,
    /// Net amount in euro cents.
    pub amount_cents: Option<i64>,
    /// Percentage in hundredths of a percent.
    pub percent_basis_points: Option<i32>,
    /// VAT rate in hundredths of a percent.
    pub vat_basis_points: i32,
}

impl EntryPrice {
    /// Whether it is a price for the same thing, whatever its amount and its time.
    pub fn is_for_the_same(&self, other: &Self) -> bool {
        (self.unit, self.period, &self.customer_group) == (other.unit, other.period, &other.customer_group)
    }

    /// Whether it is as much.
    pub fn is_as_much(&self, other: &Self) -> bool {
        let much = |price: &Self| (price.amount_cents, price.percent_basis_points, price.vat_basis_points);
        much(self) == much(other)
    }
}

impl Entry {
    /// The fields in which it differs from another, by their names in the schema.
    pub fn changes(&self, before: &Self) -> Vec<String> {
        let fields = |entry: &Self| match serde_json::to_value(entry) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (before, after) = (fields(before), fields(self));
        let mut changed: Vec<String> = after
            .iter()
            .filter(|(name, value)| before.get(*name) != Some(*value))
            .map(|(name, _)| name.clone())
            .collect();
        changed.sort_unstable();
        changed
    }

    /// The row that would have come to this entry.
    pub fn row(&self) -> Row {
        Row {
            external_id: self.external_id.clone(),
            name: self.name.clone(),
            summary: Some(self.summary.clone()),
            description: self.description.clone(),
            category: self.category.clone(),
            standard_product: self.standard_product.clone(),
            lifecycle: Some(name_of(self.lifecycle)),
            available_from: self.available_from.map(|day| day.to_string()),
            phase_out_from: self.phase_out_from.map(|day| day.to_string()),
            retired_from: self.retired_from.map(|day| day.to_string()),
            delivery_mode: name_of(self.delivery_mode),
            base_service: Some(self.base_service.to_string()),
            mandated_task: Some(name_of(self.mandated_task)),
            service_area: Some(name_of(self.service_area)),
            municipalities: self.municipalities.clone(),
            customer_groups: self.customer_groups.clone(),
            organisational_conditions: self.organisational_conditions.clone(),
            technical_conditions: self.technical_conditions.clone(),
            lead_time_days: self.lead_time_days.map(|days| days.to_string()),
            notice_months: Some(self.notice_months.to_string()),
            term_months: self.term_months.map(|months| months.to_string()),
            sla_url: self.sla_url.clone(),
            data_processing_agreement_url: self.data_processing_agreement_url.clone(),
            leika_keys: self.leika_keys.clone(),
            ozg_ids: self.ozg_ids.clone(),
            prices: self.prices.iter().map(EntryPrice::row).collect(),
        }
    }
}

impl EntryPrice {
    /// The row that would have come to this price.
    pub(super) fn row(&self) -> RowPrice {
        let hundredths = |number: i64| format!("{}.{:02}", number / 100, number % 100);
        RowPrice {
            unit: name_of(self.unit),
            period: name_of(self.period),
            amount: self.amount_cents.map(hundredths),
            percent: self.percent_basis_points.map(|points| hundredths(points.into())),
            vat_rate: Some(hundredths(self.vat_basis_points.into())),
            valid_from: Some(self.valid_from.to_string()),
            valid_to: self.valid_to.map(|day| day.to_string()),
            customer_group: self.customer_group.clone(),
        }
    }
}

/// The name of a value of an enumeration, as the schema has it.
pub(super) fn name_of(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
