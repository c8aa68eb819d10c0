//! Canonical rows: what is told of a thing when it is exported, from its own tables alone. Whatever changes one of them has to
//! be an entry of the change feed; nothing in them is personal, and nothing depends on the day.

use std::collections::HashMap;

use ::entity::{
    change::Type, municipality, price, product, product_customer_group, product_key, product_municipality,
    product_subscription, provider,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, Select,
    prelude::{DateTimeUtc, Uuid},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    ids::global_id,
    portfolios::{lifecycle::is_published, store},
    text::hundredths,
};

/// The canonical rows of some things of one kind; nothing for those that are not there or not published.
pub async fn load(db: &impl ConnectionTrait, kind: Type, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, DbErr> {
    let ids = || ids.iter().copied();
    match kind {
        Type::Municipality => {
            let rows = municipality::Entity::find().filter(municipality::Column::Id.is_in(ids())).all(db).await?;
            rows.iter().map(|row| written(row.id, &of_municipality(row))).collect()
        }
        Type::Provider => {
            let rows = provider::Entity::find().filter(provider::Column::Id.is_in(ids())).all(db).await?;
            rows.iter().map(|row| written(row.id, &of_provider(row))).collect()
        }
        Type::Product => {
            let rows = product::Entity::find().filter(product::Column::Id.is_in(ids())).all(db).await?;
            let rows = rows.into_iter().filter(|row| is_published(row.lifecycle)).collect();
            let products = store::join(db, rows).await?;
            products.iter().map(|stored| written(stored.row.id, &of_product(stored))).collect()
        }
        Type::ProductSubscription => {
            use product_subscription::{Column, Entity};
            let rows = Entity::find().filter(Column::Id.is_in(ids())).all(db).await?;
            rows.iter().map(|row| written(row.id, &of_subscription(row))).collect()
        }
        _ => Ok(HashMap::new()),
    }
}

/// The canonical form: JSON after RFC 8785.
fn written(id: Uuid, row: &impl Serialize) -> Result<(Uuid, String), DbErr> {
    let text = serde_json_canonicalizer::to_string(row).map_err(|error| DbErr::Json(error.to_string()))?;
    Ok((id, text))
}

fn of_municipality(row: &municipality::Model) -> Value {
    let mut told = json!({
        "id": global_id("Municipality", row.id),
        "ags": row.ags,
        "ars": row.ars,
        "name": row.name,
        "officialName": row.official_name,
        "type": row.kind,
        "specialStatus": row.special_status,
        "district": row.district_id.map(|id| global_id("Municipality", id)),
        "governmentDistrict": row.government_district,
        "population": row.population,
        "populationDate": row.population_date,
        "areaHectares": row.area_hectares,
        "postcode": row.postcode,
        "longitude": row.longitude.map(|degrees| degrees.to_string()),
        "latitude": row.latitude.map(|degrees| degrees.to_string()),
        "kgstSizeClass": row.kgst_size_class,
        "goNrwStatus": row.go_nrw_status,
    });
    // INVARIANT: said only of those that have gone into another, so what was told of all others stays the same.
    if let (Some(told), Some(on)) = (told.as_object_mut(), row.dissolved_on) {
        told.insert("dissolvedOn".to_owned(), json!(on));
        told.insert("mergedInto".to_owned(), json!(row.merged_into_id.map(|id| global_id("Municipality", id))));
        told.insert("areaChangeReference".to_owned(), json!(row.area_change_reference));
    }
    told
}

fn of_provider(row: &provider::Model) -> Value {
    json!({
        "id": global_id("Provider", row.id),
        "key": row.key,
        "name": row.name,
        "shortName": row.short_name,
        "kind": row.kind,
        "legalForm": row.legal_form,
        "seat": row.seat,
        "areaServed": row.area_served,
        "website": row.website,
        "kdnMember": row.kdn_member,
        "sample": row.sample,
    })
}

fn of_product(stored: &store::Stored) -> Value {
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
        "standardProduct": row.standard_product_id.map(|id| global_id("StandardProduct", id)),
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
        "customerGroup": row.customer_group_id.map(|id| global_id("CustomerGroup", id)),
    })
}

fn percent(basis_points: Option<i32>) -> Option<String> {
    basis_points.map(|points| hundredths(points.into()))
}

fn of_subscription(row: &product_subscription::Model) -> Value {
    let other = |id: Option<Uuid>| id.map(|id| global_id("ProductSubscription", id));
    json!({
        "id": global_id("ProductSubscription", row.id),
        "version": row.version,
        "state": row.state,
        "municipality": row.municipality_id.map(|id| global_id("Municipality", id)),
        "provider": row.provider_id.map(|id| global_id("Provider", id)),
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
        "predecessor": other(row.predecessor_id),
        "successor": other(row.successor_id),
        "createdAt": moment(row.created_at),
        "updatedAt": moment(row.updated_at),
        "sample": row.sample,
    })
}

fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut texts: Vec<String> = texts.collect();
    texts.sort_unstable();
    texts
}

/// UTC with microseconds, which both databases keep.
fn moment(moment: DateTimeUtc) -> String {
    moment.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// All things of a kind.
pub async fn ids(db: &impl ConnectionTrait, kind: Type) -> Result<Vec<Uuid>, DbErr> {
    match kind {
        Type::Municipality => all(db, municipality::Entity::find(), municipality::Column::Id).await,
        Type::Provider => all(db, provider::Entity::find(), provider::Column::Id).await,
        Type::Product => all(db, product::Entity::find(), product::Column::Id).await,
        Type::ProductSubscription => {
            all(db, product_subscription::Entity::find(), product_subscription::Column::Id).await
        }
        _ => Ok(Vec::new()),
    }
}

async fn all<E: EntityTrait>(db: &impl ConnectionTrait, query: Select<E>, id: E::Column) -> Result<Vec<Uuid>, DbErr> {
    query.select_only().column(id).into_tuple().all(db).await
}
