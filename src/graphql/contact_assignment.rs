//! What contacts are responsible for, and how that is given and handed over.

use async_graphql::{Context, Description, Enum, ID, InputObject, Object, OneofObject, SimpleObject};
use sea_orm::prelude::Uuid;

use super::{
    connection::{Connection, page},
    contact::{Contact, ContactTopic},
    contact_mutation::group_by_key,
    context::{reading, snapshot},
    customer_group::CustomerGroup,
    municipality::{Municipality, MunicipalityBy},
    node::row_id,
    payload::{UserError, order, to_its_end, told},
    product::Product,
    provider::{Provider, ProviderBy},
    scalars::Date,
    subscription_input::ReasonInput,
};
use crate::{
    catalogue::Snapshot,
    contacts::assignments::{self, Assigning, HandingOver, Held, Target},
    error::{Error, Result},
    listing::{Key, Listing, Position, Window},
};

/// In which place a contact is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "::entity::contact_assignment::Rank")]
pub enum ContactRank {
    /// Ask here first.
    Primary,
    /// Ask here when the primary contact is away.
    Deputy,
}

/// What a contact is responsible for, from when until when (Zuständigkeit).
#[derive(Description, Clone)]
pub struct ContactAssignment(Held);

#[Object(use_type_description)]
impl ContactAssignment {
    /// The contact.
    async fn contact(&self) -> Contact {
        Contact::new(self.0.contact.clone())
    }

    /// In which place.
    async fn rank(&self) -> ContactRank {
        self.0.row.rank.into()
    }

    /// For this topic only; null for all.
    async fn topic(&self) -> Option<ContactTopic> {
        self.0.row.topic.map(Into::into)
    }

    /// The product, where it is one.
    async fn product(&self, context: &Context<'_>) -> Option<Product> {
        snapshot(context).products.find(self.0.row.product_id?).map(Product::at)
    }

    /// The provider, where it is a whole portfolio.
    async fn provider(&self, context: &Context<'_>) -> Option<Provider> {
        snapshot(context).providers.find(self.0.row.provider_id?).map(Provider)
    }

    /// The customer group, where it is one.
    async fn customer_group(&self, context: &Context<'_>) -> Option<CustomerGroup> {
        snapshot(context).customer_groups.find(self.0.row.customer_group_id?).map(CustomerGroup::Published)
    }

    /// The Kreis or kreisfreie Stadt, where it is one.
    async fn district(&self, context: &Context<'_>) -> Option<Municipality> {
        snapshot(context).municipalities.find(self.0.row.municipality_id?).map(Municipality)
    }

    /// Whether it is the central desk, which answers when no other does.
    async fn central_desk(&self) -> bool {
        self.0.row.central_desk
    }

    /// First day; null for since ever.
    async fn from(&self) -> Option<Date> {
        self.0.row.valid_from.map(Date)
    }

    /// Last day; null for no end.
    async fn until(&self) -> Option<Date> {
        self.0.row.valid_until.map(Date)
    }
}

/// For what a contact is responsible: exactly one of these.
#[derive(OneofObject)]
pub enum ContactTarget {
    /// A product, by its id.
    Product(ID),
    /// A provider's whole portfolio.
    Provider(ProviderBy),
    /// A customer group, by its key.
    CustomerGroup(String),
    /// The municipalities of a Kreis, or a kreisfreie Stadt.
    District(MunicipalityBy),
    /// Everything else: true.
    CentralDesk(bool),
}

/// Gives a place to a contact.
#[derive(InputObject)]
pub struct AssignContactInput {
    /// Id of the contact; nobody holds the place then when left out.
    contact: Option<ID>,
    /// For what.
    target: ContactTarget,
    /// For which topic; for all when left out.
    topic: Option<ContactTopic>,
    /// In which place.
    #[graphql(default_with = "ContactRank::Primary")]
    rank: ContactRank,
    /// First day, not before today; today when left out.
    from: Option<Date>,
    /// Last day; no end when left out. Whoever held the place before holds it again then.
    until: Option<Date>,
    /// Only tell what would become of it.
    #[graphql(default)]
    dry_run: bool,
    /// Why. Please name no persons.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Gives every place of a contact to another.
#[derive(InputObject)]
pub struct HandOverContactsInput {
    /// Id of the contact that gives.
    from: ID,
    /// Id of the contact that takes.
    to: ID,
    /// First day of the other, not before today; today when left out.
    on: Option<Date>,
    /// Only tell what would become of it.
    #[graphql(default)]
    dry_run: bool,
    /// Why. Please name no persons.
    reason: ReasonInput,
    /// The caller's own key for this change, at most 200 characters: sent again it changes nothing twice. Kept for 90 days.
    idempotency_key: String,
}

/// Outcome of an assignment.
#[derive(SimpleObject)]
pub struct AssignContactPayload {
    /// The place as it is held since; null when nobody holds it, or when it was refused.
    assignment: Option<ContactAssignment>,
    /// Who held the place at that time, as it was; empty when it is sent again.
    replaced: Vec<ContactAssignment>,
    /// What went wrong; empty when it was done.
    errors: Vec<UserError>,
}

/// Outcome of handing over.
#[derive(Description)]
pub struct HandOverContactsPayload {
    handed: Vec<Held>,
    errors: Vec<UserError>,
}

#[Object(use_type_description)]
impl HandOverContactsPayload {
    /// The places as the other holds them since; when it is sent again all that it holds.
    async fn assignments(
        &self,
        #[graphql(desc = "Rows from the beginning or after `after`, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Go on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end or before `before`, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Go back before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ContactAssignment>> {
        let window = Window::new(first, after.as_deref(), last, before.as_deref())?;
        // In a rehearsal the rows are new each time: what is held, and since when, tells them apart.
        let position = |Held { row, .. }: &Held| {
            let places = (row.product_id, row.provider_id, row.customer_group_id, row.municipality_id);
            let held = format!("{places:?} {:?} {:?} {:?}", row.topic, row.rank, row.valid_from);
            Position(vec![Key::new(held.as_str(), false)], Uuid::nil())
        };
        page(Listing::sorted("handed over".to_owned(), self.handed.clone(), position), &window, ContactAssignment)
    }

    /// What went wrong; empty when it was done.
    async fn errors(&self) -> &[UserError] {
        &self.errors
    }
}

/// Assigning and handing over.
#[derive(Default)]
pub struct ContactAssignmentMutation;

#[Object]
impl ContactAssignmentMutation {
    /// Says what a contact is responsible for. Who held the place at that time makes room for exactly that time. Refused when
    /// the central desk would be without a contact on any day.
    async fn assign_contact(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who, for what, from when until when, and why.")] input: AssignContactInput,
    ) -> Result<Option<AssignContactPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let assigned = match assigning(&input, &reading.snapshot) {
            Ok(deed) => {
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(assignments::assign(reading.desk.clone(), order, input.dry_run)).await
            }
            Err(error) => Err(error),
        };
        let (assigned, errors) = told(reading, assigned)?;
        let (held, replaced) = assigned.map_or((None, Vec::new()), |assigned| (assigned.held, assigned.replaced));
        let replaced = replaced.into_iter().map(ContactAssignment).collect();
        Ok(Some(AssignContactPayload { assignment: held.map(ContactAssignment), replaced, errors }))
    }

    /// Gives everything that one contact is responsible for to another, from a day on.
    async fn hand_over_contacts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "From whom, to whom, from when, and why.")] input: HandOverContactsInput,
    ) -> Result<Option<HandOverContactsPayload>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let ids =
            row_id("from", "Contact", &input.from).and_then(|from| Ok((from, row_id("to", "Contact", &input.to)?)));
        let handed = match ids {
            Ok((from, to)) => {
                let deed = HandingOver { from, to, on: input.on.map(|day| day.0) };
                let order = order(reading, caller, input.idempotency_key, deed, Some(input.reason));
                to_its_end(assignments::hand_over(reading.desk.clone(), order, input.dry_run)).await
            }
            Err(error) => Err(error),
        };
        let (handed, errors) = told(reading, handed)?;
        Ok(Some(HandOverContactsPayload { handed: handed.unwrap_or_default(), errors }))
    }
}

fn assigning(input: &AssignContactInput, snapshot: &Snapshot) -> Result<Assigning> {
    Ok(Assigning {
        contact: input.contact.as_ref().map(|id| row_id("contact", "Contact", id)).transpose()?,
        target: target(&input.target, snapshot)?,
        topic: input.topic.map(Into::into),
        rank: input.rank.into(),
        from: input.from.map(|day| day.0),
        until: input.until.map(|day| day.0),
    })
}

fn target(target: &ContactTarget, snapshot: &Snapshot) -> Result<Target> {
    match target {
        ContactTarget::Product(id) => {
            let row = row_id("target.product", "Product", id)?;
            let found = snapshot.products.find(row).map(|_| Target::Product(row));
            found.ok_or_else(|| Error::not_found(id).with("field", "target.product"))
        }
        ContactTarget::Provider(by) => {
            let at = by.find(snapshot).map_err(|error| error.with("field", "target.provider"))?;
            Ok(Target::Provider(snapshot.providers[at].row.id))
        }
        ContactTarget::CustomerGroup(key) => {
            Ok(Target::CustomerGroup(group_by_key("target.customerGroup", key, snapshot)?))
        }
        ContactTarget::District(by) => {
            let at = by.find(snapshot).map_err(|error| error.with("field", "target.district"))?;
            let municipality = &snapshot.municipalities[at];
            match municipality.district {
                None => Ok(Target::District(municipality.row.id)),
                Some(_) => Err(Error::bad_input(
                    "target.district",
                    "Das ist eine kreisangehörige Kommune. Bitte ihren Kreis angeben, oder eine kreisfreie Stadt.",
                    "This municipality belongs to a Kreis. Please give its Kreis, or a kreisfreie Stadt.",
                )),
            }
        }
        ContactTarget::CentralDesk(true) => Ok(Target::CentralDesk),
        ContactTarget::CentralDesk(false) => Err(Error::bad_input(
            "target.centralDesk",
            "centralDesk ist false. Bitte true angeben, oder ein anderes Ziel.",
            "centralDesk is false. Please give true, or another target.",
        )),
    }
}
