//! Rows of organisations: municipalities, providers, how far they have joined, mergers, customer groups, contacts.

use std::collections::HashMap;

use ::entity::{
    contact, contact_assignment, customer_group, customer_group_member, joining, municipality, provider,
    provider_merger, provider_merger_predecessor,
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, prelude::Uuid};
use serde_json::{Value, json};

use super::{by, of, sorted};
use crate::ids::global_id;

pub(super) fn of_municipality(row: &municipality::Model) -> Value {
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

pub(super) fn of_provider(row: &provider::Model) -> Value {
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

pub(super) fn of_joining(row: &joining::Model) -> Value {
    json!({
        "id": global_id("Joining", row.id),
        "municipality": of("Municipality", row.municipality_id),
        "provider": of("Provider", row.provider_id),
        "level": row.level,
        "since": row.valid_from,
        "resolution": row.resolution,
        "sample": row.sample,
    })
}

/// Predecessors of mergers, by merger.
pub(super) async fn predecessors(
    db: &impl ConnectionTrait,
    mergers: &[Uuid],
) -> Result<HashMap<Uuid, Vec<provider_merger_predecessor::Model>>, DbErr> {
    use provider_merger_predecessor::{Column, Entity};
    let rows = Entity::find().filter(Column::MergerId.is_in(mergers.iter().copied())).all(db).await?;
    Ok(by(rows, |row| row.merger_id))
}

pub(super) fn of_merger(row: &provider_merger::Model, predecessors: &[provider_merger_predecessor::Model]) -> Value {
    let mut predecessors: Vec<_> = predecessors.iter().collect();
    predecessors.sort_by_key(|predecessor| predecessor.id);
    let predecessor = |row: &provider_merger_predecessor::Model| json!({ "name": row.name, "provider": of("Provider", row.provider_id) });
    json!({
        "id": global_id("ProviderMerger", row.id),
        "key": row.key,
        "kind": row.kind,
        "on": row.on_date,
        "dateText": row.date_text,
        "predecessors": predecessors.into_iter().map(predecessor).collect::<Vec<_>>(),
        "successorName": row.successor_name,
        "successor": of("Provider", row.successor_id),
        "affected": row.affected,
        "source": row.source,
        "confidence": row.confidence,
    })
}

/// Members that groups list by hand, by group.
pub(super) async fn members(
    db: &impl ConnectionTrait,
    groups: &[Uuid],
) -> Result<HashMap<Uuid, Vec<customer_group_member::Model>>, DbErr> {
    use customer_group_member::{Column, Entity};
    let rows = Entity::find().filter(Column::GroupId.is_in(groups.iter().copied())).all(db).await?;
    Ok(by(rows, |row| row.group_id))
}

/// With the members that are listed by hand; those by rule follow from the rule and the municipalities.
pub(super) fn of_group(row: &customer_group::Model, members: &[customer_group_member::Model]) -> Value {
    json!({
        "id": global_id("CustomerGroup", row.id),
        "version": row.version,
        "key": row.key,
        "name": row.name,
        "description": row.description,
        "rule": row.rule,
        "membersByHand": sorted(members.iter().map(|row| global_id("Municipality", row.municipality_id))),
        "source": row.source,
    })
}

/// What contacts are responsible for, by contact.
pub(super) async fn assignments(
    db: &impl ConnectionTrait,
    contacts: &[Uuid],
) -> Result<HashMap<Uuid, Vec<contact_assignment::Model>>, DbErr> {
    use contact_assignment::{Column, Entity};
    let rows = Entity::find().filter(Column::ContactId.is_in(contacts.iter().copied())).all(db).await?;
    Ok(by(rows, |row| row.contact_id))
}

/// Without its texts: an earlier wording of a function or a mailbox may have named somebody, and rows can't be erased.
pub(super) fn of_contact(row: &contact::Model, assignments: &[contact_assignment::Model]) -> Value {
    let mut assignments: Vec<_> = assignments.iter().collect();
    assignments.sort_by_key(|assignment| assignment.id);
    let assignment = |row: &contact_assignment::Model| {
        json!({
            "rank": row.rank,
            "topic": row.topic,
            "product": of("Product", row.product_id),
            "provider": of("Provider", row.provider_id),
            "customerGroup": of("CustomerGroup", row.customer_group_id),
            "district": of("Municipality", row.municipality_id),
            "centralDesk": row.central_desk,
            "from": row.valid_from,
            "until": row.valid_until,
        })
    };
    json!({
        "id": global_id("Contact", row.id),
        "version": row.version,
        "provider": of("Provider", row.provider_id),
        "customerGroup": of("CustomerGroup", row.customer_group_id),
        "confirmedAt": row.confirmed_at,
        "validUntil": row.valid_until,
        "assignments": assignments.into_iter().map(assignment).collect::<Vec<_>>(),
        "sample": row.sample,
    })
}
