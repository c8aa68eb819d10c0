//! Other providers' offers of the same standard product, side by side for one municipality.

use crate::{
    availability::{Availability, Reason, Situation},
    catalogue::{At, Product},
    prices,
};

/// Most offers that are told.
const MOST: usize = 50;

/// The offers, cheapest in a year first, those without an estimate last. Those that are gone are left out.
pub fn of(situation: &Situation<'_>, at: At<Product>) -> Vec<Availability> {
    let snapshot = situation.snapshot;
    let product = &snapshot.products[at];
    let Some(standard_product) = product.standard_product else { return Vec::new() };
    let implementations = &snapshot.standard_products[standard_product].implementations;
    let of_others = implementations.iter().filter(|other| snapshot.products[**other].provider != product.provider);
    let offers = of_others.map(|other| situation.of(*other));
    let is_gone = |offer: &Availability| matches!(offer.reason, Some(Reason::Retired | Reason::ProviderMerged));
    let mut offers: Vec<_> = offers.filter(|offer| !is_gone(offer)).collect();
    offers.sort_by_cached_key(|offer| {
        let estimate = prices::estimate(snapshot, offer.product, situation.municipality, situation.day);
        // Implementations are in the order of names, and so are their places.
        (estimate.per_year_cents.is_none(), estimate.per_year_cents, offer.product)
    });
    offers.truncate(MOST);
    offers
}
