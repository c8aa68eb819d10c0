//! Exceptions to the current phase: for one provider or one product another phase rules (S1, "Transformationsroadmap": the
//! transformation goes step by step). They come and go as a change of phase does, see [`crate::phase_changes`].

use ::entity::phase_exception;
use sea_orm::prelude::{Date, Uuid};

use crate::{
    access::Phase,
    catalogue::{At, Product, Snapshot},
    phases,
};

/// The phase that rules something, and the exception by which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// The phase.
    pub phase: Phase,
    /// The exception; none when it is the phase that is current for all.
    pub exception: Option<Uuid>,
}

/// The phase that rules a product on a day: by an exception for it, by one for its provider, or the current one.
pub fn ruling(snapshot: &Snapshot, product: At<Product>, day: Date, current: Phase) -> Ruling {
    match on(snapshot, product, day) {
        Some(exception) => Ruling { phase: phases::from_key(exception.phase), exception: Some(exception.id) },
        None => Ruling { phase: current, exception: None },
    }
}

/// The exceptions that hold on a day, oldest first.
pub fn held(snapshot: &Snapshot, day: Date) -> impl Iterator<Item = &phase_exception::Model> + Clone {
    snapshot
        .phase_exceptions
        .iter()
        .filter(move |exception| exception.from_day <= day && exception.until_day.is_none_or(|until| day <= until))
}

fn on(snapshot: &Snapshot, product: At<Product>, day: Date) -> Option<&phase_exception::Model> {
    let product = &snapshot.products[product];
    let provider = snapshot.providers[product.provider].row.id;
    let of_product = |exception: &&phase_exception::Model| exception.product_id == Some(product.row.id);
    let of_provider = |exception: &&phase_exception::Model| exception.provider_id == Some(provider);
    let mut held = held(snapshot, day);
    // What is said of one product goes before what is said of all of its provider.
    held.clone().find(of_product).or_else(|| held.find(of_provider))
}
