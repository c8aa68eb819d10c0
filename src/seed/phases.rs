//! The four phases with their exit criteria, and the assumptions of price estimates.

use ::entity::{
    estimate_assumption::{self, AppliesTo},
    phase::{self, Key, State},
    phase_exit_criterion,
    price::Unit,
};
use sea_orm::{DbErr, prelude::Uuid};
use serde::Deserialize;

use super::{Writer, id_of, read};

#[derive(Deserialize)]
struct PhaseRow {
    key: Key,
    ordinal: i32,
    name: String,
    theme: String,
    source: String,
}

#[derive(Deserialize)]
struct Criterion {
    phase: Key,
    ordinal: i32,
    text: String,
    source: String,
}

#[derive(Deserialize)]
struct Assumption {
    unit: Unit,
    applies_to: AppliesTo,
    per_100000_inhabitants: i64,
    text_de: String,
    text_en: String,
    source: String,
}

pub(super) async fn load(writer: &mut Writer<'_>) -> Result<(), DbErr> {
    let phases: Vec<PhaseRow> = read("phases.csv", include_str!("../../data/phases.csv"))?;
    let phases = phases.into_iter().map(|row| phase::Model {
        id: phase_id(row.key),
        key: row.key,
        ordinal: row.ordinal,
        name: row.name,
        theme: row.theme,
        state: if row.key == Key::Preparation { State::Current } else { State::Upcoming },
        planned_start: None,
        started_at: None,
        ended_at: None,
        source: row.source,
    });
    writer.insert::<phase::Entity>("phases", phases.collect()).await?;
    let criteria: Vec<Criterion> = read("phase_exit_criteria.csv", include_str!("../../data/phase_exit_criteria.csv"))?;
    let criteria = criteria.into_iter().map(|row| phase_exit_criterion::Model {
        id: criterion_id(row.phase, row.ordinal),
        phase_id: phase_id(row.phase),
        ordinal: row.ordinal,
        text: row.text,
        met: false,
        met_at: None,
        source: row.source,
    });
    writer.insert::<phase_exit_criterion::Entity>("phase_exit_criteria", criteria.collect()).await?;
    let assumptions: Vec<Assumption> =
        read("estimate_assumptions.csv", include_str!("../../data/estimate_assumptions.csv"))?;
    let assumptions = assumptions.into_iter().map(|row| estimate_assumption::Model {
        id: id_of("assumption", &format!("{:?}:{:?}", row.unit, row.applies_to)),
        unit: row.unit,
        applies_to: row.applies_to,
        per_100000_inhabitants: row.per_100000_inhabitants,
        text_de: row.text_de,
        text_en: row.text_en,
        source: row.source,
    });
    writer.insert::<estimate_assumption::Entity>("estimate_assumptions", assumptions.collect()).await
}

/// The id of a phase.
pub(super) fn phase_id(key: Key) -> Uuid {
    id_of("phase", &format!("{key:?}"))
}

/// The id of an exit criterion by its phase and place.
pub(super) fn criterion_id(phase: Key, ordinal: i32) -> Uuid {
    id_of("criterion", &format!("{phase:?}:{ordinal}"))
}
