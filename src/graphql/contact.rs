//! Contacts: who to ask. What concerns the function is public; who is behind it is told to few, see `contact_person`.

use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};

use super::{
    connection::{Connection, page},
    contact_person::ContactPerson,
    context::{reading, snapshot},
    customer_group::CustomerGroup,
    municipality::MunicipalityBy,
    node::{global_id, row_id},
    scalars::{Date, EmailAddress},
};
use crate::{
    access::{Duty, Role},
    catalogue::{self, At, Snapshot},
    contacts::{self, FoundBy, Matter, stale},
    error::{Code, Error, Result},
    listing::Window,
    orders,
};

/// What a contact is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::contact_assignment::Topic")]
pub enum ContactTopic {
    /// Offers and orders (Vertrieb).
    Sales,
    /// Operations and technology.
    Technical,
    /// Introduction of a product (Einführung).
    Onboarding,
    /// Data protection (Datenschutz).
    DataProtection,
    /// Information security (Informationssicherheit).
    Security,
    /// Emergencies at any hour (Notfall).
    Emergency,
}

/// The step of the search that found a contact, in the order of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "FoundBy")]
pub enum ContactFoundBy {
    /// Responsible for the product.
    Product,
    /// Responsible for the whole portfolio of the product's provider.
    Provider,
    /// Responsible for this topic in a customer group of the municipality.
    CustomerGroupTopic,
    /// Responsible for a customer group of the municipality.
    CustomerGroup,
    /// Responsible for the Kreis.
    District,
    /// Responsible for everything else (zentrale Ansprechstelle).
    CentralDesk,
}

/// A contact (Ansprechpartner/in): a function with its mailbox and telephone.
#[derive(Description, Clone)]
pub struct Contact {
    row: catalogue::Contact,
    deputy: Option<catalogue::Contact>,
}

impl Contact {
    /// A published contact, and who stands in for it here.
    pub fn at(snapshot: &Snapshot, at: At<catalogue::Contact>, deputy: Option<At<catalogue::Contact>>) -> Self {
        let row = |at| -> catalogue::Contact { snapshot.contacts[at].clone() };
        Self { row: row(at), deputy: deputy.map(row) }
    }

    /// A contact as it was written.
    pub fn new(row: impl Into<catalogue::Contact>) -> Self {
        Self { row: row.into(), deputy: None }
    }
}

#[Object(use_type_description)]
impl Contact {
    /// Opaque id, to change it with.
    async fn id(&self) -> ID {
        global_id("Contact", self.row.id)
    }

    /// The function, as people know it.
    async fn function(&self) -> &str {
        &self.row.function
    }

    /// Mailbox of the function.
    async fn email(&self) -> EmailAddress {
        EmailAddress(self.row.email.clone())
    }

    /// Telephone of the function.
    async fn phone(&self) -> Option<&str> {
        self.row.phone.as_deref()
    }

    /// Who is behind it. Null where nobody is named, and for callers without a purpose: it is told to stewards, account managers,
    /// the provider whose contact it is, and a municipality that it answers for. Who reads what is not its own is recorded.
    async fn person(&self, context: &Context<'_>) -> Result<Option<ContactPerson>> {
        ContactPerson::read(reading(context), self.row.id).await
    }

    /// When somebody last confirmed that this is right.
    async fn confirmed_at(&self) -> Option<Date> {
        self.row.confirmed_at.map(Date)
    }

    /// Last day of this contact; null for no end.
    async fn valid_until(&self) -> Option<Date> {
        self.row.valid_until.map(Date)
    }

    /// Who to ask when this contact is away.
    async fn deputy(&self) -> Option<Contact> {
        self.deputy.clone().map(Contact::new)
    }

    /// Invented for demonstration: nobody reads this mailbox.
    async fn sample(&self) -> bool {
        self.row.sample
    }

    /// Rises with every change; give it with the next one.
    async fn version(&self) -> i64 {
        self.row.version
    }
}

/// The one responsible contact, and how it was found.
#[derive(SimpleObject)]
pub struct ContactAnswer {
    /// Ask here first.
    contact: Contact,
    /// Ask here when the contact is away.
    deputy: Option<Contact>,
    /// The customer group by which it was found, else the municipality's smallest group.
    customer_group: Option<CustomerGroup>,
    /// The step of the search that found it.
    found_by: ContactFoundBy,
}

/// Root fields for contacts.
#[derive(Default)]
pub struct ContactQuery;

#[Object]
impl ContactQuery {
    /// The responsible contact of a municipality, searched along product, provider, customer group by topic, customer
    /// group, Kreis, central desk. Null with NOT_FOUND for an unknown municipality or product, with UNAVAILABLE before a
    /// central desk is set up.
    async fn contact_for(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who asks.")] municipality: MunicipalityBy,
        #[graphql(desc = "Global id of the product that it is about.")] product: Option<ID>,
        #[graphql(desc = "What it is about.")] topic: Option<ContactTopic>,
    ) -> Result<Option<ContactAnswer>> {
        let snapshot = snapshot(context);
        let find_product = |id: ID| {
            let found = snapshot.products.find(row_id("product", "Product", &id)?);
            found.ok_or_else(|| Error::not_found(&id))
        };
        let matter = Matter {
            municipality: municipality.find(snapshot)?,
            product: product.map(find_product).transpose()?,
            topic: topic.map(Into::into),
            day: reading(context).today,
        };
        let found = contacts::find(snapshot, &matter).ok_or_else(no_central_desk)?;
        Ok(Some(ContactAnswer {
            contact: Contact::at(snapshot, found.contact, found.deputy),
            deputy: found.deputy.map(|at| Contact::at(snapshot, at, None)),
            customer_group: found.group.map(CustomerGroup::Published),
            found_by: found.found_by.into(),
        }))
    }

    /// Contacts that nobody has confirmed for 12 months, or that end within 60 days: the longest unconfirmed first. For
    /// stewards, and for account managers those of their groups.
    async fn stale_contacts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Contact>> {
        let reading = reading(context);
        let (caller, phase) = (reading.signed_in()?, reading.phase()?);
        let permitted =
            reading.desk.engine.duty(caller, Duty::ListStaleContacts, caller.acts_as(Role::AccountManager), phase);
        permitted.map_err(|rule| orders::refusal(&reading.desk, Duty::ListStaleContacts, phase, &rule))?;
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        let snapshot = &*reading.snapshot;
        page(stale::list(snapshot, caller, reading.today), &window, |at| Contact::at(snapshot, at, None))
    }
}

fn no_central_desk() -> Error {
    Error::new(
        Code::Unavailable,
        "Es ist noch keine zentrale Ansprechstelle eingerichtet.",
        "No central desk has been set up yet.",
    )
}
