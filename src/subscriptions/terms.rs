//! What is agreed with a subscription: price, notice and term, and from when the product is there.

use std::collections::BTreeSet;

use ::entity::{price::Period, product_subscription::State};
use chrono::Months;
use sea_orm::prelude::Date;

use super::{Row, Subscriber, situation::Ground};
use crate::{
    catalogue::{At, Price, Product, Snapshot},
    error::{Error, Result},
    prices,
    text::german_day,
};

/// The price of a beginning on a day, a recurring one where there is one; BAD_USER_INPUT when none is known.
pub fn price<'s>(
    ground: &Ground<'s>,
    subscriber: Subscriber,
    at: At<Product>,
    from: Date,
    is_interest: bool,
) -> Result<&'s Price> {
    let municipality = subscriber.municipality(ground.snapshot);
    let groups = municipality.map_or(&[][..], |at| &ground.snapshot.municipalities[at].groups);
    let applicable = prices::applicable(ground.snapshot, at, groups, from);
    let rank = |price: &&Price| match price.row.period {
        Period::Year => 0,
        Period::Month => 1,
        Period::PerUse => 2,
        Period::Once => 3,
    };
    // Interest has no obligation: a price that comes later will do.
    let later = || ground.snapshot.products[at].prices.iter().min_by_key(rank);
    let found = applicable.into_iter().min_by_key(rank);
    found.or_else(|| later().filter(|_| is_interest)).ok_or_else(|| {
        Error::bad_input(
            "from",
            format!("Für den {} ist kein Preis bekannt. Bitte einen anderen Tag wählen oder die Ansprechstelle der Leistung fragen (contactFor).", german_day(from)),
            format!("For {from} no price is known. Please choose another day or ask the product's contact (contactFor)."),
        )
    })
}

/// Prices that the catalogue announces for later days of a subscription, for what its price counts and as often: oldest first.
/// What is over, or ends before, gets none.
pub fn announced<'s>(snapshot: &'s Snapshot, row: &Row, today: Date) -> Vec<&'s Price> {
    let is_over = !matches!(row.state, State::Approved | State::Active | State::Terminating);
    let Some(at) = snapshot.products.find(row.product_id).filter(|_| !is_over) else { return Vec::new() };
    let municipality = row.municipality_id.and_then(|id| snapshot.municipalities.find(id));
    let groups = municipality.map_or(&[][..], |at| &snapshot.municipalities[at].groups);
    let of_row = |price: &Price| (price.row.unit, price.row.period) == (row.price_unit, row.price_period);
    let is_ahead = |day: &Date| *day > today && row.ends_on.is_none_or(|end| *day <= end);
    let days = snapshot.products[at].prices.iter().filter(|price| of_row(price)).map(|price| price.row.valid_from);
    let days: BTreeSet<Date> = days.filter(is_ahead).collect();
    let on = |day: Date| {
        let mut applicable = prices::applicable(snapshot, at, groups, day).into_iter();
        applicable.find(|price| of_row(price) && price.row.valid_from == day)
    };
    days.into_iter().filter_map(on).collect()
}

/// The earliest last day that notice and term allow, from today.
pub fn earliest_end(row: &Row, today: Date) -> Date {
    let notice = u32::try_from(row.notice_months).unwrap_or(0);
    let by_notice = today.checked_add_months(Months::new(notice)).unwrap_or(today);
    row.term_end.map_or(by_notice, |term| term.max(by_notice))
}

pub(super) fn check_notice(field: &str, row: &Row, on: Date, today: Date) -> Result<()> {
    let earliest = earliest_end(row, today);
    if on >= earliest {
        return Ok(());
    }
    let months = row.notice_months;
    let (monate, of_months) = if months == 1 { ("Monat", "month") } else { ("Monate", "months") };
    let term = row.term_end.map_or_else(String::new, |term| format!(", Laufzeit bis {}", german_day(term)));
    let term_en = row.term_end.map_or_else(String::new, |term| format!(", term until {term}"));
    Err(Error::bad_input(
        field,
        format!(
            "Der letzte Tag ist zu früh: Kündigungsfrist {months} {monate}{term}. Frühester letzter Tag ist der {}.",
            german_day(earliest)
        ),
        format!(
            "The last day is too early: notice period {months} {of_months}{term_en}. The earliest last day is {earliest}."
        ),
    )
    .with("earliest", earliest.to_string()))
}

/// The last day on which notice to a last day is still in time.
pub fn last_day_of_notice(row: &Row, on: Date) -> Option<Date> {
    let day = on.checked_sub_months(Months::new(u32::try_from(row.notice_months).ok()?))?;
    // Months have different ends: the last day that fits lies within three days of the same day of the month.
    let latest = day.checked_add_days(chrono::Days::new(3))?;
    (0..7).filter_map(|days| latest.checked_sub_days(chrono::Days::new(days))).find(|day| earliest_end(row, *day) <= on)
}

/// Nothing is agreed to, or delivered on, a day on which the product is not there yet.
pub(super) fn check_offered(field: &str, ground: &Ground<'_>, row: &Row, from: Date) -> Result<()> {
    match available_from(ground, row) {
        Some(available) if from < available => Err(Error::bad_input(
            field,
            format!(
                "Die Leistung gibt es erst ab dem {}. Bitte diesen oder einen späteren Tag angeben.",
                german_day(available)
            ),
            format!("The product is available from {available} only. Please give this or a later day."),
        )
        .with("earliest", available.to_string())),
        _ => Ok(()),
    }
}

pub(super) fn available_from(ground: &Ground<'_>, row: &Row) -> Option<Date> {
    let at = ground.snapshot.products.find(row.product_id)?;
    ground.snapshot.products[at].row.available_from
}

/// The price of the agreed day is agreed, where it is another than that of the day asked for.
pub(super) fn reprice(row: &mut Row, ground: &Ground<'_>, from: Date, is_chosen: bool) -> Result<()> {
    let found = Subscriber::of(row).zip(ground.snapshot.products.find(row.product_id));
    let Some((subscriber, at)) = found.filter(|_| row.requested_from != Some(from)) else { return Ok(()) };
    match price(ground, subscriber, at, from, false) {
        Ok(price) => set_price(row, price),
        Err(error) if is_chosen => return Err(error.with("field", "agreedFrom")),
        // Nobody chose this day: what was asked for stays.
        Err(_) => {}
    }
    Ok(())
}

fn set_price(row: &mut Row, price: &Price) {
    row.price_unit = price.row.unit;
    row.price_period = price.row.period;
    row.price_amount_cents = price.row.amount_cents;
    row.price_percent_basis_points = price.row.percent_basis_points;
    row.price_vat_basis_points = price.row.vat_basis_points;
}

pub(super) fn term_end(from: Date, months: Option<i32>) -> Option<Date> {
    let months = Months::new(u32::try_from(months?).ok()?);
    // A term of twelve months from 1 January ends on 31 December.
    from.checked_add_months(months)?.pred_opt()
}

pub(super) fn term_months(ground: &Ground<'_>, row: &Row) -> Option<i32> {
    ground.snapshot.products[ground.snapshot.products.find(row.product_id)?].row.term_months
}
