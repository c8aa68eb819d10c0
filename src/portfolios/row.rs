//! What a provider writes about a product: texts, as a file or a form gives them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A product in its provider's words. All parts are texts, so that a wrong one is an error of its row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Row {
    /// The provider's own key, unique within its portfolio.
    pub external_id: String,
    /// Name.
    pub name: String,
    /// What it is, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Key of its category, of the lower level.
    pub category: String,
    /// Key of the standard product that it implements.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standard_product: Option<String>,
    /// Where it is to stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    /// First day on which it can be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_from: Option<String>,
    /// From this day no new subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_out_from: Option<String>,
    /// From this day it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_from: Option<String>,
    /// How it is delivered.
    pub delivery_mode: String,
    /// Basisdienst.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_service: Option<String>,
    /// Whether it serves a mandated task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mandated_task: Option<String>,
    /// Where it is offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_area: Option<String>,
    /// AGS of the municipalities that it is offered to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub municipalities: Vec<String>,
    /// Keys of the customer groups whose members may have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub customer_groups: Vec<String>,
    /// What must be settled before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisational_conditions: Option<String>,
    /// What must be in place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub technical_conditions: Option<String>,
    /// Days from order to delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead_time_days: Option<String>,
    /// Notice period in months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice_months: Option<String>,
    /// Shortest term in months.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term_months: Option<String>,
    /// Service level agreement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sla_url: Option<String>,
    /// Data-processing agreement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_processing_agreement_url: Option<String>,
    /// LeiKa keys.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leika_keys: Vec<String>,
    /// OZG ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ozg_ids: Vec<String>,
    /// Prices that are valid now or will be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<RowPrice>,
}

/// A price in its provider's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RowPrice {
    /// What is counted.
    pub unit: String,
    /// How often it is due.
    pub period: String,
    /// Net amount in EUR for one unit and one period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Percentage, for `REVENUE_PERCENT` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<String>,
    /// VAT rate in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_rate: Option<String>,
    /// First day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    /// Key of the customer group that it is for only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_group: Option<String>,
}

/// SHA-256 over rows in their canonical form: each as JSON after RFC 8785 (keys sorted, no spaces, nothing that is left out)
/// and a line feed; in hexadecimal.
pub fn digest(rows: &[Row]) -> Result<String, serde_json::Error> {
    let mut hash = Sha256::new();
    for row in rows {
        hash.update(serde_json_canonicalizer::to_vec(row)?);
        hash.update("\n");
    }
    Ok(base16ct::lower::encode_string(&hash.finalize()))
}
