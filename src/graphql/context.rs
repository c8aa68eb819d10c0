//! What every resolver reads: one snapshot, one day, one language for the whole request.

use std::sync::Arc;

use async_graphql::Context;
use chrono::NaiveDate;

use crate::{
    access::Phase,
    catalogue::Snapshot,
    error::{Code, Error, Result},
    text::Language,
};

/// The ground of one request.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The catalogue, one version of it.
    pub snapshot: Arc<Snapshot>,
    /// The calendar day in Europe/Berlin.
    pub today: NaiveDate,
    /// The language of messages.
    pub language: Language,
}

/// The ground of this request.
// INVARIANT: the HTTP handler puts a `Reading` into every request.
pub fn reading<'c>(context: &Context<'c>) -> &'c Reading {
    context.data_unchecked::<Reading>()
}

/// The catalogue that this request reads.
pub fn snapshot<'c>(context: &Context<'c>) -> &'c Snapshot {
    &reading(context).snapshot
}

impl Reading {
    /// The phase that is current today.
    pub fn phase(&self) -> Result<Phase> {
        use ::entity::phase::Key;
        let at = self.snapshot.current_phase().ok_or_else(no_reference_data)?;
        Ok(match self.snapshot.phases[at].row.key {
            Key::Preparation => Phase::Preparation,
            Key::Foundation => Phase::Foundation,
            Key::Integration => Phase::Integration,
            Key::SteadyState => Phase::SteadyState,
        })
    }
}

/// The database was never filled.
pub fn no_reference_data() -> Error {
    Error::new(
        Code::Unavailable,
        "Der Katalog ist noch leer. Der Betrieb lädt die Stammdaten mit `itkatalog seed`.",
        "The catalogue is still empty. Operators load the reference data with `itkatalog seed`.",
    )
}
