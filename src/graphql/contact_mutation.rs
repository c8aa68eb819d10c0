//! Changes of contacts: made, changed, confirmed, and the person erased.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, SimpleObject};

use super::{
    contact::Contact,
    context::reading,
    node::row_id,
    payload::{UserError, order, to_its_end, told},
    provider::ProviderBy,
    scalars::{Date, EmailAddress},
    subscription_input::ReasonInput,
};
use crate::{
    catalogue::Snapshot,
    contacts::{
        changes::{self, Confirming, Owner, Person, Saving},
        persons::{self, Erasing},
    },
    error::{Error, Result, check_text},
};

/// Longest key, in characters.
const LONGEST_KEY: usize = 200;

/// Whose a contact is: exactly one of these.
#[derive(OneofObject)]
pub enum ContactOwner {
    /// A provider.
    Provider(ProviderBy),
    /// The account managers of a customer group, by its key.
    CustomerGroup(String),
    /// The central provider's own: true.
    Central(bool),
}

/// Who is behind a contact.
#[derive(InputObject)]
pub struct ContactPersonInput {
    /// Name, 1 to 200 characters.
    name: String,
    /// Own mailbox.
    email: Option<EmailAddress>,
    /// Own telephone, at most 50 characters.
    phone: Option<String>,
    /// What the data are kept for, 1 to 500 characters.
    purpose: String,
}

/// Makes a contact, or changes one as a whole: what is left out is empty then, except `owner` and `person`.
#[derive(InputObject)]
pub struct SaveContactInput {
    /// Id of the contact; a new one when left out.
    contact: Option<ID>,
    /// The version that is changed; left out for a new contact.
    version: Option<i64>,
    /// Whose it is. When left out it stays; a new one is the central provider's.
    owner: Option<ContactOwner>,
    /// The function, as people know it, 1 to 200 characters.
    function: String,
    /// Mailbox of the function.
    email: EmailAddress,
    /// Telephone of the function, at most 50 characters.
    phone: Option<String>,
    /// Who is behind it. When left out it stays; `eraseContact` removes it.
    person: Option<ContactPersonInput>,
    /// When somebody last confirmed it, not after today.
    confirmed_at: Option<Date>,
    /// Last day, not before today; no end when left out.
    valid_until: Option<Date>,
    /// Why. Please name no persons.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Confirms that a contact is right as it is.
#[derive(InputObject)]
pub struct ConfirmContactInput {
    /// Id of the contact.
    contact: ID,
    /// The version that is confirmed.
    version: i64,
    /// Why.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Removes the person behind a contact.
#[derive(InputObject)]
pub struct EraseContactInput {
    /// Id of the contact.
    contact: ID,
    /// The version that it has.
    version: i64,
    /// Why. It stays in the audit trail: without names.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of a change of a contact.
#[derive(SimpleObject)]
pub struct ContactPayload {
    /// The contact as it stands now; null when the change was refused.
    contact: Option<Contact>,
    /// What went wrong; empty when the change was made.
    errors: Vec<UserError>,
}

/// Outcome of an erasure.
#[derive(SimpleObject)]
pub struct EraseContactPayload {
    /// The contact without the person: the mailbox of the function goes on. Null when it was refused.
    contact: Option<Contact>,
    /// Other contacts that named the same person, and do not any more.
    others: Vec<Contact>,
    /// What went wrong; empty when the person was erased.
    errors: Vec<UserError>,
}

/// Making, changing, confirming and erasing.
#[derive(Default)]
pub struct ContactMutation;

#[Object]
impl ContactMutation {
    /// Makes or changes a contact: a function with its mailbox, and the person behind it, if there has to be one.
    async fn save_contact(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The contact as it is to be, and why.")] input: SaveContactInput,
    ) -> Result<Option<ContactPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let saved = match saving(&input, &reading.snapshot) {
            Ok(deed) => {
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(changes::save(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (row, errors) = told(reading, saved)?;
        Ok(Some(ContactPayload { contact: row.map(Contact::new), errors }))
    }

    /// Confirms that a contact is right as it is: `confirmedAt` is today then.
    async fn confirm_contact(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which contact, at which version, and why.")] input: ConfirmContactInput,
    ) -> Result<Option<ContactPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let confirmed = match row_id("contact", "Contact", &input.contact) {
            Ok(contact) => {
                let deed = Confirming { contact, version: input.version };
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(changes::confirm(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (row, errors) = told(reading, confirmed)?;
        Ok(Some(ContactPayload { contact: row.map(Contact::new), errors }))
    }

    /// Removes the person behind a contact from everywhere (Art. 17 GDPR): name, mailbox, telephone and purpose, in every contact
    /// that names the same person, and the free texts of the audit trail about it. The mailbox of the function goes on.
    async fn erase_contact(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which contact, at which version, and why.")] input: EraseContactInput,
    ) -> Result<Option<EraseContactPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let erased = match row_id("contact", "Contact", &input.contact) {
            Ok(contact) => {
                let deed = Erasing { contact, version: input.version };
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(persons::erase(reading.desk.clone(), order)).await
            }
            Err(error) => Err(error),
        };
        let (rows, errors) = told(reading, erased)?;
        let mut rows = rows.unwrap_or_default().into_iter().map(Contact::new);
        Ok(Some(EraseContactPayload { contact: rows.next(), others: rows.collect(), errors }))
    }
}

fn saving(input: &SaveContactInput, snapshot: &Snapshot) -> Result<Saving> {
    let contact = input.contact.as_ref().map(|id| row_id("contact", "Contact", id)).transpose()?;
    if contact.is_none() && input.version.is_some() {
        return Err(Error::bad_input(
            "version",
            "version ohne contact. Bitte contact angeben, oder version weglassen für einen neuen Kontakt.",
            "version without contact. Please give contact, or leave out version for a new one.",
        ));
    }
    let owner = input.owner.as_ref().map(|owner| owner_of(owner, snapshot)).transpose()?;
    let person = input.person.as_ref().map(|person| Person {
        name: person.name.clone(),
        email: person.email.as_ref().map(|email| email.0.clone()),
        phone: person.phone.clone(),
        purpose: person.purpose.clone(),
    });
    let mut saving = Saving::new(contact, input.version, owner, input.function.clone(), input.email.0.clone());
    saving.phone.clone_from(&input.phone);
    saving.confirmed_at = input.confirmed_at.map(|day| day.0);
    saving.valid_until = input.valid_until.map(|day| day.0);
    Ok(saving.with_person(person, &input.idempotency_key))
}

fn owner_of(owner: &ContactOwner, snapshot: &Snapshot) -> Result<Owner> {
    match owner {
        ContactOwner::Provider(by) => {
            let at = by.find(snapshot).map_err(|error| error.with("field", "owner.provider"))?;
            Ok(Owner { provider: Some(snapshot.providers[at].row.id), customer_group: None })
        }
        ContactOwner::CustomerGroup(key) => {
            Ok(Owner { provider: None, customer_group: Some(group_by_key("owner.customerGroup", key, snapshot)?) })
        }
        ContactOwner::Central(true) => Ok(Owner::default()),
        ContactOwner::Central(false) => Err(Error::bad_input(
            "owner.central",
            "central ist false. Bitte true angeben, oder provider oder customerGroup.",
            "central is false. Please give true, or provider, or customerGroup.",
        )),
    }
}

/// The customer group with a key.
pub fn group_by_key(field: &str, key: &str, snapshot: &Snapshot) -> Result<sea_orm::prelude::Uuid> {
    check_text(field, key, LONGEST_KEY)?;
    let found = snapshot.customer_groups.iter().find(|(_, group)| group.row.key == key);
    found.map(|(_, group)| group.row.id).ok_or_else(|| Error::not_found(key).with("field", field))
}
