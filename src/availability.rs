//! What one municipality can have on one day (S3: when, and under which conditions, a service is available).

use std::cmp::Reverse;

use ::entity::product::{Lifecycle, ServiceArea};
use sea_orm::prelude::Date;

use crate::{
    access::{self, Action, Engine, Offer, Phase, ProductKind, Role, Standing},
    catalogue::{At, Municipality, Product, Snapshot, search::Question},
    condition::Condition,
    freezes,
    listing::{Key, Listing, Position},
    phase_exceptions::{self, Ruling},
    products::{self, Is},
    providers,
    text::Text,
};

/// Whether a municipality can have a product: the first that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It can be requested, with or without approval.
    Available,
    /// Interest can be declared; a request would be refused in this phase.
    InterestOnly,
    /// From a later day on.
    Planned,
    /// Not at all.
    Unavailable,
}

/// Why a product is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The municipality has gone into another one.
    MunicipalityDissolved,
    /// Its provider has gone into another one.
    ProviderMerged,
    /// It is gone.
    Retired,
    /// It is being phased out and takes no new subscription.
    PhaseOut,
    /// It is not offered to this municipality.
    NotOfferedHere,
    /// It is for other customer groups.
    NotEligible,
    /// It begins on a later day.
    NotYetAvailable,
    /// Its provider has not joined the central provider.
    ProviderNotJoined,
    /// The current phase knows no requests yet.
    PhaseTooEarly,
    /// It is frozen at the moment.
    Frozen,
}

/// What one municipality can do about one product on a day.
#[derive(Clone, Copy, Debug)]
pub struct Availability {
    /// The product.
    pub product: At<Product>,
    /// Whether it can be had.
    pub status: Status,
    /// First day: of an available product the day asked for, of a planned one its planned day.
    pub available_from: Option<Date>,
    /// Why not.
    pub reason: Option<Reason>,
    /// How well it answers what was searched for, higher is better; none when nothing was.
    pub rank: Option<i32>,
}

/// A municipality, a day, the rules, and the phase that is current.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'s> {
    /// The catalogue.
    pub snapshot: &'s Snapshot,
    /// The rules.
    pub engine: &'s Engine,
    /// Who asks.
    pub municipality: At<Municipality>,
    /// For which day.
    pub day: Date,
    /// The phase that is current today, whatever day is asked for.
    pub phase: Phase,
}

/// What a caller looks for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Condition on products.
    pub condition: Condition<Is>,
    /// What to search for.
    pub question: Option<Question>,
    /// Also what the municipality can't have.
    pub include_unavailable: bool,
}

impl<'s> Situation<'s> {
    /// What the municipality can do about a product: what the rules say to a request by the municipality itself.
    pub fn of(&self, at: At<Product>) -> Availability {
        let product = &self.snapshot.products[at];
        let found =
            |status, available_from, reason| Availability { product: at, status, available_from, reason, rank: None };
        if let Some(reason) = exclusion(self.snapshot, product, Some(self.municipality), self.day) {
            return found(Status::Unavailable, None, Some(reason));
        }
        if is_planned(product, self.day) {
            return found(Status::Planned, product.row.available_from, Some(Reason::NotYetAvailable));
        }
        let kind = products::kind_on(self.snapshot, product, self.day);
        let is_frozen = freezes::on(self.snapshot, at, self.day).is_some();
        let Ruling { phase, exception } = phase_exceptions::ruling(self.snapshot, at, self.day, self.phase);
        let allows = |action| {
            let situation = access::Situation { is_frozen, exception, ..access::Situation::new(action, phase, kind) };
            self.engine.decide(&situation.asked_as(Role::Municipality, Standing::Own)).is_allowed
        };
        let closed = match kind {
            _ if is_frozen => Some(Reason::Frozen),
            ProductKind::NotJoined => Some(Reason::ProviderNotJoined),
            _ => Some(Reason::PhaseTooEarly),
        };
        if allows(Action::RequestSubscription) {
            found(Status::Available, Some(self.day), None)
        } else if allows(Action::DeclareInterest) {
            found(Status::InterestOnly, None, closed)
        } else {
            found(Status::Unavailable, None, closed)
        }
    }

    /// The products that are wanted: best match first, then available ones, the initial portfolio, the name.
    pub fn list(self, wanted: Wanted) -> Listing<'s, Availability> {
        let (snapshot, searched) = (self.snapshot, wanted.question.as_ref().map_or("", Question::folded));
        let name = format!("available ~{searched}");
        let Wanted { condition, include_unavailable, .. } = &wanted;
        let (place, day, phase) = (self.municipality, self.day, self.phase);
        let all = format!("{name} {place:?} {day} {phase:?} {include_unavailable} {condition:?}");
        let rows = snapshot.lists.get(&all, || self.found(&wanted));
        Listing::shared(name, rows, |found| position(snapshot, found))
    }

    fn found(&self, wanted: &Wanted) -> Vec<Availability> {
        let snapshot = self.snapshot;
        let question = wanted.question.as_ref();
        let answers = snapshot.search(question, |product| products::holds(snapshot, product, &wanted.condition));
        let found = answers.iter().map(|found| Availability { rank: found.rank, ..self.of(found.product) });
        let mut found: Vec<Availability> =
            found.filter(|found| wanted.include_unavailable || found.status != Status::Unavailable).collect();
        // As positions are compared; places are in the order of names.
        found.sort_unstable_by_key(|found| {
            let is_initial = snapshot.products[found.product].row.initial_portfolio;
            (Reverse((found.rank, found.status == Status::Available, is_initial)), found.product)
        });
        found
    }
}

/// Whether a product takes new subscribers on a day: a municipality, or somebody else when none is given.
pub fn offer(snapshot: &Snapshot, product: &Product, municipality: Option<At<Municipality>>, day: Date) -> Offer {
    match exclusion(snapshot, product, municipality, day) {
        Some(Reason::MunicipalityDissolved) => Offer::Dissolved,
        Some(Reason::ProviderMerged) => Offer::Merged,
        Some(Reason::Retired) => Offer::Retired,
        Some(Reason::PhaseOut) => Offer::PhaseOut,
        Some(_) => Offer::Elsewhere,
        None if is_planned(product, day) => Offer::Later(product.row.available_from),
        None => Offer::Open,
    }
}

fn exclusion(
    snapshot: &Snapshot,
    product: &Product,
    municipality: Option<At<Municipality>>,
    day: Date,
) -> Option<Reason> {
    let row = &product.row;
    let reached = |date: Option<Date>| date.is_some_and(|date| date <= day);
    let is_dissolved = |at: At<Municipality>| snapshot.municipalities[at].is_dissolved_on(day);
    // The lifecycle says it at once, a date from its day on.
    if municipality.is_some_and(is_dissolved) {
        Some(Reason::MunicipalityDissolved)
    } else if providers::has_merged(snapshot, product.provider, day) {
        Some(Reason::ProviderMerged)
    } else if row.lifecycle == Lifecycle::Retired || reached(row.retired_from) {
        Some(Reason::Retired)
    } else if row.lifecycle == Lifecycle::PhaseOut || reached(row.phase_out_from) {
        Some(Reason::PhaseOut)
    } else if municipality.is_some_and(|at| !is_offered(snapshot, product, at, day)) {
        Some(Reason::NotOfferedHere)
    } else if municipality.is_some_and(|at| !is_eligible(snapshot, product, at)) {
        Some(Reason::NotEligible)
    } else {
        None
    }
}

fn is_planned(product: &Product, day: Date) -> bool {
    match product.row.available_from {
        Some(from) => day < from,
        None => product.row.lifecycle == Lifecycle::Planned,
    }
}

fn is_offered(snapshot: &Snapshot, product: &Product, municipality: At<Municipality>, day: Date) -> bool {
    match product.row.service_area {
        ServiceArea::StateWide => true,
        ServiceArea::ProviderCoverage => {
            let served_by = &snapshot.municipalities[municipality].served_by;
            served_by.iter().any(|served| served.at == product.provider && served.holds_on(day))
        }
        ServiceArea::Listed => product.listed.contains(&municipality),
    }
}

fn is_eligible(snapshot: &Snapshot, product: &Product, municipality: At<Municipality>) -> bool {
    let groups = &snapshot.municipalities[municipality].groups;
    product.eligible_groups.is_empty() || product.eligible_groups.iter().any(|group| groups.contains(group))
}

/// Best match first when something is searched; then available ones, the initial portfolio, the name.
fn position(snapshot: &Snapshot, found: &Availability) -> Position {
    let product = &snapshot.products[found.product];
    let keys = vec![
        Key::new(found.rank.map(i64::from), true),
        Key::new(i64::from(found.status == Status::Available), true),
        Key::new(i64::from(product.row.initial_portfolio), true),
        Key::new(product.name_key.as_str(), false),
    ];
    Position(keys, product.row.id)
}

impl Reason {
    /// The reason as a sentence, with what to do where something can be done.
    pub fn text(self) -> Text {
        match self {
            Self::MunicipalityDissolved => Text::new(
                "Die Kommune ist in einer anderen aufgegangen; siehe successor.",
                "The municipality has gone into another one; see successor.",
            ),
            Self::ProviderMerged => Text::new(
                "Der Anbieter ist in einem anderen aufgegangen; siehe provider.mergedInto.",
                "The provider has gone into another one; see provider.mergedInto.",
            ),
            Self::Retired => Text::new("Die Leistung wird nicht mehr angeboten.", "The product is no longer offered."),
            Self::PhaseOut => Text::new(
                "Die Leistung läuft aus und nimmt keine neuen Bezüge an.",
                "The product is being phased out and takes no new subscriptions.",
            ),
            Self::NotOfferedHere => Text::new(
                "Der Anbieter bietet die Leistung dieser Kommune nicht an.",
                "The provider does not offer the product to this municipality.",
            ),
            Self::NotEligible => Text::new(
                "Die Leistung ist anderen Kundengruppen vorbehalten.",
                "The product is reserved for other customer groups.",
            ),
            Self::NotYetAvailable => Text::new(
                "Die Leistung ist geplant; siehe availableFrom.",
                "The product is planned; see availableFrom.",
            ),
            Self::ProviderNotJoined => Text::new(
                "Der Anbieter ist dem Zentraldienstleister nicht beigetreten. Interesse kann bekundet werden, solange die Transformation läuft.",
                "The provider has not joined the central provider. Interest can be declared while the transformation lasts.",
            ),
            Self::Frozen => Text::new(
                "Die Leistung ist zurzeit gesperrt; siehe freezes.",
                "The product is frozen at the moment; see freezes.",
            ),
            Self::PhaseTooEarly => Text::new(
                "In der laufenden Phase kann nur Interesse bekundet werden.",
                "In the current phase only interest can be declared.",
            ),
        }
    }
}
