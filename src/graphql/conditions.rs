//! Conditions of products.

use async_graphql::SimpleObject;

use crate::catalogue;

/// What must be settled and in place before a product is delivered (Bedingungen).
#[derive(SimpleObject)]
pub struct Conditions<'s> {
    /// What must be settled: resolutions, contracts, responsibilities.
    organisational: Option<&'s str>,
    /// What must be in place: networks, interfaces, devices.
    technical: Option<&'s str>,
    /// Days from order to delivery.
    lead_time_days: Option<i32>,
}

/// The conditions of a product.
pub fn conditions(product: &catalogue::Product) -> Conditions<'_> {
    Conditions {
        organisational: product.row.organisational_conditions.as_deref(),
        technical: product.row.technical_conditions.as_deref(),
        lead_time_days: product.row.lead_time_days,
    }
}
