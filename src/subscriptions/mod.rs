//! Subscriptions (Bezüge): who takes which product, and every change of it.
//!
//! [`act`] says what can be done, [`situation`] gathers the facts that the rules need, [`steps`] turns one row into the
//! next, and [`perform`] is the one door through which every change goes. Reading is scoped in SQL by [`scope`].

pub mod act;
pub mod collective;
pub mod figures;
pub mod history;
pub mod list;
pub mod marks;
pub mod moves;
pub mod opened;
pub mod perform;
pub mod refusal;
pub mod scope;
pub mod situation;
pub mod steps;
pub mod tasks;
pub mod terms;
pub mod tick;

use ::entity::product_subscription::{self, Matter, State};
use sea_orm::prelude::{Date, DateTimeUtc, Uuid};
use serde::Serialize;

use crate::{
    catalogue::{At, Municipality, Snapshot},
    clock::day_of,
    error::{Code, Error},
};

/// One row of `product_subscriptions`.
pub type Row = product_subscription::Model;

/// Who takes a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Subscriber {
    /// A municipality or Kreis.
    Municipality(Uuid),
    /// A provider.
    Provider(Uuid),
}

impl Subscriber {
    /// Who takes the product of a row.
    pub fn of(row: &Row) -> Option<Self> {
        let municipality = row.municipality_id.map(Self::Municipality);
        municipality.or(row.provider_id.map(Self::Provider))
    }

    /// The municipality, when it is one.
    pub fn municipality(self, snapshot: &Snapshot) -> Option<At<Municipality>> {
        match self {
            Self::Municipality(id) => snapshot.municipalities.find(id),
            Self::Provider(_) => None,
        }
    }
}

/// The state at a moment: what is due counts as done, whether or not somebody has written it down yet.
pub fn state_at(row: &Row, now: DateTimeUtc) -> State {
    match row.state {
        State::Approved if begins_by_itself(row) && row.agreed_from.is_some_and(|first| first <= day_of(now)) => {
            State::Active
        }
        State::Requested if has_expired(row, now) => State::Expired,
        State::Terminating if row.ends_on.is_some_and(|last| last < day_of(now)) => State::Ended,
        state => state,
    }
}

/// Whether delivery begins on the agreed day without anybody recording it: its predecessor ends for it the day before.
pub fn begins_by_itself(row: &Row) -> bool {
    row.predecessor_id.is_some()
}

/// First day of delivery, as far as it has begun at a moment.
pub fn active_since_at(row: &Row, now: DateTimeUtc) -> Option<Date> {
    let has_begun = row.active_since.is_none() && row.state != state_at(row, now) && begins_by_itself(row);
    row.active_since.or(row.agreed_from.filter(|_| has_begun))
}

/// What waits for a decision at a moment: nothing once it has expired, or once the subscription is over.
pub fn open_at(row: &Row, now: DateTimeUtc) -> Option<Matter> {
    let is_over = matches!(state_at(row, now), State::Ended | State::Rejected | State::Withdrawn | State::Expired);
    row.open_matter.filter(|_| !is_over && !has_expired(row, now))
}

/// A subscription refers to what this request's catalogue does not hold yet.
pub fn catalogue_moved() -> Error {
    Error::new(
        Code::Unavailable,
        "Der Katalog hat sich soeben geändert. Bitte gleich noch einmal abfragen.",
        "The catalogue has just changed. Please ask again in a moment.",
    )
}

/// Whether what was open on a row has expired.
pub fn has_expired(row: &Row, now: DateTimeUtc) -> bool {
    row.open_matter.is_some() && row.expires_at.is_some_and(|moment| moment <= now)
}
