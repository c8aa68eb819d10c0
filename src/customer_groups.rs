//! Customer groups: who would enter and leave before a group is changed, and that nobody is left without one.
//!
//! S1 assigns customer groups to central contacts, so a municipality without a group would have none.

use std::{collections::HashSet, sync::Arc};

use ::entity::{
    change::Type,
    customer_group::{self, Rule},
    customer_group_member,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, prelude::Uuid,
};
use serde::Serialize;
use serde_json::json;

use crate::{
    access::Duty,
    catalogue::{self, At, CustomerGroup, Municipality, Snapshot},
    desk::Desk,
    error::{Code, Error, Result, check_text},
    feed::Changed,
    orders::{Order, busy},
    publishing::{self, ATTEMPTS, Done},
};

/// Longest key, in characters.
const LONGEST_KEY: usize = 60;
/// Longest name, in characters.
const LONGEST_NAME: usize = 200;
/// Longest description, in characters.
const LONGEST_DESCRIPTION: usize = 2000;

/// A customer group as it is to be.
#[derive(Clone, Debug, Serialize)]
pub struct Saving {
    /// Natural key.
    pub key: String,
    /// Name.
    pub name: String,
    /// What the group is for.
    pub description: Option<String>,
    /// Who belongs to it by rule.
    pub rule: Option<Rule>,
    /// Who belongs to it by hand.
    pub members: Vec<Uuid>,
    /// The version that is changed; none for a new group.
    pub version: Option<i64>,
}

/// What a change means, as ids of municipalities by name.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// Who belongs to the group then.
    pub members: Vec<Uuid>,
    /// Who does not yet.
    pub enters: Vec<Uuid>,
    /// Who does not any more.
    pub leaves: Vec<Uuid>,
    /// Who would be in no group at all.
    pub uncovered: Vec<Uuid>,
    /// Who would be in two groups or more.
    pub overlapping: Vec<Uuid>,
}

/// What became of a change.
#[derive(Debug)]
pub struct Saved {
    /// The group as it is since; none when nothing was written.
    pub group: Option<customer_group::Model>,
    /// What the change means.
    pub preview: Preview,
    /// Why it is not made.
    pub error: Option<Error>,
}

/// Makes or changes a customer group; a rehearsal tells the same and writes nothing.
pub async fn save(desk: Arc<Desk>, order: Order<Saving>, is_rehearsal: bool) -> Result<Saved> {
    let deed = &order.deed;
    for _ in 0..ATTEMPTS {
        let Some(begun) = publishing::begin(&desk, &order, Duty::SaveCustomerGroup, |_| false).await? else { continue };
        let before = find(&begun.snapshot, &deed.key);
        let preview = preview(&begun.snapshot, deed, before);
        if let (Some(_), Some(at), false) = (begun.known, before, is_rehearsal) {
            let group = Some(begun.snapshot.customer_groups[at].row.clone());
            return Ok(Saved { group, preview, error: None });
        }
        let before = before.map(|at| &begun.snapshot.customer_groups[at].row);
        check(&begun.snapshot, deed, before)?;
        if let Some(error) = would_uncover(&begun.snapshot, &preview) {
            begun.roll_back().await?;
            return Ok(Saved { group: None, preview, error: Some(error) });
        }
        let row = row(deed, before);
        if is_rehearsal {
            begun.roll_back().await?;
            return Ok(Saved { group: Some(row), preview, error: None });
        }
        let before_json = before.map(|before| json!({ "group": before }));
        write(&*begun.db, &row, before.is_none(), &deed.members).await?;
        let done = Done {
            entity: ("CustomerGroup", row.id),
            before: before_json,
            after: Some(
                json!({ "group": row, "membersByHand": deed.members, "enters": preview.enters, "leaves": preview.leaves }),
            ),
            changed: vec![Changed { kind: Type::CustomerGroup, id: row.id, version: Some(row.version) }],
        };
        if begun.commit(&desk, &order, done).await? {
            return Ok(Saved { group: Some(row), preview, error: None });
        }
    }
    Err(busy())
}

fn find(snapshot: &Snapshot, key: &str) -> Option<At<CustomerGroup>> {
    snapshot.customer_groups.iter().find(|(_, group)| group.row.key == key).map(|(at, _)| at)
}

fn preview(snapshot: &Snapshot, deed: &Saving, before: Option<At<CustomerGroup>>) -> Preview {
    let by_hand: HashSet<Uuid> = deed.members.iter().copied().collect();
    let was: HashSet<At<Municipality>> =
        before.iter().flat_map(|at| snapshot.customer_groups[*at].members.iter().copied()).collect();
    let mut preview = Preview::default();
    for (at, municipality) in snapshot.municipalities.iter() {
        let id = municipality.row.id;
        let by_rule =
            deed.rule.as_ref().is_some_and(|rule| catalogue::fits(rule, municipality, &snapshot.municipalities));
        let (is_in, was_in) = (by_rule || by_hand.contains(&id), was.contains(&at));
        let lists = [
            (is_in, &mut preview.members),
            (is_in && !was_in, &mut preview.enters),
            (was_in && !is_in, &mut preview.leaves),
        ];
        lists.into_iter().filter(|(is_meant, _)| *is_meant).for_each(|(_, list)| list.push(id));
        match municipality.groups.len() - usize::from(was_in) + usize::from(is_in) {
            0 => preview.uncovered.push(id),
            1 => {}
            _ => preview.overlapping.push(id),
        }
    }
    preview
}

// INVARIANT: every municipality that is in a group stays in one.
fn would_uncover(snapshot: &Snapshot, preview: &Preview) -> Option<Error> {
    let lost: Vec<&str> = preview
        .uncovered
        .iter()
        .filter(|id| preview.leaves.contains(id))
        .filter_map(|id| snapshot.municipalities.find(*id))
        .map(|at| snapshot.municipalities[at].row.name.as_str())
        .collect();
    let first = lost.first()?;
    let count = lost.len();
    let error = Error::bad_input(
        "rule",
        format!("Nach der Änderung wären {count} Kommunen in keiner Kundengruppe, zum Beispiel {first}."),
        format!("After the change {count} municipalities would be in no customer group, for example {first}."),
    );
    Some(error.next(
        "Diese Kommunen zuerst in eine andere Kundengruppe aufnehmen; preview.uncovered nennt sie.",
        "First add these municipalities to another customer group; preview.uncovered lists them.",
    ))
}

fn row(deed: &Saving, before: Option<&customer_group::Model>) -> customer_group::Model {
    let keeps_source = before.filter(|before| before.rule == deed.rule);
    customer_group::Model {
        id: before.map_or_else(Uuid::new_v4, |before| before.id),
        key: deed.key.clone(),
        name: deed.name.clone(),
        description: deed.description.clone(),
        rule: deed.rule.clone(),
        source: keeps_source.map_or_else(|| "ours".to_owned(), |before| before.source.clone()),
        version: before.map_or(1, |before| before.version + 1),
    }
}

async fn write(db: &impl ConnectionTrait, row: &customer_group::Model, is_new: bool, members: &[Uuid]) -> Result<()> {
    use customer_group_member::{Column, Entity, Model};
    let active = row.clone().into_active_model();
    match is_new {
        true => active.insert(db).await?,
        false => active.reset_all().update(db).await?,
    };
    Entity::delete_many().filter(Column::GroupId.eq(row.id)).exec(db).await?;
    let members: HashSet<&Uuid> = members.iter().collect();
    let rows = members.into_iter().map(|id| Model { group_id: row.id, municipality_id: *id }.into_active_model());
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

fn check(snapshot: &Snapshot, deed: &Saving, before: Option<&customer_group::Model>) -> Result<()> {
    check_text("key", &deed.key, LONGEST_KEY)?;
    let is_key = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if deed.key.is_empty() || !deed.key.bytes().all(is_key) {
        return Err(Error::bad_input(
            "key",
            "key braucht Kleinbuchstaben a bis z, Ziffern oder Bindestriche, zum Beispiel „kreise-west“.",
            "key needs lower-case letters a to z, digits or hyphens, for example “kreise-west”.",
        ));
    }
    check_text("name", &deed.name, LONGEST_NAME)?;
    if deed.name.trim().is_empty() {
        return Err(Error::bad_input(
            "name",
            "name ist leer. Bitte einen Namen angeben.",
            "name is empty. Please give a name.",
        ));
    }
    deed.description.as_ref().map_or(Ok(()), |text| check_text("description", text, LONGEST_DESCRIPTION))?;
    if deed.rule.is_none() && deed.members.is_empty() {
        return Err(Error::bad_input(
            "rule",
            "Ohne rule und members gehörte niemand zur Gruppe. Bitte eines angeben.",
            "Without rule and members nobody would belong to the group. Please give one of them.",
        ));
    }
    if let Some(rule) = &deed.rule {
        check_rule(snapshot, rule)?;
    }
    check_version(deed, before)
}

fn check_rule(snapshot: &Snapshot, rule: &Rule) -> Result<()> {
    for (field, number) in [("minPopulation", rule.min_population), ("maxPopulation", rule.max_population)] {
        if number.is_some_and(|number| number < 0) {
            return Err(Error::bad_input(
                &format!("rule.{field}"),
                format!("{field} ist kleiner als 0. Bitte eine Einwohnerzahl angeben."),
                format!("{field} is less than 0. Please give a number of inhabitants."),
            ));
        }
    }
    if let (Some(fewest), Some(most)) = (rule.min_population, rule.max_population)
        && most < fewest
    {
        return Err(Error::bad_input(
            "rule.maxPopulation",
            format!("maxPopulation ist kleiner als minPopulation. Möglich ist ab {fewest}."),
            format!("maxPopulation is less than minPopulation. Possible is from {fewest}."),
        ));
    }
    let is_district = |ags: &String| {
        let found = snapshot.municipality_by_ags(ags).map(|at| snapshot.municipalities[at].row.kind);
        found == Some(::entity::municipality::Type::Kreis)
    };
    if let Some(ags) = rule.districts.iter().find(|ags| !is_district(ags)) {
        return Err(Error::bad_input(
            "rule.districts",
            format!("{ags} ist kein Kreis. Bitte den AGS eines Kreises angeben: 5 Ziffern und 000."),
            format!("{ags} is no Kreis. Please give the AGS of a Kreis: 5 digits and 000."),
        ));
    }
    let is_known = |name: &String| snapshot.municipalities.iter().any(|(_, row)| row.row.government_district == *name);
    if !rule.government_districts.iter().all(is_known) {
        return Err(Error::bad_input(
            "rule.governmentDistricts",
            "Einen der Regierungsbezirke gibt es nicht. Möglich sind die Werte von governmentDistrict der Kommunen.",
            "One of the Regierungsbezirke does not exist. Possible are the values of governmentDistrict of municipalities.",
        ));
    }
    Ok(())
}

fn check_version(deed: &Saving, before: Option<&customer_group::Model>) -> Result<()> {
    match (deed.version, before) {
        (None, None) => Ok(()),
        (Some(version), Some(before)) if version == before.version => Ok(()),
        (Some(_), None) => Err(Error::not_found(&deed.key).with("field", "key")),
        (_, Some(before)) => Err(conflict(before.version)),
    }
}

/// Somebody else changed it meanwhile.
pub fn conflict(version: i64) -> Error {
    Error::new(
        Code::Conflict,
        format!("Inzwischen wurde es geändert; jetzt gilt Version {version}."),
        format!("It was changed meanwhile; the version is {version} now."),
    )
    .with("field", "version")
    .with("currentVersion", version)
    .next(
        "Neu lesen und mit der jetzigen Version noch einmal senden.",
        "Read it again and send it with the version that it has now.",
    )
}
