//! One row becomes the next: what each step means, once the rules permit it.
//!
//! Nothing here reads or writes a database. Without a permit for just this no step can be taken; writing its outcome then
//! takes the permit away, see [`super::perform`].

use ::entity::{
    price::Period,
    product_subscription::{Awaits, Matter, Origin, State},
};
use chrono::Months;
use sea_orm::prelude::{Date, Uuid};

use super::{
    Row, Subscriber,
    act::{Beginning, Contract, Start, Step, check_not_past},
    situation::Ground,
};
use crate::{
    access::{Action, Approval, Caller, Permit},
    catalogue::{At, Price, Product},
    clock::beginning_of,
    error::{Error, Result},
    phases, prices,
    text::german_day,
};

/// How long something waits for a decision.
const OPEN_FOR: chrono::TimeDelta = chrono::TimeDelta::days(90);

/// A subscription begins.
pub fn begin(
    ground: &Ground<'_>,
    permit: &Permit,
    caller: &Caller,
    id: Uuid,
    beginning: &Beginning,
    at: At<Product>,
) -> Result<Row> {
    check_permit(permit, beginning.start.action())?;
    let product = &ground.snapshot.products[at].row;
    let from = beginning.from.unwrap_or(ground.today);
    let is_request = matches!(beginning.start, Start::Request { .. });
    let price = price(ground, beginning.subscriber, at, from, !is_request)?;
    let mut row = Row {
        id,
        municipality_id: None,
        provider_id: None,
        product_id: product.id,
        state: State::Interest,
        version: 1,
        quantity: beginning.quantity,
        origin: Origin::Requested,
        legal_basis: beginning.legal_basis,
        requested_from: beginning.from,
        agreed_from: None,
        active_since: None,
        ends_on: None,
        notice_months: product.notice_months,
        term_end: None,
        price_unit: price.row.unit,
        price_period: price.row.period,
        price_amount_cents: price.row.amount_cents,
        price_percent_basis_points: price.row.percent_basis_points,
        price_vat_basis_points: price.row.vat_basis_points,
        open_matter: None,
        awaits: None,
        open_quantity: None,
        open_on: None,
        expires_at: None,
        asked_by_issuer: None,
        asked_by_subject: None,
        asked_in: None,
        created_at: ground.now,
        updated_at: ground.now,
        sample: false,
    };
    match beginning.subscriber {
        Subscriber::Municipality(id) => row.municipality_id = Some(id),
        Subscriber::Provider(id) => row.provider_id = Some(id),
    }
    ask(&mut row, ground, caller);
    match &beginning.start {
        Start::Interest => {}
        Start::Request { .. } => {
            row.requested_from = Some(from);
            match permit.approval() {
                Some(approval) => {
                    row.state = State::Requested;
                    wait(&mut row, ground, Matter::Request, approval);
                }
                None => agree(&mut row, from, product.term_months),
            }
        }
        Start::Contract(contract) => report(&mut row, contract),
    }
    Ok(row)
}

/// An existing contract: it runs, on its own terms.
fn report(row: &mut Row, contract: &Contract) {
    row.state = State::Active;
    row.origin = Origin::Reported;
    row.agreed_from = Some(contract.active_since);
    row.active_since = Some(contract.active_since);
    row.notice_months = contract.notice_months.unwrap_or(row.notice_months);
    row.term_end = contract.term_end;
    if let Some(price) = contract.price {
        row.price_unit = price.unit;
        row.price_period = price.period;
        row.price_amount_cents = Some(price.amount_cents);
        row.price_percent_basis_points = None;
        row.price_vat_basis_points = price.vat_basis_points;
    }
}

/// An interest becomes the request that was worked out: it keeps its identity and its history.
pub fn turn(interest: &Row, request: Row) -> Row {
    Row {
        id: interest.id,
        version: interest.version + 1,
        created_at: interest.created_at,
        sample: interest.sample,
        ..request
    }
}

/// A step with a subscription.
pub fn take(ground: &Ground<'_>, permit: &Permit, caller: &Caller, row: &Row, step: Step) -> Result<Row> {
    check_permit(permit, step.action())?;
    let mut next = Row { version: row.version + 1, updated_at: ground.now, ..row.clone() };
    let term_months = ground.snapshot.products.find(row.product_id);
    let term_months = term_months.and_then(|at| ground.snapshot.products[at].row.term_months);
    match step {
        Step::Approve { agreed_from, legal_basis } => {
            if row.open_matter == Some(Matter::Request) {
                next.legal_basis = legal_basis.or(row.legal_basis);
                if let Some(from) = agreed_from {
                    check_not_past("agreedFrom", from, ground.today)?;
                    check_offered("agreedFrom", ground, row, from)?;
                }
            }
            settle(&mut next, ground, agreed_from, term_months)?;
        }
        Step::Confirm { accept: true } => settle(&mut next, ground, None, term_months)?,
        Step::Reject | Step::Confirm { accept: false } => drop_open(&mut next, State::Rejected),
        Step::Withdraw => drop_open(&mut next, State::Withdrawn),
        Step::Activate { on } => {
            check_offered("on", ground, row, on)?;
            next.state = State::Active;
            next.active_since = Some(on);
            next.term_end = term_end(on, term_months).or(row.term_end);
        }
        Step::Change { quantity } => {
            if quantity == row.quantity {
                return Err(Error::bad_input(
                    "quantity",
                    format!("quantity ist schon {quantity}. Bitte eine andere Menge angeben."),
                    format!("quantity is {quantity} already. Please give another one."),
                ));
            }
            close(&mut next);
            next.open_quantity = Some(quantity);
            propose(&mut next, ground, permit, caller, Matter::Change, term_months)?;
        }
        Step::Terminate { on } => {
            check_notice("on", row, on, ground.today)?;
            close(&mut next);
            next.open_on = Some(on);
            propose(&mut next, ground, permit, caller, Matter::Termination, term_months)?;
        }
        Step::Revoke => {
            close(&mut next);
            propose(&mut next, ground, permit, caller, Matter::Revocation, term_months)?;
        }
    }
    Ok(next)
}

/// A permit for one thing is none for another.
fn check_permit(permit: &Permit, action: Action) -> Result<()> {
    if permit.action() == action {
        return Ok(());
    }
    Err(Error::internal(format!("a permit for {:?} was shown for {action:?}", permit.action())))
}

/// The earliest last day that notice and term allow, from today.
pub fn earliest_end(row: &Row, today: Date) -> Date {
    let notice = u32::try_from(row.notice_months).unwrap_or(0);
    let by_notice = today.checked_add_months(Months::new(notice)).unwrap_or(today);
    row.term_end.map_or(by_notice, |term| term.max(by_notice))
}

fn check_notice(field: &str, row: &Row, on: Date, today: Date) -> Result<()> {
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

/// What was asked takes effect at once, or waits for a decision.
fn propose(
    row: &mut Row,
    ground: &Ground<'_>,
    permit: &Permit,
    caller: &Caller,
    matter: Matter,
    term_months: Option<i32>,
) -> Result<()> {
    ask(row, ground, caller);
    row.open_matter = Some(matter);
    match permit.approval() {
        Some(approval) => {
            wait(row, ground, matter, approval);
            Ok(())
        }
        None => settle(row, ground, None, term_months),
    }
}

fn ask(row: &mut Row, ground: &Ground<'_>, caller: &Caller) {
    row.asked_by_issuer = Some(caller.issuer.clone());
    row.asked_by_subject = Some(caller.subject.clone());
    row.asked_in = Some(phases::key(ground.phase));
}

fn wait(row: &mut Row, ground: &Ground<'_>, matter: Matter, approval: &Approval) {
    row.open_matter = Some(matter);
    row.awaits = Some(if approval.is_confirmation { Awaits::Confirmation } else { Awaits::Approval });
    let latest = match matter {
        Matter::Request | Matter::Change => None,
        Matter::Termination => row.open_on.and_then(|on| last_day_of_notice(row, on)),
        Matter::Revocation => row.ends_on,
    };
    let usual = ground.now + OPEN_FOR;
    row.expires_at =
        Some(latest.and_then(|day| beginning_of(day.succ_opt()?)).map_or(usual, |latest| latest.min(usual)));
}

/// The last day on which notice to a last day is still in time.
pub fn last_day_of_notice(row: &Row, on: Date) -> Option<Date> {
    let day = on.checked_sub_months(Months::new(u32::try_from(row.notice_months).ok()?))?;
    // Months have different ends: the last day that fits lies within three days of the same day of the month.
    let latest = day.checked_add_days(chrono::Days::new(3))?;
    (0..7).filter_map(|days| latest.checked_sub_days(chrono::Days::new(days))).find(|day| earliest_end(row, *day) <= on)
}

/// What is open takes effect.
fn settle(row: &mut Row, ground: &Ground<'_>, agreed_from: Option<Date>, term_months: Option<i32>) -> Result<()> {
    match row.open_matter {
        Some(Matter::Request) => {
            let asked = row.requested_from.unwrap_or(ground.today).max(ground.today);
            // Not before the product is there, which may have become later since it was asked for.
            let usual = available_from(ground, row).map_or(asked, |available| available.max(asked));
            let from = agreed_from.unwrap_or(usual);
            reprice(row, ground, from, agreed_from.is_some())?;
            agree(row, from, term_months);
        }
        Some(Matter::Change) => row.quantity = row.open_quantity.unwrap_or(row.quantity),
        Some(Matter::Termination) => {
            let last = row.open_on.unwrap_or(ground.today);
            // Notice is given by who may give it, so its period runs from then on.
            check_notice("subscription", row, last, ground.today)?;
            row.state = State::Terminating;
            row.ends_on = Some(last);
        }
        Some(Matter::Revocation) => {
            row.state = State::Active;
            row.ends_on = None;
        }
        None => {}
    }
    close(row);
    Ok(())
}

/// Nothing is agreed to, or delivered on, a day on which the product is not there yet.
fn check_offered(field: &str, ground: &Ground<'_>, row: &Row, from: Date) -> Result<()> {
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

fn available_from(ground: &Ground<'_>, row: &Row) -> Option<Date> {
    let at = ground.snapshot.products.find(row.product_id)?;
    ground.snapshot.products[at].row.available_from
}

/// The price of the agreed day is agreed, where it is another than that of the day asked for.
fn reprice(row: &mut Row, ground: &Ground<'_>, from: Date, is_chosen: bool) -> Result<()> {
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

fn agree(row: &mut Row, from: Date, term_months: Option<i32>) {
    row.state = State::Approved;
    row.agreed_from = Some(from);
    row.term_end = term_end(from, term_months);
}

fn term_end(from: Date, months: Option<i32>) -> Option<Date> {
    let months = Months::new(u32::try_from(months?).ok()?);
    // A term of twelve months from 1 January ends on 31 December.
    from.checked_add_months(months)?.pred_opt()
}

/// What is open is dropped: a subscription that has not begun is over with it.
fn drop_open(row: &mut Row, over: State) {
    if matches!(row.state, State::Interest | State::Requested | State::Approved) {
        row.state = over;
    }
    close(row);
}

/// Nothing waits for a decision any more.
pub(super) fn close(row: &mut Row) {
    row.open_matter = None;
    row.awaits = None;
    row.open_quantity = None;
    row.open_on = None;
    row.expires_at = None;
}

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
