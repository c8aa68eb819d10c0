//! Contacts that have to be looked after: long not confirmed, or about to end.

use std::cmp::Ordering;

use chrono::{Datelike, Days, Months};
use sea_orm::prelude::Date;

use crate::{
    access::{Caller, Role},
    catalogue::{At, Contact, Responsibility, Snapshot},
    listing::{Key, Listing, Position},
};

/// For how long a confirmation counts.
const CONFIRMED_FOR: Months = Months::new(12);
/// How many days before its end a contact is told of.
const ENDS_WITHIN: Days = Days::new(60);

/// Contacts that nobody has confirmed for 12 months, or that end within 60 days; the longest unconfirmed first. Of an
/// account manager those of its groups. What has ended already is none any more.
pub fn list<'s>(snapshot: &'s Snapshot, caller: &Caller, today: Date) -> Listing<'s, At<Contact>> {
    let of_all = caller.is(Role::Steward);
    let is_stale = |contact: &Contact| {
        let oldest = today.checked_sub_months(CONFIRMED_FOR).unwrap_or(today);
        let soon = today.checked_add_days(ENDS_WITHIN).unwrap_or(today);
        let is_over = contact.valid_until.is_some_and(|until| until < today);
        let ends_soon = contact.valid_until.is_some_and(|until| until.cmp(&soon) != Ordering::Greater);
        !is_over && (ends_soon || contact.confirmed_at.is_none_or(|day| day <= oldest))
    };
    let found = snapshot.contacts.iter().filter(|(_, contact)| is_stale(contact)).map(|(at, _)| at);
    let found = found.filter(|at| of_all || is_of_groups(snapshot, caller, *at)).collect();
    Listing::sorted("stale contacts".to_owned(), found, |at| {
        let contact = &snapshot.contacts[*at];
        let number = |day: Option<Date>| day.map(|day| i64::from(day.num_days_from_ce()));
        let end = number(contact.valid_until).unwrap_or(i64::MAX);
        Position(vec![Key::new(number(contact.confirmed_at), false), Key::new(end, false)], contact.id)
    })
}

/// Whether a contact belongs to the caller's groups, or is responsible for one of them.
fn is_of_groups(snapshot: &Snapshot, caller: &Caller, at: At<Contact>) -> bool {
    let is_own = |id| caller.customer_groups.contains(&id);
    let is_responsible = || {
        snapshot.assignments().any(|(responsibility, assignment)| match responsibility {
            Responsibility::Group(group) => assignment.contact == at && is_own(snapshot.customer_groups[group].row.id),
            _ => false,
        })
    };
    snapshot.contacts[at].customer_group_id.is_some_and(is_own) || is_responsible()
}
