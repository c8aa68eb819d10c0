//! Products of a portfolio as providers write them.

use async_graphql::InputObject;

use crate::portfolios;

/// A price in its provider's words.
#[derive(InputObject)]
pub struct PortfolioPriceInput {
    /// What is counted: a name of `PriceUnit`.
    unit: String,
    /// How often it is due: a name of `PricePeriod`.
    period: String,
    /// Net amount in EUR for one unit and one period, with at most two places, as `0.35` or `0,35`; not for REVENUE_PERCENT.
    amount: Option<String>,
    /// Percentage with at most two places, for REVENUE_PERCENT only.
    percent: Option<String>,
    /// VAT rate in percent; 19 when left out.
    vat_rate: Option<String>,
    /// First day, as 2027-01-31 or 31.01.2027. Another price of a published product names it: at the earliest after the
    /// notice period, so that whoever does not want it can leave before.
    valid_from: Option<String>,
    /// Last day; until another price for the same begins when left out.
    valid_to: Option<String>,
    /// Key of a customer group, when only its members pay this.
    customer_group: Option<String>,
}

/// A product in its provider's words. All fields are texts, so that what is wrong is an error of its row.
#[derive(InputObject)]
pub struct PortfolioRowInput {
    /// The provider's own key, unique within its portfolio, at most 100 characters.
    pub(super) external_id: String,
    /// Name, at most 200 characters.
    name: String,
    /// What it is, in a sentence of at most 500 characters; the name when left out.
    summary: Option<String>,
    /// More about it, at most 5000 characters.
    description: Option<String>,
    /// Key of its category, of the lower level: see `categories`.
    category: String,
    /// Key of the standard product that it implements: see `standardProducts`; the one that it has when left out.
    standard_product: Option<String>,
    /// Where it is to stand, a name of `Lifecycle`: AVAILABLE (when left out), PLANNED or DRAFT for a new one, which waits for a
    /// review; a published one moves on at once, to PHASE_OUT and RETIRED.
    lifecycle: Option<String>,
    /// First day on which it can be had.
    available_from: Option<String>,
    /// From this day no new subscription.
    phase_out_from: Option<String>,
    /// From this day it is gone.
    retired_from: Option<String>,
    /// How it is delivered: a name of `DeliveryMode`.
    delivery_mode: String,
    /// Whether it is a base service: true or false, ja or nein; false when left out.
    base_service: Option<String>,
    /// Whether it serves a task by mandate, a name of `MandatedTask`; NO when left out.
    mandated_task: Option<String>,
    /// Where it is offered, a name of `ServiceArea`; PROVIDER_COVERAGE when left out.
    service_area: Option<String>,
    /// AGS of the municipalities that it is offered to, for LISTED only.
    #[graphql(default)]
    municipalities: Vec<String>,
    /// Keys of the customer groups whose members may have it; no restriction when left out.
    #[graphql(default)]
    customer_groups: Vec<String>,
    /// What must be settled before, at most 5000 characters.
    organisational_conditions: Option<String>,
    /// What must be in place, at most 5000 characters.
    technical_conditions: Option<String>,
    /// Days from order to delivery, 0 to 1000.
    lead_time_days: Option<String>,
    /// Notice period in months, 0 to 60; 3 when left out.
    notice_months: Option<String>,
    /// Shortest term in months, 0 to 120; none when left out.
    term_months: Option<String>,
    /// Address of the service level agreement.
    sla_url: Option<String>,
    /// Address of the data-processing agreement.
    data_processing_agreement_url: Option<String>,
    /// LeiKa keys, 14 digits each.
    #[graphql(default)]
    leika_keys: Vec<String>,
    /// OZG ids, 5 digits each.
    #[graphql(default)]
    ozg_ids: Vec<String>,
    /// Prices that are valid now or will be, at most 50.
    #[graphql(default)]
    prices: Vec<PortfolioPriceInput>,
}
impl From<PortfolioPriceInput> for portfolios::RowPrice {
    fn from(input: PortfolioPriceInput) -> Self {
        let PortfolioPriceInput { unit, period, amount, percent, vat_rate, valid_from, valid_to, customer_group } =
            input;
        Self { unit, period, amount, percent, vat_rate, valid_from, valid_to, customer_group }
    }
}

impl From<PortfolioRowInput> for portfolios::Row {
    fn from(input: PortfolioRowInput) -> Self {
        Self {
            external_id: input.external_id,
            name: input.name,
            summary: input.summary,
            description: input.description,
            category: input.category,
            standard_product: input.standard_product,
            lifecycle: input.lifecycle,
            available_from: input.available_from,
            phase_out_from: input.phase_out_from,
            retired_from: input.retired_from,
            delivery_mode: input.delivery_mode,
            base_service: input.base_service,
            mandated_task: input.mandated_task,
            service_area: input.service_area,
            municipalities: input.municipalities,
            customer_groups: input.customer_groups,
            organisational_conditions: input.organisational_conditions,
            technical_conditions: input.technical_conditions,
            lead_time_days: input.lead_time_days,
            notice_months: input.notice_months,
            term_months: input.term_months,
            sla_url: input.sla_url,
            data_processing_agreement_url: input.data_processing_agreement_url,
            leika_keys: input.leika_keys,
            ozg_ids: input.ozg_ids,
            prices: input.prices.into_iter().map(Into::into).collect(),
        }
    }
}
