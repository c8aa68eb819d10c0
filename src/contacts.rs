//! Who to ask: every municipality has exactly one responsible contact, whatever the topic.
//!
//! S1 assigns customer groups to central contacts; the order of the search is ours.

pub mod assignments;
pub mod changes;
pub mod persons;
pub mod stale;

use ::entity::{
    contact,
    contact_assignment::{self, Rank, Topic},
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect, prelude::Date};

use crate::{
    catalogue::{Assignment, At, Contact, CustomerGroup, Municipality, Product, Responsibility, Snapshot},
    error::{Error, Result},
    text::german_day,
};

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
        row.topic == topic && assignment.holds_on(day) && contact.valid_until.is_none_or(|until| day <= until)
    };
    let of_rank = |rank| assignments.iter().filter(holds).find(|row| row.row.rank == rank).map(|row| row.contact);
    match (of_rank(Rank::Primary), of_rank(Rank::Deputy)) {
        // Nobody stands in for itself.
        (Some(contact), deputy) => Some((contact, deputy.filter(|deputy| *deputy != contact))),
        (None, deputy) => deputy.map(|contact| (contact, None)),
    }
}

/// A stretch of days; open where nothing is given.
type Period = (Option<Date>, Option<Date>);

/// The first day, from today on, on which the central desk would answer nobody; none when it always answers.
///
/// INVARIANT: a change never makes such a day, or an earlier one. Every other step of the search may find nothing.
pub async fn desk_gap(db: &impl ConnectionTrait, today: Date) -> Result<Option<Date>, DbErr> {
    use contact_assignment::Column::{CentralDesk, ContactId, Topic, ValidFrom, ValidUntil};
    let of_all_topics = contact_assignment::Entity::find().filter(CentralDesk.eq(true)).filter(Topic.is_null());
    let held: Vec<(sea_orm::prelude::Uuid, Option<Date>, Option<Date>)> =
        of_all_topics.select_only().columns([ContactId, ValidFrom, ValidUntil]).into_tuple().all(db).await?;
    let ids = held.iter().map(|(contact, ..)| *contact);
    let contacts = contact::Entity::find().filter(contact::Column::Id.is_in(ids)).select_only();
    let ends: Vec<(sea_orm::prelude::Uuid, Option<Date>)> =
        contacts.columns([contact::Column::Id, contact::Column::ValidUntil]).into_tuple().all(db).await?;
    let periods = held.into_iter().map(|(contact, from, until)| {
        let end = ends.iter().find(|(id, _)| *id == contact).and_then(|(_, end)| *end);
        (from, [until, end].into_iter().flatten().min())
    });
    Ok(first_gap(periods.collect(), today))
}

fn first_gap(mut periods: Vec<Period>, today: Date) -> Option<Date> {
    periods.sort_unstable();
    let mut day = today;
    for (from, until) in periods {
        if from.is_some_and(|from| from > day) {
            break;
        }
        match until {
            None => return None,
            Some(until) if until >= day => day = until.succ_opt()?,
            Some(_) => {}
        }
    }
    Some(day)
}

/// Refuses a change after which the central desk would answer for a shorter time than before.
pub fn refuse_new_gap(field: &str, before: Option<Date>, after: Option<Date>) -> Result<()> {
    let Some(day) = after.filter(|day| before.is_none_or(|before| *day < before)) else { return Ok(()) };
    let error = Error::bad_input(
        field,
        format!(
            "Am {} hätte die zentrale Ansprechstelle keinen Kontakt; jede Kommune braucht jederzeit einen.",
            german_day(day)
        ),
        format!("On {day} the central desk would have no contact; every municipality needs one at any time."),
    );
    Err(error.next(
        "Zuerst mit assignContact einen anderen Kontakt für centralDesk eintragen, ohne topic und ohne Ende.",
        "First enter another contact for centralDesk with assignContact, without topic and without an end.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap_or_default()
    }

    fn gap(periods: &[(&str, &str)]) -> Option<Date> {
        let some = |text: &str| (!text.is_empty()).then(|| day(text));
        first_gap(periods.iter().map(|(from, until)| (some(from), some(until))).collect(), day("2027-01-10"))
    }

    #[test]
    fn a_chain_of_periods_to_an_open_end_has_no_gap() {
        assert_eq!(gap(&[("", "")]), None);
        assert_eq!(gap(&[("2027-02-01", ""), ("", "2027-01-31")]), None);
        assert_eq!(gap(&[("2027-01-10", "2027-03-01"), ("2027-01-15", "2027-01-20"), ("2027-03-02", "")]), None);
    }

    #[test]
    fn the_first_day_without_anybody_is_found() {
        assert_eq!(gap(&[]), Some(day("2027-01-10")));
        assert_eq!(gap(&[("2027-01-11", "")]), Some(day("2027-01-10")));
        assert_eq!(gap(&[("", "2027-01-31"), ("2027-02-02", "")]), Some(day("2027-02-01")));
        assert_eq!(gap(&[("", "2026-12-31")]), Some(day("2027-01-10")));
        assert_eq!(gap(&[("", "2027-01-31")]), Some(day("2027-02-01")));
    }
}
