//! Customer groups: the KGSt size classes, the Kreise, and the kreisfreie Städte with Aachen.

use ::entity::{
    customer_group::{self, Rule},
    customer_group_member,
    municipality::Type,
};
use sea_orm::{DbErr, prelude::Uuid};
use serde::Deserialize;

use super::{Writer, broken, id_of, municipalities::municipality_id, read, some_text};

#[derive(Deserialize)]
struct SizeClass {
    scheme: String,
    class: String,
    applies_to: String,
    inhabitants_min: Option<i64>,
    inhabitants_max: Option<i64>,
    rule_de: String,
    source: String,
}

#[derive(Deserialize)]
struct OwnGroup {
    key: String,
    name: String,
    description: String,
    types: String,
    members_by_hand: String,
    source: String,
}

pub(super) async fn load(writer: &mut Writer<'_>) -> Result<(), DbErr> {
    let classes: Vec<SizeClass> = read("customer_groups.csv", include_str!("../../data/customer_groups.csv"))?;
    let own: Vec<OwnGroup> = read("customer_groups_ours.csv", include_str!("../../data/customer_groups_ours.csv"))?;
    let members = own.iter().flat_map(|group| {
        group.members_by_hand.split_whitespace().map(|ags| customer_group_member::Model {
            group_id: group_id(&group.key),
            municipality_id: municipality_id(ags),
        })
    });
    let members = members.collect();
    let mut rows = size_classes(&classes);
    for group in own {
        rows.push(own_group(group)?);
    }
    writer.insert::<customer_group::Entity>("customer_groups", rows).await?;
    writer.insert::<customer_group_member::Entity>("customer_group_members", members).await
}

/// The id of a customer group by its key.
pub(super) fn group_id(key: &str) -> Uuid {
    id_of("customer_group", key)
}

fn size_classes(classes: &[SizeClass]) -> Vec<customer_group::Model> {
    let classes: Vec<&SizeClass> = classes.iter().filter(|class| class.scheme.starts_with("KGST")).collect();
    let mut groups = Vec::with_capacity(classes.len());
    for (place, class) in classes.iter().enumerate() {
        let towns = class.scheme == "KGST_ST";
        let larger = place.checked_sub(1).map(|before| classes[before]).filter(|before| before.scheme == class.scheme);
        // The source's classes share their limits ("200.000 bis 400.000"); a municipality is in the larger one.
        let below_larger = larger.and_then(|larger| larger.inhabitants_min).map(|fewest| fewest - 1);
        let most = [class.inhabitants_max, below_larger].into_iter().flatten().min();
        let key = format!("kgst-{}-{}", if towns { "st" } else { "kr" }, class.class);
        let types = match towns {
            true => vec![Type::KreisfreieStadt, Type::KreisangehoerigeStadt, Type::Gemeinde],
            false => vec![Type::Kreis],
        };
        groups.push(customer_group::Model {
            id: group_id(&key),
            key,
            name: format!("{}, KGSt-Größenklasse {}", class.applies_to, class.class),
            description: Some(format!("Einwohner: {}", class.rule_de)),
            rule: Some(Rule { types, min_population: class.inhabitants_min, max_population: most, ..Rule::default() }),
            source: class.source.clone(),
            version: 1,
        });
    }
    groups
}

fn own_group(group: OwnGroup) -> Result<customer_group::Model, DbErr> {
    let types = group.types.split_whitespace().map(|name| match name {
        "KREIS" => Ok(Type::Kreis),
        "KREISFREIE_STADT" => Ok(Type::KreisfreieStadt),
        other => Err(broken("customer_groups_ours.csv", other)),
    });
    let rule = Rule { types: types.collect::<Result<_, _>>()?, ..Rule::default() };
    Ok(customer_group::Model {
        id: group_id(&group.key),
        key: group.key,
        name: group.name,
        description: some_text(&group.description),
        rule: Some(rule),
        source: group.source,
        version: 1,
    })
}
