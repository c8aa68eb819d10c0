//! A subscription is moved to a successor product: it ends on the day before the successor begins.

use ::entity::product_subscription::Origin;
use chrono::Months;
use sea_orm::prelude::{Date, Uuid};

use super::{
    Row, Subscriber, catalogue_moved,
    situation::Ground,
    steps::{agree, new},
    terms::price,
};
use crate::{
    error::{Error, Result},
    text::german_day,
};

/// How many months ahead a successor may begin: until then neither end can be loosened.
const MONTHS_AHEAD: u32 = 12;

/// A move goes to another product, with a price that is known, from tomorrow on at the earliest: the old subscription has its
/// last day the day before.
pub fn check_move(ground: &Ground<'_>, row: &Row, successor: Uuid, on: Date, quantity: Option<i64>) -> Result<()> {
    if successor == row.product_id {
        return Err(Error::bad_input(
            "successor",
            "successor ist die Leistung, die schon bezogen wird. Bitte eine andere angeben.",
            "successor is the product that is taken already. Please give another one.",
        ));
    }
    let earliest = ground.today.succ_opt().unwrap_or(ground.today);
    if on < earliest {
        return Err(Error::bad_input(
            "on",
            format!(
                "Der Nachfolger kann frühestens morgen beginnen, am {}: Der bisherige Bezug endet am Tag davor.",
                german_day(earliest)
            ),
            format!(
                "The successor can begin tomorrow, {earliest}, at the earliest: what it follows ends the day before."
            ),
        )
        .with("earliest", earliest.to_string()));
    }
    let latest = ground.today.checked_add_months(Months::new(MONTHS_AHEAD)).unwrap_or(ground.today);
    if on > latest {
        return Err(Error::bad_input(
            "on",
            format!(
                "Der Nachfolger beginnt spätestens in zwölf Monaten, am {}: So lange ist keiner der beiden kündbar.",
                german_day(latest)
            ),
            format!(
                "The successor begins within twelve months, {latest} at the latest: until then neither can be ended."
            ),
        ));
    }
    let found = Subscriber::of(row).zip(ground.snapshot.products.find(successor));
    let (subscriber, at) = found.ok_or_else(catalogue_moved)?;
    let price = price(ground, subscriber, at, on, false).map_err(|error| error.with("field", "on"))?;
    if quantity.is_none() && price.row.unit != row.price_unit {
        return Err(Error::bad_input(
            "quantity",
            "Der Nachfolger zählt andere Einheiten als bisher. Bitte quantity angeben.",
            "The successor counts other units than before. Please give quantity.",
        ));
    }
    Ok(())
}

/// The subscription that goes on from another one, as it was agreed: without a gap and without an overlap.
pub(super) fn follow(ground: &Ground<'_>, row: &Row, id: Uuid) -> Result<Row> {
    let found = Subscriber::of(row).zip(row.open_product_id.and_then(|id| ground.snapshot.products.find(id)));
    let ((subscriber, at), on) = found.zip(row.open_on).ok_or_else(catalogue_moved)?;
    let price = price(ground, subscriber, at, on, false)?;
    let mut next = Row {
        quantity: row.open_quantity.unwrap_or(row.quantity),
        origin: Origin::Migrated,
        legal_basis: row.legal_basis,
        requested_from: Some(on),
        predecessor_id: Some(row.id),
        asked_by_issuer: row.asked_by_issuer.clone(),
        asked_by_subject: row.asked_by_subject.clone(),
        asked_by_organisation: row.asked_by_organisation,
        asked_in: row.asked_in,
        sample: row.sample,
        ..new(ground, subscriber, id, at, price)
    };
    agree(&mut next, on, ground.snapshot.products[at].row.term_months);
    Ok(next)
}
