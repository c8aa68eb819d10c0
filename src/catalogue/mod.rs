//! The published catalogue in memory: one immutable snapshot that every reader shares.
//!
//! Loaded in one consistent read together with its version, replaced as a whole. A request takes one snapshot
//! and keeps it, so an answer never mixes two versions.

mod build;
mod changed;
mod joined;
mod lists;
mod live;
mod load;
pub mod overlap;
mod rows;
pub mod search;
mod searched;
mod table;

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use ::entity::{estimate_assumption, freeze, landschaftsverband, phase, phase_exception};
use sea_orm::prelude::Date;

pub use build::fits;
pub use lists::Lists;
pub use live::Live;
pub use load::{Rows, raise_version, rows};
pub use overlap::Overlap;
pub use rows::{
    Assignment, Category, Contact, CustomerGroup, Merger, Municipality, Phase, Price, Product, Provider,
    Responsibility, Served, StandardProduct, joining_on, stands_on,
};
pub use searched::Found;
pub use table::{At, Table};

/// One version of everything that is published. Tables with names are ordered by name.
#[derive(Debug)]
pub struct Snapshot {
    /// The version that every part of it has.
    pub version: i64,
    /// The two Landschaftsverbände.
    pub landschaftsverbaende: Table<landschaftsverband::Model>,
    /// Municipalities and Kreise.
    pub municipalities: Table<Municipality>,
    /// Providers.
    pub providers: Table<Provider>,
    /// Mergers of providers, by key.
    pub mergers: Table<Merger>,
    /// Categories, in order.
    pub categories: Table<Category>,
    /// Standard products.
    pub standard_products: Table<StandardProduct>,
    /// Published products.
    pub products: Table<Product>,
    /// Customer groups, by key.
    pub customer_groups: Table<CustomerGroup>,
    /// Contacts.
    pub contacts: Table<Contact>,
    /// Phases, in order.
    pub phases: Table<Phase>,
    /// Quantities assumed for price estimates.
    pub assumptions: Vec<estimate_assumption::Model>,
    /// Freezes that are not lifted, oldest first.
    pub freezes: Vec<freeze::Model>,
    /// Exceptions to the current phase that were not ended, oldest first.
    pub phase_exceptions: Vec<phase_exception::Model>,
    /// Lists that were worked out before.
    pub lists: Lists,
    responsibilities: HashMap<Responsibility, Vec<Assignment>>,
    municipalities_by_ags: HashMap<String, At<Municipality>>,
    municipalities_by_ars: HashMap<String, At<Municipality>>,
    providers_by_key: HashMap<String, At<Provider>>,
    overlaps: OnceLock<Vec<Overlap>>,
    search: Arc<OnceLock<search::Index>>,
}

impl Snapshot {
    /// The municipality with this AGS.
    pub fn municipality_by_ags(&self, ags: &str) -> Option<At<Municipality>> {
        self.municipalities_by_ags.get(ags).copied()
    }

    /// The municipality with this ARS.
    pub fn municipality_by_ars(&self, ars: &str) -> Option<At<Municipality>> {
        self.municipalities_by_ars.get(ars).copied()
    }

    /// The provider with this key.
    pub fn provider_by_key(&self, key: &str) -> Option<At<Provider>> {
        self.providers_by_key.get(key).copied()
    }

    /// A provider's product by the provider's own key, also one that it had before it merged.
    pub fn product_by_external_id(&self, provider: At<Provider>, external_id: &str) -> Option<At<Product>> {
        let provider = &self.providers[provider];
        let own = provider.products.iter().copied().find(|at| self.products[*at].row.external_id == external_id);
        own.or_else(|| provider.former_products.get(external_id).copied())
    }

    /// Who is responsible for something, on any day and for any topic.
    pub fn responsible(&self, responsibility: Responsibility) -> &[Assignment] {
        self.responsibilities.get(&responsibility).map_or(&[], Vec::as_slice)
    }

    /// Everything that anybody is responsible for, in no order.
    pub fn assignments(&self) -> impl Iterator<Item = (Responsibility, &Assignment)> {
        self.responsibilities.iter().flat_map(|(responsibility, rows)| rows.iter().map(|row| (*responsibility, row)))
    }

    /// The phase that is current; none before reference data is loaded.
    pub fn current_phase(&self) -> Option<At<Phase>> {
        self.phases.iter().find(|(_, phase)| phase.row.state == phase::State::Current).map(|(at, _)| at)
    }

    /// The provider that acts for a provider on a day: the last of those that it has gone into one after the other, or itself.
    pub fn acting_for(&self, provider: At<Provider>, day: Date) -> At<Provider> {
        // Bounded by their number: dates entered by hand could lead in a circle.
        let mut acting = provider;
        for _ in 0..self.providers.len() {
            match self.merged_into(acting, day) {
                Some(next) => acting = next,
                None => break,
            }
        }
        acting
    }

    /// The municipality that stands for another on a day: the last of those that it has gone into one after the other, or itself.
    pub fn standing_for(&self, municipality: At<Municipality>, day: Date) -> At<Municipality> {
        let mut standing = municipality;
        for _ in 0..self.municipalities.len() {
            let row = &self.municipalities[standing];
            match row.merged_into.filter(|_| row.is_dissolved_on(day)) {
                Some(next) => standing = next,
                None => break,
            }
        }
        standing
    }

    /// The provider that another has gone into by a day.
    pub fn merged_into(&self, provider: At<Provider>, day: Date) -> Option<At<Provider>> {
        self.providers[provider].went_into.iter().find(|(on, _)| *on <= day).map(|(_, successor)| *successor)
    }
}
