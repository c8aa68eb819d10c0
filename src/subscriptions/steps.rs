//! One row becomes the next: what each step means, once the rules permit it.
//!
//! Nothing here reads or writes a database. Without a permit for just this no step can be taken; writing its outcome then
//! takes the permit away, see [`super::perform`].

use ::entity::product_subscription::{Awaits, Matter, Origin, State};
use sea_orm::prelude::{Date, Uuid};

use super::{
    Row, Subscriber,
    act::{Beginning, Contract, Start, Step, check_not_past},
    active_since_at,
    moves::{check_move, follow},
    situation::Ground,
    state_at,
    terms::{available_from, check_notice, check_offered, last_day_of_notice, price, reprice, term_end, term_months},
};
use crate::{
    access::{Action, Approval, Caller, Permit, Role},
    catalogue::{At, Price, Product},
    clock::beginning_of,
    error::{Error, Result},
    phases,
};

/// How long something waits for a decision.
const OPEN_FOR: chrono::TimeDelta = chrono::TimeDelta::days(90);

/// What a step leaves: the subscription, and the one that goes on from it where it is moved.
#[derive(Debug)]
pub struct Taken {
    /// The subscription since then.
    pub row: Row,
    /// Its successor, which is new.
    pub successor: Option<Row>,
}

/// A subscription begins.
pub fn begin(
    ground: &Ground<'_>,
    permit: &Permit,
    caller: &Caller,
    id: Uuid,
    beginning: &Beginning,
    at: At<Product>,
) -> Result<Row> {
    check_permit(permit, beginning.action())?;
    let from = beginning.from.unwrap_or(ground.today);
    let is_request = matches!(beginning.start, Start::Request { .. });
    let price = price(ground, beginning.subscriber, at, from, !is_request)?;
    let mut row = Row {
        quantity: beginning.quantity,
        legal_basis: beginning.legal_basis,
        requested_from: beginning.from,
        collective_id: beginning.collective,
        ..new(ground, beginning.subscriber, id, at, price)
    };
    ask(&mut row, caller, permit);
    row.collective_by = row.asked_by_organisation.filter(|_| beginning.collective.is_some());
    match &beginning.start {
        Start::Interest => {}
        Start::Request { .. } => {
            row.requested_from = Some(from);
            match permit.approval() {
                Some(approval) => {
                    row.state = State::Requested;
                    wait(&mut row, ground, Matter::Request, approval);
                }
                None => agree(&mut row, from, ground.snapshot.products[at].row.term_months),
            }
        }
        Start::Contract(contract) => report(&mut row, contract),
    }
    Ok(row)
}

/// A subscription that nothing has been agreed about yet.
pub(super) fn new(ground: &Ground<'_>, subscriber: Subscriber, id: Uuid, at: At<Product>, price: &Price) -> Row {
    let product = &ground.snapshot.products[at].row;
    let (municipality_id, provider_id) = match subscriber {
        Subscriber::Municipality(id) => (Some(id), None),
        Subscriber::Provider(id) => (None, Some(id)),
    };
    Row {
        id,
        municipality_id,
        provider_id,
        product_id: product.id,
        state: State::Interest,
        version: 1,
        quantity: 1,
        origin: Origin::Requested,
        legal_basis: None,
        requested_from: None,
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
        asked_by_organisation: None,
        asked_in: None,
        open_product_id: None,
        predecessor_id: None,
        successor_id: None,
        collective_id: None,
        collective_by: None,
        created_at: ground.now,
        updated_at: ground.now,
        sample: false,
    }
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

/// A step with a subscription. `new_id` is for the successor, should there be one.
pub fn take(
    ground: &Ground<'_>,
    permit: &Permit,
    caller: &Caller,
    row: &Row,
    step: Step,
    new_id: Uuid,
) -> Result<Taken> {
    check_permit(permit, step.action())?;
    let mut next = Row {
        version: row.version + 1,
        updated_at: ground.now,
        // What was due is done.
        state: state_at(row, ground.now),
        active_since: active_since_at(row, ground.now),
        ..row.clone()
    };
    let mut proposed = None;
    match step {
        Step::Approve { agreed_from, legal_basis } => {
            if row.open_matter == Some(Matter::Request) {
                next.legal_basis = legal_basis.or(row.legal_basis);
                if let Some(from) = agreed_from {
                    check_not_past("agreedFrom", from, ground.today)?;
                    check_offered("agreedFrom", ground, row, from)?;
                }
            }
            return settle(next, ground, agreed_from, new_id);
        }
        Step::Confirm { accept: true } => return settle(next, ground, None, new_id),
        Step::Reject | Step::Confirm { accept: false } => drop_open(&mut next, State::Rejected),
        Step::Withdraw => drop_open(&mut next, State::Withdrawn),
        Step::Activate { on } => {
            check_offered("on", ground, row, on)?;
            next.state = State::Active;
            next.active_since = Some(on);
            next.term_end = term_end(on, term_months(ground, row)).or(row.term_end);
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
            proposed = Some(Matter::Change);
        }
        Step::Terminate { on } => {
            check_notice("on", row, on, ground.today)?;
            close(&mut next);
            next.open_on = Some(on);
            proposed = Some(Matter::Termination);
        }
        Step::Revoke => {
            close(&mut next);
            proposed = Some(Matter::Revocation);
        }
        Step::Migrate { successor, on, quantity } => {
            check_move(ground, row, successor, on, quantity)?;
            close(&mut next);
            next.open_product_id = Some(successor);
            next.open_on = Some(on);
            next.open_quantity = Some(quantity.unwrap_or(row.quantity));
            proposed = Some(Matter::Migration);
        }
    }
    match proposed {
        Some(matter) => propose(next, ground, permit, caller, matter, new_id),
        None => Ok(Taken { row: next, successor: None }),
    }
}

/// A permit for one thing is none for another.
fn check_permit(permit: &Permit, action: Action) -> Result<()> {
    if permit.action() == action {
        return Ok(());
    }
    Err(Error::internal(format!("a permit for {:?} was shown for {action:?}", permit.action())))
}

/// What was asked takes effect at once, or waits for a decision.
fn propose(
    mut row: Row,
    ground: &Ground<'_>,
    permit: &Permit,
    caller: &Caller,
    matter: Matter,
    new_id: Uuid,
) -> Result<Taken> {
    ask(&mut row, caller, permit);
    row.open_matter = Some(matter);
    match permit.approval() {
        Some(approval) => {
            wait(&mut row, ground, matter, approval);
            Ok(Taken { row, successor: None })
        }
        None => settle(row, ground, None, new_id),
    }
}

fn ask(row: &mut Row, caller: &Caller, permit: &Permit) {
    let decision = permit.decision();
    row.asked_by_issuer = Some(caller.issuer.clone());
    row.asked_by_subject = Some(caller.subject.clone());
    row.asked_by_organisation = match decision.role {
        Some(Role::Municipality) => caller.municipality,
        Some(Role::Provider) => caller.provider,
        _ => None,
    };
    row.asked_in = Some(phases::key(decision.phase));
}

fn wait(row: &mut Row, ground: &Ground<'_>, matter: Matter, approval: &Approval) {
    row.open_matter = Some(matter);
    row.awaits = Some(if approval.is_confirmation { Awaits::Confirmation } else { Awaits::Approval });
    let latest = match matter {
        Matter::Request | Matter::Change => None,
        Matter::Termination => row.open_on.and_then(|on| last_day_of_notice(row, on)),
        Matter::Revocation => row.ends_on,
        // Until the last day of what it follows.
        Matter::Migration => row.open_on.and_then(|on| on.pred_opt()),
    };
    let usual = ground.now + OPEN_FOR;
    row.expires_at =
        Some(latest.and_then(|day| beginning_of(day.succ_opt()?)).map_or(usual, |latest| latest.min(usual)));
}

/// What is open takes effect.
fn settle(mut row: Row, ground: &Ground<'_>, agreed_from: Option<Date>, new_id: Uuid) -> Result<Taken> {
    let mut successor = None;
    match row.open_matter {
        Some(Matter::Request) => {
            let asked = row.requested_from.unwrap_or(ground.today).max(ground.today);
            // Not before the product is there, which may have become later since it was asked for.
            let usual = available_from(ground, &row).map_or(asked, |available| available.max(asked));
            let from = agreed_from.unwrap_or(usual);
            reprice(&mut row, ground, from, agreed_from.is_some())?;
            let months = term_months(ground, &row);
            agree(&mut row, from, months);
        }
        Some(Matter::Change) => row.quantity = row.open_quantity.unwrap_or(row.quantity),
        Some(Matter::Termination) => {
            let last = row.open_on.unwrap_or(ground.today);
            // Notice is given by who may give it, so its period runs from then on.
            check_notice("subscription", &row, last, ground.today)?;
            row.state = State::Terminating;
            row.ends_on = Some(last);
        }
        Some(Matter::Revocation) => {
            row.state = State::Active;
            row.ends_on = None;
        }
        Some(Matter::Migration) => {
            let next = follow(ground, &row, new_id)?;
            row.state = State::Terminating;
            row.ends_on = row.open_on.and_then(|on| on.pred_opt());
            row.successor_id = Some(next.id);
            successor = Some(next);
        }
        None => {}
    }
    close(&mut row);
    Ok(Taken { row, successor })
}

pub(super) fn agree(row: &mut Row, from: Date, term_months: Option<i32>) {
    row.state = State::Approved;
    row.agreed_from = Some(from);
    row.term_end = term_end(from, term_months);
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
    row.open_product_id = None;
    row.expires_at = None;
}
