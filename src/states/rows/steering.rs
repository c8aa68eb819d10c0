//! Rows of what steers: phases with their exit criteria, exceptions to them, freezes.

use std::collections::HashMap;

use ::entity::{freeze, phase, phase_exception, phase_exit_criterion};
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, prelude::Uuid};
use serde_json::{Value, json};

use super::{by, moment, of};
use crate::ids::global_id;

/// Exit criteria of phases, by phase.
pub(super) async fn criteria(
    db: &impl ConnectionTrait,
    phases: &[Uuid],
) -> Result<HashMap<Uuid, Vec<phase_exit_criterion::Model>>, DbErr> {
    use phase_exit_criterion::{Column, Entity};
    let rows = Entity::find().filter(Column::PhaseId.is_in(phases.iter().copied())).all(db).await?;
    Ok(by(rows, |row| row.phase_id))
}

pub(super) fn of_phase(row: &phase::Model, criteria: &[phase_exit_criterion::Model]) -> Value {
    let mut criteria: Vec<_> = criteria.iter().collect();
    criteria.sort_by_key(|criterion| (criterion.ordinal, criterion.id));
    let criterion = |row: &phase_exit_criterion::Model| json!({ "text": row.text, "met": row.met, "metAt": row.met_at, "source": row.source });
    json!({
        "id": global_id("TransformationPhase", row.id),
        "key": row.key,
        "ordinal": row.ordinal,
        "name": row.name,
        "theme": row.theme,
        "state": row.state,
        "plannedStart": row.planned_start,
        "startedAt": row.started_at,
        "endedAt": row.ended_at,
        "exitCriteria": criteria.into_iter().map(criterion).collect::<Vec<_>>(),
        "source": row.source,
    })
}

pub(super) fn of_exception(row: &phase_exception::Model) -> Value {
    json!({
        "id": global_id("PhaseException", row.id),
        "phase": row.phase,
        "product": of("Product", row.product_id),
        "provider": of("Provider", row.provider_id),
        "from": row.from_day,
        "until": row.until_day,
        "createdAt": moment(row.created_at),
        "endedAt": row.ended_at.map(moment),
    })
}

pub(super) fn of_freeze(row: &freeze::Model) -> Value {
    json!({
        "id": global_id("Freeze", row.id),
        "product": of("Product", row.product_id),
        "provider": of("Provider", row.provider_id),
        "message": row.message,
        "from": row.from_day,
        "until": row.until_day,
        "createdAt": moment(row.created_at),
        "liftedAt": row.lifted_at.map(moment),
    })
}
