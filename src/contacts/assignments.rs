//! What a contact is responsible for: given, taken, and handed over. A place has one holder on a day.

use std::sync::Arc;

use ::entity::{
    change::Type,
    contact_assignment::{self, Column, Entity, Model, Rank, Topic},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    prelude::{Date, Uuid},
};
use serde::Serialize;
use serde_json::json;

use super::{
    Period,
    changes::{find, owner, person},
    desk_gap, persons, refuse_new_gap,
};
use crate::{
    access::{Caller, Duty, Role},
    catalogue::{self, Responsibility, Snapshot},
    clock::day_of,
    desk::Desk,
    error::{Error, Result},
    feed::Changed,
    orders::{Order, busy},
    publishing::{self, ATTEMPTS, Begun, Done},
    text::german_day,
};

/// What a contact can be responsible for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Target {
    /// A product.
    Product(Uuid),
    /// A provider's whole portfolio.
    Provider(Uuid),
    /// The members of a customer group.
    CustomerGroup(Uuid),
    /// The municipalities of a Kreis.
    District(Uuid),
    /// Everything else.
    CentralDesk,
}

/// A place that is to be given to a contact, or to nobody.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Assigning {
    /// Who holds the place then; nobody when left out.
    pub contact: Option<Uuid>,
    /// For what.
    pub target: Target,
    /// For which topic; all when left out.
    pub topic: Option<Topic>,
    /// First or in the second place.
    pub rank: Rank,
    /// First day; today when left out.
    pub from: Option<Date>,
    /// Last day.
    pub until: Option<Date>,
}

/// Everything of one contact that another is to take over.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct HandingOver {
    /// Whose.
    pub from: Uuid,
    /// To whom.
    pub to: Uuid,
    /// From this day; today when left out.
    pub on: Option<Date>,
}

/// A contact in its place.
#[derive(Clone, Debug)]
pub struct Held {
    /// The place.
    pub row: Model,
    /// Who.
    pub contact: catalogue::Contact,
}

/// What became of a place.
#[derive(Debug)]
pub struct Assigned {
    /// Who holds it then.
    pub held: Option<Held>,
    /// Who held it at that time, as it was.
    pub replaced: Vec<Held>,
}

/// Gives a place to a contact, or to nobody. Who held it at that time makes room for exactly that time.
pub async fn assign(desk: Arc<Desk>, order: Order<Assigning>, is_rehearsal: bool) -> Result<Assigned> {
    let deed = &order.deed;
    let is_own = |snapshot: &Snapshot| {
        let owns_contact = |id| owner(snapshot, id).is_some_and(|owner| owner.is(&order.caller));
        deed.contact.is_none_or(owns_contact) && owns(snapshot, &order.caller, deed.target)
    };
    for _ in 0..ATTEMPTS {
        let Some(begun) = publishing::begin(&desk, &order, Duty::AssignContact, is_own).await? else { continue };
        let at_place = Entity::find().filter(place(deed)).order_by_asc(Column::ValidFrom).order_by_asc(Column::Id);
        let at_place = at_place.all(&*begun.db).await?;
        if begun.known.is_some() && !is_rehearsal {
            let known = at_place.into_iter().rev().find(|row| Some(row.contact_id) == deed.contact);
            return Ok(Assigned { held: known.and_then(|row| held(&begun, row)), replaced: Vec::new() });
        }
        let today = day_of(begun.now);
        let taken = (check_days(deed, today)?, deed.until);
        check_contacts(&begun, &order, deed.contact.as_slice(), taken.0).await?;
        let replaced: Vec<Model> = at_place.into_iter().filter(|row| overlaps(row, taken)).collect();
        let Some(entity) = deed.contact.or(replaced.first().map(|row| row.contact_id)) else { return Err(vacant()) };
        let new = deed.contact.map(|contact| row(deed, contact, taken));
        let field = if deed.contact.is_some() { "until" } else { "contact" };
        rearrange(&begun, &replaced, taken, new.as_slice(), field).await?;
        let assigned = Assigned {
            held: new.clone().and_then(|row| held(&begun, row)),
            replaced: replaced.iter().filter_map(|row| held(&begun, row.clone())).collect(),
        };
        if is_rehearsal {
            begun.roll_back().await?;
            return Ok(assigned);
        }
        let contacts = replaced.iter().map(|row| row.contact_id).chain(deed.contact);
        let done = Done {
            entity: ("Contact", entity),
            changed: changed(&begun.snapshot, contacts),
            before: Some(json!({ "assignments": replaced })),
            after: Some(json!({ "assignment": new })),
        };
        if begun.commit(&desk, &order, done).await? {
            return Ok(assigned);
        }
    }
    Err(busy())
}

/// Gives every place of a contact to another from a day on; a rehearsal tells which.
pub async fn hand_over(desk: Arc<Desk>, order: Order<HandingOver>, is_rehearsal: bool) -> Result<Vec<Held>> {
    let deed = &order.deed;
    let is_own = |snapshot: &Snapshot| {
        let owns_contact = |id| owner(snapshot, id).is_some_and(|owner| owner.is(&order.caller));
        owns_contact(deed.from) && owns_contact(deed.to) && owns_places(snapshot, &order.caller, deed.from)
    };
    for _ in 0..ATTEMPTS {
        let Some(begun) = publishing::begin(&desk, &order, Duty::HandOverContacts, is_own).await? else { continue };
        let of = |contact: Uuid| Entity::find().filter(Column::ContactId.eq(contact)).order_by_asc(Column::Id);
        if begun.known.is_some() && !is_rehearsal {
            let rows = of(deed.to).all(&*begun.db).await?;
            return Ok(rows.into_iter().filter_map(|row| held(&begun, row)).collect());
        }
        let today = day_of(begun.now);
        let on = deed.on.unwrap_or(today);
        check_handing_over(deed, on, today)?;
        check_contacts(&begun, &order, &[deed.from, deed.to], on).await?;
        let rows = of(deed.from).all(&*begun.db).await?;
        let rows: Vec<Model> = rows.into_iter().filter(|row| overlaps(row, (on, None))).collect();
        let taken: Vec<Model> = rows.iter().map(|row| for_other(row, deed.to, on)).collect();
        rearrange(&begun, &rows, (on, None), &taken, "to").await?;
        let told: Vec<Held> = taken.iter().filter_map(|row| held(&begun, row.clone())).collect();
        if is_rehearsal {
            begun.roll_back().await?;
            return Ok(told);
        }
        let done = Done {
            entity: ("Contact", deed.from),
            changed: changed(&begun.snapshot, [deed.from, deed.to].into_iter()),
            before: Some(json!({ "assignments": rows })),
            after: Some(json!({ "assignments": taken })),
        };
        if begun.commit(&desk, &order, done).await? {
            return Ok(told);
        }
    }
    Err(busy())
}

/// Whether a place is the caller's to give.
fn owns(snapshot: &Snapshot, caller: &Caller, target: Target) -> bool {
    let is_provider = |id: Uuid| caller.acts_as(Role::Provider) && caller.provider == Some(id);
    match target {
        Target::Provider(id) => is_provider(id),
        Target::Product(id) => snapshot.products.find(id).is_some_and(|at| {
            let provider = snapshot.products[at].provider;
            is_provider(snapshot.providers[provider].row.id)
        }),
        Target::CustomerGroup(id) => caller.acts_as(Role::AccountManager) && caller.customer_groups.contains(&id),
        Target::District(_) | Target::CentralDesk => false,
    }
}

/// Whether all places of a contact are the caller's to give.
fn owns_places(snapshot: &Snapshot, caller: &Caller, contact: Uuid) -> bool {
    let Some(at) = snapshot.contacts.find(contact) else { return false };
    let mut places = snapshot.assignments().filter(|(_, assignment)| assignment.contact == at);
    places.all(|(responsibility, _)| {
        let target = match responsibility {
            Responsibility::Product(at) => Target::Product(snapshot.products[at].row.id),
            Responsibility::Provider(at) => Target::Provider(snapshot.providers[at].row.id),
            Responsibility::Group(at) => Target::CustomerGroup(snapshot.customer_groups[at].row.id),
            Responsibility::District(at) => Target::District(snapshot.municipalities[at].row.id),
            Responsibility::CentralDesk => Target::CentralDesk,
        };
        owns(snapshot, caller, target)
    })
}

/// The place that is meant, as a predicate.
fn place(deed: &Assigning) -> Condition {
    let of_topic = match deed.topic {
        Some(topic) => Column::Topic.eq(topic),
        None => Column::Topic.is_null(),
    };
    let of_target = match deed.target {
        Target::Product(id) => Column::ProductId.eq(id),
        Target::Provider(id) => Column::ProviderId.eq(id),
        Target::CustomerGroup(id) => Column::CustomerGroupId.eq(id),
        Target::District(id) => Column::MunicipalityId.eq(id),
        Target::CentralDesk => Column::CentralDesk.eq(true),
    };
    Condition::all().add(of_target).add(of_topic).add(Column::Rank.eq(deed.rank))
}

fn row(deed: &Assigning, contact: Uuid, (from, until): (Date, Option<Date>)) -> Model {
    let mut row = Model {
        id: Uuid::new_v4(),
        contact_id: contact,
        rank: deed.rank,
        topic: deed.topic,
        product_id: None,
        provider_id: None,
        customer_group_id: None,
        municipality_id: None,
        central_desk: false,
        valid_from: Some(from),
        valid_until: until,
    };
    match deed.target {
        Target::Product(id) => row.product_id = Some(id),
        Target::Provider(id) => row.provider_id = Some(id),
        Target::CustomerGroup(id) => row.customer_group_id = Some(id),
        Target::District(id) => row.municipality_id = Some(id),
        Target::CentralDesk => row.central_desk = true,
    }
    row
}

fn overlaps(row: &Model, (from, until): (Date, Option<Date>)) -> bool {
    row.valid_until.is_none_or(|end| end >= from)
        && row.valid_from.is_none_or(|begin| until.is_none_or(|until| begin <= until))
}

/// What is left of a place's time before and after another takes it.
fn rest(row: &Model, (from, until): (Date, Option<Date>)) -> (Option<Period>, Option<Period>) {
    let begins_before = row.valid_from.is_none_or(|begin| begin < from);
    let before = begins_before.then(|| (row.valid_from, from.pred_opt()));
    let ends_after = until.filter(|until| row.valid_until.is_none_or(|end| end > *until));
    let after = ends_after.and_then(|until| until.succ_opt()).map(|next| (Some(next), row.valid_until));
    (before, after)
}

/// The place of one contact as another holds it from a day on.
fn for_other(row: &Model, contact: Uuid, on: Date) -> Model {
    let from = row.valid_from.filter(|from| *from > on).unwrap_or(on);
    Model { id: Uuid::new_v4(), contact_id: contact, valid_from: Some(from), ..row.clone() }
}

/// Makes room for a time, and fills it. Refused when the central desk would answer for a shorter time then.
async fn rearrange(
    begun: &Begun,
    held: &[Model],
    taken: (Date, Option<Date>),
    new: &[Model],
    field: &str,
) -> Result<()> {
    let (db, today) = (&*begun.db, day_of(begun.now));
    let gap = desk_gap(db, today).await?;
    for row in held {
        make_room(db, row, taken).await?;
    }
    for row in new {
        row.clone().into_active_model().insert(db).await?;
    }
    refuse_new_gap(field, gap, desk_gap(db, today).await?)
}

/// Cuts a time out of a place's time.
async fn make_room(db: &impl ConnectionTrait, row: &Model, taken: (Date, Option<Date>)) -> Result<()> {
    let (before, after) = rest(row, taken);
    Entity::delete_by_id(row.id).exec(db).await?;
    // What came first keeps the id.
    let ids = std::iter::once(row.id).chain(std::iter::repeat_with(Uuid::new_v4));
    for (id, (valid_from, valid_until)) in ids.zip([before, after].into_iter().flatten()) {
        let left = contact_assignment::Model { id, valid_from, valid_until, ..row.clone() };
        left.into_active_model().insert(db).await?;
    }
    Ok(())
}

fn held(begun: &Begun, row: Model) -> Option<Held> {
    let at = begun.snapshot.contacts.find(row.contact_id)?;
    Some(Held { contact: begun.snapshot.contacts[at].clone(), row })
}

fn changed(snapshot: &Snapshot, contacts: impl Iterator<Item = Uuid>) -> Vec<Changed> {
    let mut ids: Vec<Uuid> = contacts.collect();
    ids.sort_unstable();
    ids.dedup();
    let version = |id| snapshot.contacts.find(id).map(|at| snapshot.contacts[at].version);
    ids.into_iter().map(|id| Changed { kind: Type::Contact, id, version: version(id) }).collect()
}

fn check_days(deed: &Assigning, today: Date) -> Result<Date> {
    let from = deed.from.unwrap_or(today);
    check_from("from", from, today)?;
    match deed.until {
        Some(until) if until < from => Err(Error::bad_input(
            "until",
            format!("until liegt vor dem ersten Tag. Möglich ist ab {}.", german_day(from)),
            format!("until lies before the first day. Possible is from {from}."),
        )),
        _ => Ok(from),
    }
}

fn check_from(field: &str, from: Date, today: Date) -> Result<()> {
    if from < today {
        return Err(Error::bad_input(
            field,
            format!("{field} liegt in der Vergangenheit. Möglich ist ab heute, {}.", german_day(today)),
            format!("{field} lies in the past. Possible is from today, {today}."),
        ));
    }
    Ok(())
}

fn check_handing_over(deed: &HandingOver, on: Date, today: Date) -> Result<()> {
    check_from("on", on, today)?;
    if deed.from == deed.to {
        return Err(Error::bad_input(
            "to",
            "from und to sind derselbe Kontakt. Bitte einen anderen angeben.",
            "from and to are the same contact. Please give another one.",
        ));
    }
    Ok(())
}

/// The contacts exist, the last of them still on the day, and the reason names none of their persons.
async fn check_contacts<D>(begun: &Begun, order: &Order<D>, contacts: &[Uuid], from: Date) -> Result<()> {
    for (place, id) in contacts.iter().enumerate() {
        let field = match (contacts.len(), place) {
            (1, _) => "contact",
            (_, 0) => "from",
            _ => "to",
        };
        let row = find(&*begun.db, field, *id).await?;
        persons::keep_out_of_reason(order.reason.as_ref(), person(&row).iter())?;
        let is_receiver = place + 1 == contacts.len();
        if let Some(until) = row.valid_until.filter(|until| is_receiver && *until < from) {
            return Err(Error::bad_input(
                field,
                format!("Der Kontakt gilt nur bis {}. Zuerst mit saveContact verlängern.", german_day(until)),
                format!("The contact is valid until {until} only. First extend it with saveContact."),
            ));
        }
    }
    Ok(())
}

fn vacant() -> Error {
    Error::bad_input(
        "contact",
        "Den Platz hat zu dieser Zeit niemand. Bitte einen Kontakt angeben.",
        "Nobody holds this place at that time. Please give a contact.",
    )
}
