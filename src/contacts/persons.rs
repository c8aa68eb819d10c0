//! Who is behind a contact: read by those who have a purpose, on record when it is not their own, and erased without a trace.

use std::{collections::HashMap, sync::Arc};

use ::entity::{
    audit_event::{self, Outcome},
    change::Type,
    contact, contact_assignment, idempotency_key,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    prelude::{Date, Uuid},
    sea_query::Expr,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::changes::{Person, check_version, find, owner, person, recorded, write};
use crate::{
    access::{Caller, Duty, DutyPermit, Role},
    audit::{Event, Reason},
    catalogue::{At, Contact, Municipality, Responsibility, Snapshot},
    desk::Desk,
    error::{Error, Result},
    feed::Changed,
    orders::{self, Order, busy},
    phases,
    publishing::{self, ATTEMPTS, Done},
    records,
};

/// Tables that can hold what was said about a person; the first holds little, and nothing else does.
const TABLES: [&str; 3] = ["contacts", "audit_events", "idempotency_keys"];
/// How often it is tried to empty SQLite's log while somebody reads.
const PURGES: usize = 5;

/// The right to read the person behind one contact.
#[derive(Debug)]
pub struct Access {
    /// Which contact.
    pub contact: Uuid,
    /// Whether it is the caller's own; reading any other is recorded.
    pub is_owner: bool,
    permit: DutyPermit,
}

/// The caller's right to read the person behind a contact; none without a purpose.
pub fn access(desk: &Desk, snapshot: &Snapshot, caller: &Caller, contact: Uuid, day: Date) -> Result<Option<Access>> {
    let is_owner = owner(snapshot, contact).is_some_and(|owner| owner.is(caller));
    // An account manager needs no more than groups of its own; a municipality a contact that answers for it.
    let answers = caller.municipality.filter(|_| caller.is(Role::Municipality)).is_some_and(|id| {
        let (of, at) = (snapshot.municipalities.find(id), snapshot.contacts.find(contact));
        of.zip(at).is_some_and(|(of, at)| answers_for(snapshot, at, of, day))
    });
    let is_own = is_owner || answers || caller.acts_as(Role::AccountManager);
    let phase = phases::current(snapshot)?;
    let permit = desk.engine.duty(caller, Duty::ReadContactPerson, is_own, phase).ok();
    Ok(permit.map(|permit| Access { contact, is_owner, permit }))
}

/// Whether a contact is one that a municipality may have to ask: for its groups, its Kreis, the central desk, or a provider
/// that serves it.
fn answers_for(snapshot: &Snapshot, contact: At<Contact>, of: At<Municipality>, day: Date) -> bool {
    let municipality = &snapshot.municipalities[of];
    let serves = |provider| municipality.served_by.iter().any(|served| served.at == provider && served.holds_on(day));
    let holds = |responsibility: Responsibility| match responsibility {
        Responsibility::CentralDesk => true,
        Responsibility::District(district) => district == municipality.district.unwrap_or(of),
        Responsibility::Group(group) => municipality.groups.contains(&group),
        Responsibility::Provider(provider) => serves(provider),
        Responsibility::Product(product) => serves(snapshot.products[product].provider),
    };
    snapshot.assignments().any(|(responsibility, assignment)| {
        assignment.contact == contact && assignment.holds_on(day) && holds(responsibility)
    })
}

/// Reads persons in one statement, and records first who reads what is not its own.
pub async fn read(
    desk: &Desk,
    caller: &Caller,
    request_id: &str,
    asked: &[Access],
) -> Result<HashMap<Uuid, Option<Person>>> {
    let wanted = contact::Column::Id.is_in(asked.iter().map(|access| access.contact));
    let rows = contact::Entity::find().filter(wanted).all(desk.database.connection()).await?;
    let mut found: HashMap<Uuid, Option<Person>> = asked.iter().map(|access| (access.contact, None)).collect();
    found.extend(rows.iter().map(|row| (row.id, person(row))));
    let is_told = |access: &&Access| !access.is_owner && found.get(&access.contact).is_some_and(Option::is_some);
    let events: Vec<Event<'_>> = asked
        .iter()
        .filter(is_told)
        .map(|access| event(desk, caller, request_id, &access.permit, access.contact))
        .collect();
    if !events.is_empty() {
        records::append_refusals(&desk.database, events, desk.clock.now()).await?;
    }
    Ok(found)
}

fn event<'e>(desk: &'e Desk, caller: &Caller, request_id: &'e str, permit: &'e DutyPermit, contact: Uuid) -> Event<'e> {
    Event {
        actor: caller.into(),
        action: permit.duty().into(),
        outcome: Outcome::Committed,
        entity: Some(("Contact", contact)),
        before: None,
        after: None,
        reason: None,
        rule: Some(&permit.rule().id),
        policies: desk.engine.fingerprint(),
        request_id: Some(request_id),
    }
}

/// Everything that is stored about the person behind a contact, and where (Art. 15 GDPR).
pub async fn export(desk: Arc<Desk>, caller: Caller, request_id: String, id: Uuid) -> Result<Value> {
    desk.live.refresh().await;
    let phase = phases::current(&desk.live.snapshot())?;
    let permit = desk.engine.duty(&caller, Duty::ExportContact, false, phase);
    let permit = permit.map_err(|rule| orders::refusal(&desk, Duty::ExportContact, phase, &rule))?;
    let db = desk.database.connection();
    let row = find(db, "id", id).await?;
    let assignments = contact_assignment::Entity::find().filter(contact_assignment::Column::ContactId.eq(id));
    let assignments = assignments.order_by_asc(contact_assignment::Column::Id).all(db).await?;
    let events = audit_event::Entity::find().filter(audit_event::Column::EntityId.eq(id));
    let events = events.order_by_asc(audit_event::Column::Sequence).all(db).await?;
    let told: Vec<Value> = events
        .iter()
        .map(|event| json!({ "sequence": event.sequence, "at": event.at, "action": event.action, "roles": event.roles, "reason": event.reason_text }))
        .collect();
    let found = person(&row);
    let export = json!({
        "contact": recorded(&row, None),
        "person": found.map(|person| json!({ "name": person.name, "email": person.email, "phone": person.phone, "purpose": person.purpose })),
        "storedIn": ["contacts.person_name", "contacts.person_email", "contacts.person_phone", "contacts.person_purpose"],
        "keptUntil": "eraseContact",
        "responsibleFor": assignments,
        "events": told,
    });
    let recorded = event(&desk, &caller, &request_id, &permit, id);
    records::append_refusals(&desk.database, [recorded], desk.clock.now()).await?;
    Ok(export)
}

/// A person that is to be erased.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Erasing {
    /// Behind which contact.
    pub contact: Uuid,
    /// The version that it has.
    pub version: i64,
}

/// Removes a person from every contact that names it; the mailbox of the function goes on. The id stays as pseudonym.
pub async fn erase(desk: Arc<Desk>, order: Order<Erasing>) -> Result<Vec<contact::Model>> {
    let deed = &order.deed;
    for _ in 0..ATTEMPTS {
        let Some(begun) = publishing::begin(&desk, &order, Duty::EraseContact, |_| false).await? else { continue };
        let before = find(&*begun.db, "contact", deed.contact).await?;
        if begun.known.is_some() {
            begun.roll_back().await?;
            // The first time may have ended before the files were clean.
            purge(&desk).await?;
            return Ok(vec![before]);
        }
        check_version(deed.version, &before)?;
        let Some(gone) = person(&before) else { return Err(nobody()) };
        keep_out_of_reason(order.reason.as_ref(), [&gone].into_iter())?;
        let mut rows = same_person(&*begun.db, &before, &gone).await?;
        rows.iter().try_for_each(|row| keep_out_of_function(row, &gone))?;
        let told = rows.iter().map(|row| recorded(row, None)).collect();
        for row in &mut rows {
            (row.person_name, row.person_email, row.person_phone, row.person_purpose) = (None, None, None, None);
            row.version += 1;
            write(&*begun.db, row, false).await?;
            forget(&*begun.db, row.id, &gone).await?;
        }
        let changed = |row: &contact::Model| Changed { kind: Type::Contact, id: row.id, version: Some(row.version) };
        let done = Done {
            entity: ("Contact", deed.contact),
            before: Some(told),
            after: Some(rows.iter().map(|row| recorded(row, None)).collect()),
            changed: rows.iter().map(changed).collect(),
        };
        if begun.commit(&desk, &order, done).await? {
            purge(&desk).await?;
            return Ok(rows);
        }
    }
    Err(busy())
}

/// The contacts that name the same person: with the same own mailbox, or with the same name and telephone; the one asked first.
async fn same_person(db: &impl ConnectionTrait, first: &contact::Model, gone: &Person) -> Result<Vec<contact::Model>> {
    use contact::Column::{Id, PersonEmail, PersonName, PersonPhone};
    let by_name = Condition::all().add(PersonName.eq(gone.name.clone())).add(match &gone.phone {
        Some(phone) => PersonPhone.eq(phone.clone()),
        None => PersonPhone.is_null(),
    });
    let by_name = by_name.add(match &gone.email {
        Some(email) => PersonEmail.eq(email.clone()),
        None => PersonEmail.is_null(),
    });
    let same = Condition::any().add(by_name).add_option(gone.email.as_ref().map(|email| PersonEmail.eq(email.clone())));
    let others = contact::Entity::find().filter(same).filter(Id.ne(first.id)).order_by_asc(Id).all(db).await?;
    Ok(std::iter::once(first.clone()).chain(others).collect())
}

/// Empties what the records say in free text about a contact. The chain holds digests of it and stays whole.
async fn forget(db: &impl ConnectionTrait, contact: Uuid, gone: &Person) -> Result<()> {
    let events = audit_event::Entity::find().filter(audit_event::Column::EntityId.eq(contact)).all(db).await?;
    for event in events {
        let is_named = [&event.before, &event.after].into_iter().flatten().any(|text| names(text, gone));
        if event.reason_text.is_none() && !is_named {
            continue;
        }
        let mut empty = audit_event::ActiveModel { sequence: Set(event.sequence), ..Default::default() };
        empty.reason_text = Set(None);
        if is_named {
            (empty.before, empty.after, empty.salt) = (Set(None), Set(None), Set(None));
        }
        empty.update(db).await?;
    }
    // Sent again, a change that named the person is none any more.
    idempotency_key::Entity::update_many()
        .col_expr(idempotency_key::Column::InputDigest, Expr::value(""))
        .filter(idempotency_key::Column::EntityId.eq(contact))
        .exec(db)
        .await?;
    Ok(())
}

/// Removes what was emptied from the files of the database.
pub async fn purge(desk: &Desk) -> Result<()> {
    for _ in 0..PURGES {
        if desk.database.purge(&TABLES).await? {
            return Ok(());
        }
    }
    tracing::warn!(
        "somebody still reads from before an erasure; the database's log keeps it until the next checkpoint"
    );
    Ok(())
}

fn names(text: &str, person: &Person) -> bool {
    let text = text.to_lowercase();
    let parts = [Some(&person.name), person.email.as_ref(), person.phone.as_ref()];
    parts.into_iter().flatten().any(|part| !part.trim().is_empty() && text.contains(&part.trim().to_lowercase()))
}

/// A reason stays in the audit trail, so it must not name the person.
pub fn keep_out_of_reason<'p>(reason: Option<&Reason>, persons: impl Iterator<Item = &'p Person>) -> Result<()> {
    let Some(reason) = reason else { return Ok(()) };
    for person in persons {
        let texts = [("reason.text", Some(&reason.text)), ("reason.reference", reason.reference.as_ref())];
        if let Some((field, _)) = texts.into_iter().find(|(_, text)| text.is_some_and(|text| names(text, person))) {
            return Err(Error::bad_input(
                field,
                format!(
                    "{field} nennt die Person; das bliebe im Protokoll stehen. Bitte ohne Namen und Adressen begründen."
                ),
                format!(
                    "{field} names the person; that would stay in the audit trail. Please give the reason without names and addresses."
                ),
            ));
        }
    }
    Ok(())
}

fn keep_out_of_function(row: &contact::Model, person: &Person) -> Result<()> {
    let parts = [Some(&row.function), Some(&row.email), row.phone.as_ref()];
    match parts.into_iter().flatten().any(|part| names(part, person)) {
        false => Ok(()),
        true => Err(Error::bad_input(
            "contact",
            "Funktion, Postfach oder Telefon der Funktion nennen die Person selbst; sie blieben öffentlich.",
            "Function, mailbox or telephone of the function name the person itself; they would stay public.",
        )
        .next(
            "Zuerst mit saveContact ein Postfach der Funktion eintragen, dann löschen.",
            "First enter a mailbox of the function with saveContact, then erase.",
        )),
    }
}

fn nobody() -> Error {
    Error::bad_input(
        "contact",
        "Zu diesem Kontakt ist keine Person gespeichert; es gibt nichts zu löschen.",
        "No person is stored for this contact; there is nothing to erase.",
    )
}
