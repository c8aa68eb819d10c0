//! Contacts: who to ask. Only what concerns the function is public; persons are not shown here.

use async_graphql::{Context, Description, Enum, ID, Object, SimpleObject};

use super::{
    context::{reading, snapshot},
    customer_group::CustomerGroup,
    municipality::MunicipalityBy,
    node::row_id,
    scalars::{Date, EmailAddress},
};
use crate::{
    catalogue::{self, At},
    contacts::{self, FoundBy, Matter},
    error::{Code, Error, Result},
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
#[derive(Description, Clone, Copy)]
pub struct Contact {
    /// The contact.
    pub at: At<catalogue::Contact>,
    /// Who stands in for it here.
    pub deputy: Option<At<catalogue::Contact>>,
}

impl Contact {
    fn row<'c>(&self, context: &Context<'c>) -> &'c catalogue::Contact {
        &snapshot(context).contacts[self.at]
    }
}

#[Object(use_type_description)]
impl Contact {
    /// The function, as people know it.
    async fn function<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).function
    }

    /// Mailbox of the function.
    async fn email(&self, context: &Context<'_>) -> EmailAddress {
        EmailAddress(self.row(context).email.clone())
    }

    /// Telephone of the function.
    async fn phone<'c>(&self, context: &Context<'c>) -> Option<&'c str> {
        self.row(context).phone.as_deref()
    }

    /// When somebody last confirmed that this is right.
    async fn confirmed_at(&self, context: &Context<'_>) -> Option<Date> {
        self.row(context).confirmed_at.map(Date)
    }

    /// Last day of this contact; null for no end.
    async fn valid_until(&self, context: &Context<'_>) -> Option<Date> {
        self.row(context).valid_until.map(Date)
    }

    /// Who to ask when this contact is away.
    async fn deputy(&self) -> Option<Contact> {
        self.deputy.map(|at| Contact { at, deputy: None })
    }

    /// Invented for demonstration: nobody reads this mailbox.
    async fn sample(&self, context: &Context<'_>) -> bool {
        self.row(context).sample
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
            contact: Contact { at: found.contact, deputy: found.deputy },
            deputy: found.deputy.map(|at| Contact { at, deputy: None }),
            customer_group: found.group.map(CustomerGroup),
            found_by: found.found_by.into(),
        }))
    }
}

fn no_central_desk() -> Error {
    Error::new(
        Code::Unavailable,
        "Es ist noch keine zentrale Ansprechstelle eingerichtet.",
        "No central desk has been set up yet.",
    )
}
