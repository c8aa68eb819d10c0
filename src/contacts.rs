//! Who to ask: every municipality has exactly one responsible contact, whatever the topic.
//!
//! S1 assigns customer groups to central contacts; the order of the search is ours.

use ::entity::contact_assignment::{Rank, Topic};
use sea_orm::prelude::Date;

use crate::catalogue::{Assignment, At, Contact, CustomerGroup, Municipality, Product, Responsibility, Snapshot};

/// The step of the search that found a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// Responsible for the product.
    Product,
    /// Responsible for the portfolio of the product's provider.
    Provider,
    /// Responsible for this topic in a customer group of the municipality.
    CustomerGroupTopic,
    /// Responsible for a customer group of the municipality.
    CustomerGroup,
    /// Responsible for the Kreis.
    District,
    /// Responsible for everything else.
    CentralDesk,
}

/// A contact that was found, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Ask here first.
    pub contact: At<Contact>,
    /// Ask here when the contact is away.
    pub deputy: Option<At<Contact>>,
    /// The step that found it.
    pub found_by: FoundBy,
    /// The group it was found by, else the municipality's smallest group.
    pub group: Option<At<CustomerGroup>>,
}

/// What somebody wants to ask about.
#[derive(Clone, Copy, Debug)]
pub struct Matter {
    /// Who asks.
    pub municipality: At<Municipality>,
    /// About which product.
    pub product: Option<At<Product>>,
    /// About which topic.
    pub topic: Option<Topic>,
    /// On which day.
    pub day: Date,
}

/// Finds the contact along product, provider, group by topic, group, Kreis, central desk.
///
/// None only when not even a central desk is set up.
pub fn find(snapshot: &Snapshot, matter: &Matter) -> Option<Found> {
    let municipality = &snapshot.municipalities[matter.municipality];
    let main_group = municipality.groups.first().copied();
    let pick = |responsibility, topic, found_by| {
        let (contact, deputy) = pick(snapshot, snapshot.responsible(responsibility), topic, matter.day)?;
        let group = if let Responsibility::Group(group) = responsibility { Some(group) } else { main_group };
        Some(Found { contact, deputy, found_by, group })
    };
    let either = |responsibility, found_by| {
        let by_topic = matter.topic.and_then(|topic| pick(responsibility, Some(topic), found_by));
        by_topic.or_else(|| pick(responsibility, None, found_by))
    };
    let groups = || municipality.groups.iter().map(|group| Responsibility::Group(*group));
    let district = municipality.district.unwrap_or(matter.municipality);
    let of_product = matter.product.and_then(|at| {
        let of_provider = Responsibility::Provider(snapshot.products[at].provider);
        either(Responsibility::Product(at), FoundBy::Product).or_else(|| either(of_provider, FoundBy::Provider))
    });
    of_product
        .or_else(|| {
            let topic = matter.topic?;
            groups().find_map(|group| pick(group, Some(topic), FoundBy::CustomerGroupTopic))
        })
        .or_else(|| groups().find_map(|group| pick(group, None, FoundBy::CustomerGroup)))
        .or_else(|| either(Responsibility::District(district), FoundBy::District))
        .or_else(|| either(Responsibility::CentralDesk, FoundBy::CentralDesk))
}

/// The primary contact and its deputy among assignments for exactly this topic; a deputy alone steps in.
fn pick(
    snapshot: &Snapshot,
    assignments: &[Assignment],
    topic: Option<Topic>,
    day: Date,
) -> Option<(At<Contact>, Option<At<Contact>>)> {
    let holds = |assignment: &&Assignment| {
        let row = &assignment.row;
        let contact = &snapshot.contacts[assignment.contact];
        row.topic == topic
            && row.valid_from.is_none_or(|from| from <= day)
            && row.valid_until.is_none_or(|until| day <= until)
            && contact.valid_until.is_none_or(|until| day <= until)
    };
    let of_rank = |rank| assignments.iter().filter(holds).find(|row| row.row.rank == rank).map(|row| row.contact);
    match (of_rank(Rank::Primary), of_rank(Rank::Deputy)) {
        (Some(contact), deputy) => Some((contact, deputy)),
        (None, deputy) => deputy.map(|contact| (contact, None)),
    }
}
