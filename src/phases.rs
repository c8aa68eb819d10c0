//! Transformation phases: which one rules.

use ::entity::phase::Key;

use crate::{
    access::Phase,
    catalogue::Snapshot,
    error::{Code, Error, Result},
};

/// The phase that is current; UNAVAILABLE before reference data is loaded.
pub fn current(snapshot: &Snapshot) -> Result<Phase> {
    let at = snapshot.current_phase().ok_or_else(no_reference_data)?;
    Ok(from_key(snapshot.phases[at].row.key))
}

/// The phase of a natural key.
pub fn from_key(key: Key) -> Phase {
    match key {
        Key::Preparation => Phase::Preparation,
        Key::Foundation => Phase::Foundation,
        Key::Integration => Phase::Integration,
        Key::SteadyState => Phase::SteadyState,
    }
}

/// The natural key of a phase.
pub fn key(phase: Phase) -> Key {
    match phase {
        Phase::Preparation => Key::Preparation,
        Phase::Foundation => Key::Foundation,
        Phase::Integration => Key::Integration,
        Phase::SteadyState => Key::SteadyState,
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
