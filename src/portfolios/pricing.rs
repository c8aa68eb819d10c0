//! Prices of a row: what they come to, together with those that are there.
//!
//! A price of something published does not change from one day to the next: another amount names its first day, which lies
//! at least a notice period ahead, so that whoever does not want it can leave before.

use ::entity::price::{Period, Unit};
use chrono::Months;
use sea_orm::prelude::Date;

use super::{Entry, EntryPrice, Row, RowPrice, check::Checked, lifecycle::Known, values::shown};
use crate::text::german_day;

/// Most prices of a product.
const MOST_PRICES: usize = 50;
/// Largest amount, in cents.
const MOST_CENTS: i64 = 100_000_000_000;
/// VAT of a price that names none, in hundredths of a percent.
const USUAL_VAT: i64 = 1_900;
const WHOLE: i64 = 10_000;

/// The prices that a product would have, today and later.
pub(super) fn prices(
    checked: &mut Checked<'_>,
    row: &Row,
    known: Option<&Known>,
    notice_months: i32,
    available_from: Option<Date>,
) -> Vec<EntryPrice> {
    if row.prices.len() > MOST_PRICES {
        let length = row.prices.len();
        checked.wrong(
            "prices",
            format!("prices hat {length} Einträge; möglich sind {MOST_PRICES}."),
            format!("prices has {length} entries; possible are {MOST_PRICES}."),
        );
        return Vec::new();
    }
    let today = checked.around.today;
    let published = known.filter(|known| known.is_published()).map(|known| known.entry.prices.as_slice());
    // Who has a contract can leave with the old notice period.
    let notice = known.map_or(notice_months, |known| known.entry.notice_months.max(notice_months));
    let earliest = earliest(today, notice);
    let first = available_from.unwrap_or(today).max(today);
    let mut found = Vec::new();
    for (place, price) in row.prices.iter().enumerate() {
        let before = known.map_or(&[][..], |known| known.entry.prices.as_slice());
        let Some((mut price, is_dated)) = price_of(checked, place, price, first) else { continue };
        match before.iter().find(|old| old.is_for_the_same(&price) && old.is_as_much(&price) && !is_dated) {
            Some(old) => price.valid_from = old.valid_from,
            None if is_dated || published.is_none() => {}
            None => {
                checked.wrong(
                    &format!("prices.{place}.validFrom"),
                    format!("Ein anderer Preis einer veröffentlichten Leistung nennt seinen ersten Tag; möglich ist ab dem {} (Kündigungsfrist).", german_day(earliest)),
                    format!("Another price of a published product names its first day; possible is from {earliest} (notice period)."),
                );
                continue;
            }
        }
        found.push((place, price));
    }
    check_overlaps(checked, &found);
    let mut prices: Vec<EntryPrice> = found.iter().map(|(_, price)| price.clone()).collect();
    if let Some(published) = published {
        check_notice(checked, &found, published, earliest);
        prices.extend(kept(checked, &prices, published, earliest));
    }
    prices.sort_unstable();
    close(&mut prices);
    prices
}

/// The first day of another price of something published.
fn earliest(today: Date, notice_months: i32) -> Date {
    today.checked_add_months(Months::new(u32::try_from(notice_months).unwrap_or(0))).unwrap_or(today)
}

/// Rows that bring back the prices of an earlier version, which was there on the day `at`. Of something published they hold
/// after the notice period: what was announced since then is taken back, what is charged now goes on until that day.
pub(super) fn brought_back(known: &Known, earlier: &Entry, at: Date, today: Date) -> Vec<RowPrice> {
    if !known.is_published() {
        return earlier.prices.iter().map(EntryPrice::row).collect();
    }
    let now = &known.entry.prices;
    let earliest = earliest(today, known.entry.notice_months.max(earlier.notice_months));
    let holds = |price: &EntryPrice, day: Date| price.valid_from <= day && price.valid_to.is_none_or(|to| day <= to);
    let mut wanted: Vec<&EntryPrice> = Vec::new();
    for price in &earlier.prices {
        match wanted.iter_mut().find(|other| other.is_for_the_same(price)) {
            Some(other) if !holds(other, at) && holds(price, at) => *other = price,
            Some(_) => {}
            None => wanted.push(price),
        }
    }
    let mut rows = Vec::new();
    for price in &wanted {
        let charged = now.iter().find(|old| old.is_for_the_same(price) && holds(old, earliest));
        let valid_from = charged.filter(|old| old.is_as_much(price)).map_or(earliest, |old| old.valid_from);
        rows.push(EntryPrice { valid_from, valid_to: None, ..(*price).clone() }.row());
    }
    // What there was no price for then ends.
    let is_new = |old: &&EntryPrice| !wanted.iter().any(|price| price.is_for_the_same(old));
    for old in now.iter().filter(is_new).filter(|old| old.valid_from <= earliest) {
        let valid_to = Some(old.valid_to.map_or(earliest, |to| to.min(earliest)));
        rows.push(EntryPrice { valid_to, ..old.clone() }.row());
    }
    rows
}

/// One price, and whether its row names its first day.
fn price_of(checked: &mut Checked<'_>, place: usize, row: &RowPrice, first: Date) -> Option<(EntryPrice, bool)> {
    let at = |field: &str| format!("prices.{place}.{field}");
    let unit: Option<Unit> = checked.word(&at("unit"), &row.unit);
    let period: Option<Period> = checked.word(&at("period"), &row.period);
    let is_percentage = unit == Some(Unit::RevenuePercent);
    let amount = decimal(checked, &at("amount"), row.amount.as_deref(), MOST_CENTS);
    let percent = decimal(checked, &at("percent"), row.percent.as_deref(), WHOLE);
    let vat = decimal(checked, &at("vatRate"), row.vat_rate.as_deref(), WHOLE);
    let valid_from = checked.day(&at("validFrom"), row.valid_from.as_deref());
    let valid_to = checked.day(&at("validTo"), row.valid_to.as_deref());
    let customer_group = checked.group(&at("customerGroup"), row.customer_group.as_deref());
    let (needed, other) = if is_percentage { ("percent", "amount") } else { ("amount", "percent") };
    let (has, has_other) = if is_percentage {
        (row.percent.is_some(), row.amount.is_some())
    } else {
        (row.amount.is_some(), row.percent.is_some())
    };
    if !has || has_other {
        checked.wrong(
            &at(needed),
            format!("Dieser Preis braucht {needed} und kein {other}."),
            format!("This price needs {needed} and no {other}."),
        );
        return None;
    }
    if valid_from.zip(valid_to).is_some_and(|(from, to)| to < from) {
        checked.wrong(&at("validTo"), "validTo liegt vor validFrom.", "validTo lies before validFrom.");
        return None;
    }
    let small = |number: i64| i32::try_from(number).ok();
    let price = EntryPrice {
        unit: unit?,
        period: period?,
        customer_group,
        valid_from: valid_from.unwrap_or(first),
        valid_to,
        amount_cents: if is_percentage { None } else { Some(amount?) },
        percent_basis_points: if is_percentage { Some(small(percent?)?) } else { None },
        vat_basis_points: small(if row.vat_rate.is_some() { vat? } else { USUAL_VAT })?,
    };
    Some((price, valid_from.is_some()))
}

/// A decimal number with at most two places, written with a point or a comma, as hundredths.
fn decimal(checked: &mut Checked<'_>, field: &str, text: Option<&str>, most: i64) -> Option<i64> {
    let text = text?.trim();
    let (whole, places) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let is_number = !whole.is_empty() && places.len() <= 2 && whole.len() <= 12;
    let is_plain = whole.bytes().chain(places.bytes()).all(|byte| byte.is_ascii_digit());
    let found = (is_number && is_plain).then(|| format!("{whole}{places:0<2}").parse::<i64>().ok()).flatten();
    let found = found.filter(|number| *number <= most);
    if found.is_none() {
        let (text, limit) = (shown(text), format!("{}.{:02}", most / 100, most % 100));
        checked.wrong(
            field,
            format!("{field} ist „{text}“; möglich ist 0 bis {limit} mit höchstens zwei Nachkommastellen, ohne Tausenderpunkt."),
            format!("{field} is “{text}”; possible is 0 to {limit} with at most two places, without separators of thousands."),
        );
    }
    found
}

/// Two prices for the same thing don't hold at once.
fn check_overlaps(checked: &mut Checked<'_>, found: &[(usize, EntryPrice)]) {
    for (index, (place, price)) in found.iter().enumerate() {
        let overlaps = |other: &EntryPrice| {
            let is_same_day = other.valid_from == price.valid_from;
            let is_within =
                other.valid_from < price.valid_from && other.valid_to.is_some_and(|to| to >= price.valid_from);
            other.is_for_the_same(price) && (is_same_day || is_within)
        };
        if found.iter().enumerate().any(|(other, (_, price))| other < index && overlaps(price)) {
            checked.wrong(
                &format!("prices.{place}"),
                "Für dieselbe Einheit, Periode und Kundengruppe gilt schon ein anderer Preis dieser Zeile an diesem Tag.",
                "For the same unit, period and customer group another price of this row holds on this day already.",
            );
        }
    }
}

/// New amounts of something published begin a notice period from today at the earliest.
fn check_notice(checked: &mut Checked<'_>, found: &[(usize, EntryPrice)], published: &[EntryPrice], earliest: Date) {
    for (place, price) in found {
        let is_known = published
            .iter()
            .any(|old| old.is_for_the_same(price) && old.is_as_much(price) && old.valid_from == price.valid_from);
        if !is_known && price.valid_from < earliest {
            checked.wrong(
                &format!("prices.{place}.validFrom"),
                format!(
                    "validFrom ist zu früh: Ein anderer Preis gilt frühestens ab dem {} (Kündigungsfrist).",
                    german_day(earliest)
                ),
                format!("validFrom is too early: another price holds from {earliest} at the earliest (notice period)."),
            );
        }
    }
}

/// Published prices that the row does not repeat: they go on until another for the same takes their place. What is replaced by
/// nothing has to be said.
fn kept(checked: &mut Checked<'_>, prices: &[EntryPrice], published: &[EntryPrice], earliest: Date) -> Vec<EntryPrice> {
    let mut kept = Vec::new();
    for old in published {
        let same = || prices.iter().filter(|price| price.is_for_the_same(old));
        if same().any(|price| price.valid_from == old.valid_from) {
            continue;
        }
        if same().next().is_some() {
            // A price that would have come later than the new one is taken back.
            if !same().all(|price| price.valid_from <= old.valid_from && old.valid_from >= earliest) {
                kept.push(old.clone());
            }
            continue;
        }
        checked.wrong(
            "prices",
            format!("Der Preis {} {} fehlt. Er gilt weiter, bis er ein Ende hat: Bitte mit validTo angeben, frühestens {}.", super::entry::name_of(old.unit), super::entry::name_of(old.period), german_day(earliest)),
            format!("The price {} {} is missing. It goes on until it has an end: please give it with validTo, {earliest} at the earliest.", super::entry::name_of(old.unit), super::entry::name_of(old.period)),
        );
    }
    kept
}

/// A price without a last day ends when the next for the same begins. `prices` are in order.
fn close(prices: &mut [EntryPrice]) {
    for place in 1..prices.len() {
        let (before, after) = prices.split_at_mut(place);
        let (Some(before), Some(after)) = (before.last_mut(), after.first()) else { continue };
        if before.is_for_the_same(after) && before.valid_to.is_none_or(|to| to >= after.valid_from) {
            before.valid_to = after.valid_from.pred_opt();
        }
    }
}
