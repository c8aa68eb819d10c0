//! Rows of what is offered and taken: categories, standard products, products with their prices, subscriptions.

use ::entity::{
    category, price, product_customer_group, product_key, product_municipality, product_subscription, standard_product,
};
use serde_json::{Value, json};

use super::{moment, of, sorted};
use crate::{ids::global_id, portfolios::store, text::hundredths};

pub(super) fn of_category(row: &category::Model) -> Value {
    json!({
        "id": global_id("Category", row.id),
        "key": row.key,
        "name": row.name,
        "parent": of("Category", row.parent_id),
        "ordinal": row.ordinal,
    })
}

pub(super) fn of_standard_product(row: &standard_product::Model) -> Value {
    json!({
        "id": global_id("StandardProduct", row.id),
        "version": row.version,
        "key": row.key,
        "name": row.name,
        "summary": row.summary,
        "category": global_id("Category", row.category_id),
        "sample": row.sample,
    })
}

pub(super) fn of_product(stored: &store::Stored) -> Value {
    let row = &stored.row;
    let keys = |scheme| {
        let keys = stored.keys.iter().filter(move |key: &&product_key::Model| key.scheme == scheme);
        sorted(keys.map(|key| key.value.clone()))
    };
    let municipality = |row: &product_municipality::Model| global_id("Municipality", row.municipality_id);
    let group = |row: &product_customer_group::Model| global_id("CustomerGroup", row.group_id);
    let mut prices: Vec<&price::Model> = stored.prices.iter().collect();
    prices.sort_by_key(|price| price.id);
    json!({
        "id": global_id("Product", row.id),
        "version": row.version,
        "provider": global_id("Provider", row.provider_id),
        "externalId": row.external_id,
        "name": row.name,
        "summary": row.summary,
        "description": row.description,
        "category": global_id("Category", row.category_id),
        "standardProduct": of("StandardProduct", row.standard_product_id),
        "lifecycle": row.lifecycle,
        "availableFrom": row.available_from,
        "phaseOutFrom": row.phase_out_from,
        "retiredFrom": row.retired_from,
        "deliveryMode": row.delivery_mode,
        "baseService": row.base_service,
        "mandatedTask": row.mandated_task,
        "initialPortfolio": row.initial_portfolio,
        "serviceArea": row.service_area,
        "municipalities": sorted(stored.municipalities.iter().map(municipality)),
        "customerGroups": sorted(stored.groups.iter().map(group)),
        "organisationalConditions": row.organisational_conditions,
        "technicalConditions": row.technical_conditions,
        "leadTimeDays": row.lead_time_days,
        "noticeMonths": row.notice_months,
        "termMonths": row.term_months,
        "slaUrl": row.sla_url,
        "dataProcessingAgreementUrl": row.data_processing_agreement_url,
        "leikaKeys": keys(product_key::Scheme::Leika),
        "ozgIds": keys(product_key::Scheme::Ozg),
        "prices": prices.into_iter().map(of_price).collect::<Vec<_>>(),
        "createdAt": moment(row.created_at),
        "updatedAt": moment(row.updated_at),
        "sample": row.sample,
    })
}

fn of_price(row: &price::Model) -> Value {
    json!({
        "unit": row.unit,
        "period": row.period,
        "amount": row.amount_cents.map(hundredths),
        "percent": percent(row.percent_basis_points),
        "vatRate": percent(Some(row.vat_basis_points)),
        "validFrom": row.valid_from,
        "validTo": row.valid_to,
        "customerGroup": of("CustomerGroup", row.customer_group_id),
    })
}

fn percent(basis_points: Option<i32>) -> Option<String> {
    basis_points.map(|points| hundredths(points.into()))
}

pub(super) fn of_subscription(row: &product_subscription::Model) -> Value {
    json!({
        "id": global_id("ProductSubscription", row.id),
        "version": row.version,
        "state": row.state,
        "municipality": of("Municipality", row.municipality_id),
        "provider": of("Provider", row.provider_id),
        "product": global_id("Product", row.product_id),
        "quantity": row.quantity,
        "origin": row.origin,
        "legalBasis": row.legal_basis,
        "requestedFrom": row.requested_from,
        "agreedFrom": row.agreed_from,
        "activeSince": row.active_since,
        "endsOn": row.ends_on,
        "noticeMonths": row.notice_months,
        "termEnd": row.term_end,
        "price": {
            "unit": row.price_unit,
            "period": row.price_period,
            "amount": row.price_amount_cents.map(hundredths),
            "percent": percent(row.price_percent_basis_points),
            "vatRate": percent(Some(row.price_vat_basis_points)),
        },
        "pendingChange": row.open_matter,
        "awaits": row.awaits,
        "expiresAt": row.expires_at.map(moment),
        "predecessor": of("ProductSubscription", row.predecessor_id),
        "successor": of("ProductSubscription", row.successor_id),
        "createdAt": moment(row.created_at),
        "updatedAt": moment(row.updated_at),
        "sample": row.sample,
    })
}
