//! Contacts are made, changed and confirmed. Of a person, the records tell that there is one and whether it changed, nothing else.

use std::sync::Arc;

use ::entity::{change::Type, contact};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    prelude::{Date, Uuid},
};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{desk_gap, persons, refuse_new_gap};
use crate::{
    access::{Caller, Duty},
    catalogue::Snapshot,
    clock::day_of,
    customer_groups::conflict,
    desk::Desk,
    error::{Error, Result, check_text},
    feed::Changed,
    orders::{Order, busy},
    publishing::{self, ATTEMPTS, Begun, Done},
    text::german_day,
};

/// Longest function and name, in characters.
const LONGEST_NAME: usize = 200;
/// Longest mailbox, in characters.
const LONGEST_EMAIL: usize = 254;
/// Longest telephone number, in characters.
const LONGEST_PHONE: usize = 50;
/// Longest purpose, in characters.
const LONGEST_PURPOSE: usize = 500;

/// Whose a contact is; neither means the central provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Owner {
    /// A provider,
    pub provider: Option<Uuid>,
    /// or the account managers of a customer group.
    pub customer_group: Option<Uuid>,
}

impl Owner {
    /// Whether it is the caller.
    pub fn is(self, caller: &Caller) -> bool {
        use crate::access::Role::{AccountManager, Provider};
        let is_provider = self.provider.is_some() && caller.provider == self.provider && caller.acts_as(Provider);
        let manages = |group| caller.acts_as(AccountManager) && caller.customer_groups.contains(&group);
        is_provider || self.customer_group.is_some_and(manages)
    }
}

/// The owner of a published contact; none of one that is not there.
pub fn owner(snapshot: &Snapshot, contact: Uuid) -> Option<Owner> {
    let row = &snapshot.contacts[snapshot.contacts.find(contact)?];
    Some(Owner { provider: row.provider_id, customer_group: row.customer_group_id })
}

/// Who is behind a contact, and what that is kept for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: String,
    /// Own mailbox.
    pub email: Option<String>,
    /// Own telephone.
    pub phone: Option<String>,
    /// What the data are kept for.
    pub purpose: String,
}

/// A contact as it is to be.
#[derive(Clone, Debug, Serialize)]
pub struct Saving {
    /// Which one; none for a new contact.
    pub contact: Option<Uuid>,
    /// The version that is changed; none for a new contact.
    pub version: Option<i64>,
    /// Whose; as it is when left out.
    pub owner: Option<Owner>,
    /// The function.
    pub function: String,
    /// Mailbox of the function.
    pub email: String,
    /// Telephone of the function.
    pub phone: Option<String>,
    /// The person; as it is when left out.
    #[serde(skip)]
    pub person: Option<Person>,
    /// Stands for the person in what is written: its digest, salted with the caller's key.
    person_digest: Option<String>,
    /// When somebody last confirmed it.
    pub confirmed_at: Option<Date>,
    /// Last day.
    pub valid_until: Option<Date>,
}

impl Saving {
    /// Adds the person. `salt` is the caller's own key for the change.
    #[must_use]
    pub fn with_person(mut self, person: Option<Person>, salt: &str) -> Self {
        self.person_digest = person.as_ref().map(|person| {
            let parts = (salt, &person.name, &person.email, &person.phone, &person.purpose);
            let bytes = serde_json::to_vec(&parts).unwrap_or_default();
            base16ct::lower::encode_string(&Sha256::digest(bytes))
        });
        self.person = person;
        self
    }

    /// A contact without a person.
    pub fn new(
        contact: Option<Uuid>,
        version: Option<i64>,
        owner: Option<Owner>,
        function: String,
        email: String,
    ) -> Self {
        let (phone, person, person_digest, confirmed_at, valid_until) = (None, None, None, None, None);
        Self { contact, version, owner, function, email, phone, person, person_digest, confirmed_at, valid_until }
    }
}

/// A contact that is confirmed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Confirming {
    /// Which one.
    pub contact: Uuid,
    /// The version that is confirmed.
    pub version: i64,
}

/// Makes or changes a contact.
pub async fn save(desk: Arc<Desk>, order: Order<Saving>) -> Result<contact::Model> {
    let deed = &order.deed;
    let is_own = |snapshot: &Snapshot| {
        let is_callers = |owner: Owner| owner.is(&order.caller);
        let was = deed.contact.map(|id| owner(snapshot, id).unwrap_or_default());
        was.is_none_or(is_callers) && deed.owner.or(was).is_some_and(is_callers)
    };
    for _ in 0..ATTEMPTS {
        let Some(begun) = publishing::begin(&desk, &order, Duty::SaveContact, is_own).await? else { continue };
        if let Some(id) = begun.known {
            return find(&*begun.db, "contact", id).await;
        }
        let before = match deed.contact {
            Some(id) => Some(find(&*begun.db, "contact", id).await?),
            None => None,
        };
        let today = day_of(begun.now);
        check(deed, before.as_ref(), today)?;
        persons::keep_out_of_reason(
            order.reason.as_ref(),
            deed.person.iter().chain(&before.as_ref().and_then(person)),
        )?;
        let row = row(deed, before.as_ref());
        let gap = desk_gap(&*begun.db, today).await?;
        write(&*begun.db, &row, before.is_none()).await?;
        refuse_new_gap("validUntil", gap, desk_gap(&*begun.db, today).await?)?;
        let is_person_gone = before.as_ref().and_then(person).is_some_and(|before| person(&row) != Some(before));
        if commit(&desk, &order, begun, before.as_ref(), &row).await? {
            if is_person_gone {
                persons::purge(&desk).await?;
            }
            return Ok(row);
        }
    }
    Err(busy())
}

/// Confirms that a contact is right as it is.
pub async fn confirm(desk: Arc<Desk>, order: Order<Confirming>) -> Result<contact::Model> {
    let deed = &order.deed;
    let is_own = |snapshot: &Snapshot| owner(snapshot, deed.contact).is_some_and(|owner| owner.is(&order.caller));
    for _ in 0..ATTEMPTS {
        let Some(begun) = publishing::begin(&desk, &order, Duty::ConfirmContact, is_own).await? else { continue };
        let before = find(&*begun.db, "contact", deed.contact).await?;
        if begun.known.is_some() {
            return Ok(before);
        }
        check_version(deed.version, &before)?;
        persons::keep_out_of_reason(order.reason.as_ref(), person(&before).iter())?;
        let mut row = before.clone();
        row.confirmed_at = Some(day_of(begun.now));
        row.version += 1;
        write(&*begun.db, &row, false).await?;
        if commit(&desk, &order, begun, Some(&before), &row).await? {
            return Ok(row);
        }
    }
    Err(busy())
}

/// The person that a row holds.
pub fn person(row: &contact::Model) -> Option<Person> {
    let (email, phone) = (row.person_email.clone(), row.person_phone.clone());
    let purpose = row.person_purpose.clone().unwrap_or_default();
    let name = row.person_name.clone().unwrap_or_default();
    let is_empty = name.is_empty() && email.is_none() && phone.is_none();
    (!is_empty).then_some(Person { name, email, phone, purpose })
}

/// What the records tell of a contact.
pub fn recorded(row: &contact::Model, other: Option<&contact::Model>) -> Value {
    let told = match (person(row), other.and_then(person)) {
        (None, _) => Value::Null,
        (Some(one), Some(other)) if one != other => json!("(changed)"),
        (Some(_), _) => json!("(set)"),
    };
    json!({
        "id": row.id, "function": row.function, "email": row.email, "phone": row.phone, "person": told,
        "confirmedAt": row.confirmed_at, "validUntil": row.valid_until, "version": row.version,
        "provider": row.provider_id, "customerGroup": row.customer_group_id,
    })
}

/// The contact with an id.
pub async fn find(db: &impl ConnectionTrait, field: &str, id: Uuid) -> Result<contact::Model> {
    let found = contact::Entity::find_by_id(id).one(db).await?;
    found.ok_or_else(|| Error::not_found(&id.to_string()).with("field", field))
}

/// Writes a contact.
pub async fn write(db: &impl ConnectionTrait, row: &contact::Model, is_new: bool) -> Result<()> {
    let active = row.clone().into_active_model();
    match is_new {
        true => active.insert(db).await?,
        false => active.reset_all().update(db).await?,
    };
    Ok(())
}

/// The version that a caller means has to be the one that a contact has.
pub fn check_version(version: i64, row: &contact::Model) -> Result<()> {
    if version == row.version { Ok(()) } else { Err(conflict(row.version)) }
}

async fn commit<D: Serialize>(
    desk: &Desk,
    order: &Order<D>,
    begun: Begun,
    before: Option<&contact::Model>,
    row: &contact::Model,
) -> Result<bool> {
    let done = Done {
        entity: ("Contact", row.id),
        before: before.map(|before| recorded(before, None)),
        after: Some(recorded(row, before)),
        changed: vec![Changed { kind: Type::Contact, id: row.id, version: Some(row.version) }],
    };
    begun.commit(desk, order, done).await
}

fn row(deed: &Saving, before: Option<&contact::Model>) -> contact::Model {
    let id = before.map_or_else(Uuid::new_v4, |before| before.id);
    let was = before.map(|row| Owner { provider: row.provider_id, customer_group: row.customer_group_id });
    let owner = deed.owner.or(was).unwrap_or_default();
    let person = deed.person.clone().or_else(|| before.and_then(person));
    let (name, own_email, own_phone, purpose) = match person {
        Some(person) => (Some(person.name), person.email, person.phone, Some(person.purpose)),
        None => (None, None, None, None),
    };
    contact::Model {
        id,
        key: before.map_or_else(|| id.simple().to_string(), |before| before.key.clone()),
        function: deed.function.clone(),
        email: deed.email.clone(),
        phone: deed.phone.clone(),
        person_name: name,
        person_email: own_email,
        person_phone: own_phone,
        person_purpose: purpose,
        confirmed_at: deed.confirmed_at,
        valid_until: deed.valid_until,
        sample: before.is_some_and(|before| before.sample),
        provider_id: owner.provider,
        customer_group_id: owner.customer_group,
        version: before.map_or(1, |before| before.version + 1),
    }
}

fn check(deed: &Saving, before: Option<&contact::Model>, today: Date) -> Result<()> {
    match (before, deed.version) {
        (Some(before), Some(version)) => check_version(version, before)?,
        (Some(before), None) => return Err(conflict(before.version)),
        (None, _) => {}
    }
    check_filled("function", &deed.function, LONGEST_NAME)?;
    check_filled("email", &deed.email, LONGEST_EMAIL)?;
    check_phone("phone", deed.phone.as_ref())?;
    if let Some(person) = &deed.person {
        check_filled("person.name", &person.name, LONGEST_NAME)?;
        person.email.as_ref().map_or(Ok(()), |email| check_filled("person.email", email, LONGEST_EMAIL))?;
        check_phone("person.phone", person.phone.as_ref())?;
        check_filled("person.purpose", &person.purpose, LONGEST_PURPOSE)?;
    }
    if deed.confirmed_at.is_some_and(|day| day > today) {
        return Err(Error::bad_input(
            "confirmedAt",
            format!("confirmedAt liegt in der Zukunft. Möglich ist bis heute, {}.", german_day(today)),
            format!("confirmedAt lies in the future. Possible is until today, {today}."),
        ));
    }
    let was = before.and_then(|before| before.valid_until);
    match deed.valid_until {
        Some(until) if until < today && deed.valid_until != was => Err(Error::bad_input(
            "validUntil",
            format!("validUntil liegt in der Vergangenheit. Möglich ist ab heute, {}.", german_day(today)),
            format!("validUntil lies in the past. Possible is from today, {today}."),
        )),
        _ => Ok(()),
    }
}

fn check_filled(field: &str, text: &str, max: usize) -> Result<()> {
    check_text(field, text, max)?;
    if text.trim().is_empty() {
        return Err(Error::bad_input(
            field,
            format!("{field} ist leer. Bitte einen Wert angeben."),
            format!("{field} is empty. Please give a value."),
        ));
    }
    Ok(())
}

fn check_phone(field: &str, phone: Option<&String>) -> Result<()> {
    let Some(phone) = phone else { return Ok(()) };
    check_filled(field, phone, LONGEST_PHONE)?;
    let is_part = |c: char| c.is_ascii_digit() || " +-/()".contains(c);
    if !phone.chars().all(is_part) || !phone.contains(|c: char| c.is_ascii_digit()) {
        return Err(Error::bad_input(
            field,
            format!("{field} ist keine Telefonnummer. Möglich sind Ziffern, Leerzeichen und + - / ( )."),
            format!("{field} is no telephone number. Possible are digits, spaces and + - / ( )."),
        ));
    }
    Ok(())
}
