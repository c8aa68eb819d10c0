//! Municipalities and Kreise: which ones a caller looks for, and in which order; and how the whole directory of them is
//! brought in ([`import`]), with its area changes ([`changes`]).

mod cells;
pub mod changes;
mod coverage;
pub mod file;
pub mod import;
pub mod plan;
mod row;

use ::entity::{landschaftsverband::Code, municipality::Type};
use sea_orm::prelude::Date;

use crate::{
    catalogue::{At, Municipality, Snapshot},
    condition::Condition,
    listing::{self, Key, Listing, Order, Position},
};

/// A plain condition on a municipality. Lists of values mean one of them.
#[derive(Clone, Debug)]
pub enum Is {
    /// What it is.
    Type(Vec<Type>),
    /// AGS of its Kreis.
    District(Vec<String>),
    /// Regierungsbezirk.
    GovernmentDistrict(Vec<String>),
    /// Landschaftsverband.
    Landschaftsverband(Vec<Code>),
    /// Key of a customer group it belongs to.
    CustomerGroup(Vec<String>),
    /// Key of a provider that serves it today.
    Provider(Vec<String>),
    /// Fewest inhabitants.
    PopulationAtLeast(i64),
    /// Most inhabitants.
    PopulationAtMost(i64),
    /// Whether it has gone into another one.
    Dissolved(bool),
    /// Part of its name, folded.
    NameContains(String),
}

impl Is {
    /// How much there is to compare.
    pub fn size(&self) -> usize {
        match self {
            Self::Type(values) => values.len() + 1,
            Self::District(values)
            | Self::GovernmentDistrict(values)
            | Self::CustomerGroup(values)
            | Self::Provider(values) => values.len() + 1,
            Self::Landschaftsverband(values) => values.len() + 1,
            Self::PopulationAtLeast(_) | Self::PopulationAtMost(_) | Self::Dissolved(_) | Self::NameContains(_) => 1,
        }
    }
}

/// What municipalities can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Name.
    Name,
    /// AGS.
    Ags,
    /// Inhabitants.
    Population,
}

/// The municipalities that fulfil a condition, in the order given, or by name.
pub fn list<'s>(
    snapshot: &'s Snapshot,
    condition: &Condition<Is>,
    order: Vec<Order<Field>>,
    today: Date,
) -> Listing<'s, At<Municipality>> {
    let found = snapshot.municipalities.iter().filter(|(_, row)| holds(snapshot, row, condition, today));
    let found = found.map(|(at, _)| at).collect();
    let name = format!("municipalities {}", listing::signature(&order));
    Listing::sorted(name, found, move |at| {
        let municipality = &snapshot.municipalities[*at];
        let key = |order: &Order<Field>| match order.field {
            Field::Name => Key::new(municipality.name_key.as_str(), order.is_descending),
            Field::Ags => Key::new(municipality.row.ags.as_str(), order.is_descending),
            Field::Population => Key::new(municipality.row.population, order.is_descending),
        };
        let by_name = Key::new(municipality.name_key.as_str(), false);
        Position(order.iter().map(key).chain([by_name]).collect(), municipality.row.id)
    })
}

/// Municipalities that are known in order of their names: of a Kreis, of a group, of a provider.
pub fn by_name<'s>(snapshot: &'s Snapshot, name: &str, found: Vec<At<Municipality>>) -> Listing<'s, At<Municipality>> {
    Listing::ordered(name.to_owned(), found, |at| {
        let municipality = &snapshot.municipalities[*at];
        Position(vec![Key::new(municipality.name_key.as_str(), false)], municipality.row.id)
    })
}

/// Those of some municipalities that have not gone into another one by a day.
pub fn standing(snapshot: &Snapshot, of: &[At<Municipality>], day: Date) -> Vec<At<Municipality>> {
    of.iter().copied().filter(|at| !snapshot.municipalities[*at].is_dissolved_on(day)).collect()
}

fn holds(snapshot: &Snapshot, municipality: &Municipality, condition: &Condition<Is>, today: Date) -> bool {
    let row = &municipality.row;
    condition.holds(&|is| match is {
        Is::Type(wanted) => wanted.contains(&row.kind),
        Is::District(keys) => {
            municipality.district.is_some_and(|at| keys.contains(&snapshot.municipalities[at].row.ags))
        }
        Is::GovernmentDistrict(names) => names.contains(&row.government_district),
        Is::Landschaftsverband(wanted) => wanted.contains(&municipality.landschaftsverband),
        Is::CustomerGroup(keys) => {
            municipality.groups.iter().any(|at| keys.contains(&snapshot.customer_groups[*at].row.key))
        }
        Is::Provider(keys) => municipality
            .served_by
            .iter()
            .any(|served| served.holds_on(today) && keys.contains(&snapshot.providers[served.at].row.key)),
        Is::PopulationAtLeast(fewest) => row.population >= *fewest,
        Is::PopulationAtMost(most) => row.population <= *most,
        Is::Dissolved(wanted) => municipality.is_dissolved_on(today) == *wanted,
        Is::NameContains(part) => municipality.name_key.contains(part),
    })
}
