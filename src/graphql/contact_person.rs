//! Who is behind a contact: never in the catalogue, read for all fields of a request together, and on record.

use std::collections::HashMap;

use async_graphql::{Context, ID, Object, SimpleObject};
use sea_orm::prelude::Uuid;

use super::{
    context::{Reading, reading},
    node::row_id,
    payload::to_its_end,
    scalars::{EmailAddress, Json},
};
use crate::{
    contacts::{
        changes::Person,
        persons::{self, Access},
    },
    error::Result,
};

/// The person behind a contact.
#[derive(SimpleObject)]
pub struct ContactPerson {
    /// Name.
    name: String,
    /// Own mailbox.
    email: Option<EmailAddress>,
    /// Own telephone.
    phone: Option<String>,
    /// What the data are kept for.
    purpose: String,
}

/// What a request reads of persons: in one statement, and on record once for each contact.
#[derive(Debug, Default)]
pub struct Persons {
    waiting: parking_lot::Mutex<Vec<Access>>,
    read: tokio::sync::Mutex<HashMap<Uuid, Option<Person>>>,
}

impl ContactPerson {
    /// The person behind a contact; none when nobody is named, or the caller has no purpose.
    pub async fn read(reading: &Reading, contact: Uuid) -> Result<Option<Self>> {
        reading.only_today("person")?;
        let Some(caller) = &reading.caller else { return Ok(None) };
        let access = persons::access(&reading.desk, &reading.snapshot, caller, contact, reading.today)?;
        let Some(access) = access else { return Ok(None) };
        reading.note_database();
        reading.persons.waiting.lock().push(access);
        // The other fields of the request come to wait too.
        tokio::task::yield_now().await;
        let mut read = reading.persons.read.lock().await;
        if !read.contains_key(&contact) {
            let mut asked = std::mem::take(&mut *reading.persons.waiting.lock());
            asked.sort_by_key(|access| access.contact);
            asked.dedup_by_key(|access| access.contact);
            asked.retain(|access| !read.contains_key(&access.contact));
            read.extend(persons::read(&reading.desk, caller, &reading.request_id, &asked).await?);
        }
        let person = read.get(&contact).cloned().flatten();
        Ok(person.map(|person| Self {
            name: person.name,
            email: person.email.map(EmailAddress),
            phone: person.phone,
            purpose: person.purpose,
        }))
    }
}

/// Root fields for persons.
#[derive(Default)]
pub struct ContactPersonQuery;

#[Object]
impl ContactPersonQuery {
    /// Everything that is stored about the person behind a contact, where, and who read it (Auskunft, Art. 15 GDPR): an object
    /// with `contact`, `person`, `storedIn`, `keptUntil`, `responsibleFor` and `events`. For stewards; on record.
    async fn export_contact(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the contact.")] id: ID,
    ) -> Result<Option<Json>> {
        let reading = reading(context);
        let caller = reading.signed_in()?.clone();
        let contact = row_id("id", "Contact", &id)?;
        reading.note_database();
        let export = persons::export(reading.desk.clone(), caller, reading.request_id.clone(), contact);
        Ok(Some(Json(to_its_end(export).await?)))
    }
}
