//! Providers: which ones a caller looks for, in which order, and how far they have joined.

use ::entity::{
    joining::{self, Level},
    provider::Kind,
};
use sea_orm::prelude::{Date, Uuid};

use crate::{
    catalogue::{At, Provider, Snapshot, joining_on},
    condition::Condition,
    listing::{self, Key, Listing, Order, Position},
};

/// A plain condition on a provider. Lists of values mean one of them.
#[derive(Clone, Debug)]
pub enum Is {
    /// Its key.
    Key(Vec<String>),
    /// What kind.
    Kind(Vec<Kind>),
    /// How far it has joined today.
    Joining(Vec<Level>),
    /// Member of the KDN.
    KdnMember(bool),
    /// Part of its name or short name, folded.
    NameContains(String),
}

impl Is {
    /// How much there is to compare.
    pub fn size(&self) -> usize {
        match self {
            Self::Key(values) => values.len() + 1,
            Self::Kind(values) => values.len() + 1,
            Self::Joining(values) => values.len() + 1,
            Self::KdnMember(_) | Self::NameContains(_) => 1,
        }
    }
}

/// What providers can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Name.
    Name,
    /// Key.
    Key,
    /// Number of published products.
    ProductCount,
}

/// The providers that fulfil a condition, in the order given, or by name.
pub fn list<'s>(
    snapshot: &'s Snapshot,
    condition: &Condition<Is>,
    order: Vec<Order<Field>>,
    today: Date,
) -> Listing<'s, At<Provider>> {
    let found = snapshot.providers.iter().filter(|(_, provider)| holds(provider, condition, today));
    let found = found.map(|(at, _)| at).collect();
    let name = format!("providers {}", listing::signature(&order));
    Listing::sorted(name, found, move |at| {
        let provider = &snapshot.providers[*at];
        let key = |order: &Order<Field>| match order.field {
            Field::Name => Key::new(provider.name_key.as_str(), order.is_descending),
            Field::Key => Key::new(provider.row.key.as_str(), order.is_descending),
            Field::ProductCount => Key::new(provider.products.len() as i64, order.is_descending),
        };
        let by_name = Key::new(provider.name_key.as_str(), false);
        Position(order.iter().map(key).chain([by_name]).collect(), provider.row.id)
    })
}

fn holds(provider: &Provider, condition: &Condition<Is>, today: Date) -> bool {
    let row = &provider.row;
    condition.holds(&|is| match is {
        Is::Key(keys) => keys.contains(&row.key),
        Is::Kind(wanted) => wanted.contains(&row.kind),
        Is::Joining(wanted) => wanted.contains(&level_of(provider, today)),
        Is::KdnMember(wanted) => row.kdn_member == Some(*wanted),
        Is::NameContains(part) => provider.name_key.contains(part) || provider.short_name_key.contains(part),
    })
}

/// How far a provider has joined on a day; the central provider always has.
pub fn level_of(provider: &Provider, day: Date) -> Level {
    match provider.row.kind {
        Kind::Central => Level::Joined,
        _ => level_on(&provider.joinings, day),
    }
}

/// Whether a provider has gone into another one by a day: its own portfolio takes nothing any more.
pub fn has_merged(snapshot: &Snapshot, provider: At<Provider>, day: Date) -> bool {
    level_of(&snapshot.providers[provider], day) == Level::Merged || snapshot.merged_into(provider, day).is_some()
}

/// The id of the provider that acts for a provider on a day: see [`Snapshot::acting_for`]. Any other id stays as it is.
pub fn acting_id(snapshot: &Snapshot, id: Uuid, day: Date) -> Uuid {
    let acting = snapshot.providers.find(id).map(|at| snapshot.acting_for(at, day));
    acting.map_or(id, |at| snapshot.providers[at].row.id)
}

/// How far an organisation has joined on a day.
pub fn level_on(joinings: &[joining::Model], day: Date) -> Level {
    joining_on(joinings, day).map_or(Level::NotJoined, |joining| joining.level)
}
