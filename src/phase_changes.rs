//! From one phase to another: one person of the transformation office proposes, another confirms.
//!
//! Open exit criteria refuse a step forward unless they are overridden with a reason. A proposal holds for the phase in
//! which it was made, for 90 days. An exception for one provider or one product comes and goes in the same way, see
//! [`crate::phase_exceptions`]; it is about no exit criteria, because it is what they are tried with.

use std::sync::Arc;

use ::entity::{
    change::Type,
    phase::{self, Key as PhaseKey, State},
    phase_exception as exception, phase_exit_criterion as criterion, phase_proposal as proposal,
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    prelude::{Date, DateTimeUtc, Uuid},
};
use serde::Serialize;

use crate::{
    access::{Caller, Duty},
    catalogue,
    clock::day_of,
    desk::Desk,
    error::{Code, Error, Result},
    feed::Changed,
    orders::{Act, Order, busy, written},
    phase_exceptions,
};

/// How long a proposal can be confirmed.
const OPEN_FOR: chrono::TimeDelta = chrono::TimeDelta::days(90);
/// How often a change begins again because another with the same key was faster.
const ATTEMPTS: usize = 3;

/// A proposal that is to be made.
#[derive(Clone, Debug, Serialize)]
pub struct Proposing {
    /// The phase to enter.
    pub to: PhaseKey,
    /// Only for products of this provider,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Uuid>,
    /// or only for this product; for all when neither is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<Uuid>,
    /// Of an exception: its last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
    /// Although exit criteria are open.
    pub overrides_open_criteria: bool,
}

impl Proposing {
    fn is_exception(&self) -> bool {
        self.provider.is_some() || self.product.is_some()
    }
}

/// A proposal that is to be confirmed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Confirming {
    /// Which one.
    pub proposal: Uuid,
}

/// Proposes to enter a phase.
pub async fn propose(desk: Arc<Desk>, order: Order<Proposing>) -> Result<proposal::Model> {
    let permit = order.check(&desk, Duty::ProposePhaseChange, false).await?;
    let key = order.key(permit.duty())?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        if let Some(written) = key.find(&*db, now).await? {
            return find(&*db, written.entity_id).await;
        }
        let phases = phases(&*db).await?;
        let current = current(&phases)?;
        match order.deed.is_exception() {
            true => phase_exceptions::check(&*db, current.key, &order.deed, day_of(now)).await?,
            false => check_step(&*db, current, &phases, &order.deed).await?,
        }
        let row = proposal::Model {
            id: Uuid::new_v4(),
            from_phase: current.key,
            to_phase: order.deed.to,
            provider_id: order.deed.provider,
            product_id: order.deed.product,
            until_day: order.deed.until,
            overrides_open_criteria: order.deed.overrides_open_criteria,
            proposed_by_issuer: order.caller.issuer.clone(),
            proposed_by_subject: order.caller.subject.clone(),
            proposed_at: now,
            expires_at: now + OPEN_FOR,
            confirmed_at: None,
        };
        row.clone().into_active_model().insert(&*db).await?;
        if !key.keep(&*db, written(row.id, &permit, current.key), now).await? {
            db.roll_back().await?;
            continue;
        }
        let act = Act {
            permit: &permit,
            entity: ("PhaseChangeProposal", row.id),
            before: None,
            after: Some(serde_json::to_value(&row).map_err(Error::internal)?),
        };
        order.record(&desk, &*db, act, &[], now).await?;
        db.commit().await?;
        return Ok(row);
    }
    Err(busy())
}

/// What a confirmation leaves.
#[derive(Debug)]
pub struct Confirmed {
    /// The phase that is current then.
    pub phase: phase::Model,
    /// The exception that holds since then, or that has ended.
    pub exception: Option<exception::Model>,
}

/// Confirms a proposal: the phase changes at once, or the exception begins or ends.
pub async fn confirm(desk: Arc<Desk>, order: Order<Confirming>) -> Result<Confirmed> {
    let permit = order.check(&desk, Duty::ConfirmPhaseChange, false).await?;
    let key = order.key(permit.duty())?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        // First the catalogue's version, as every write: whoever decides by the phase waits for this.
        catalogue::raise_version(&*db, now).await?;
        let phases = phases(&*db).await?;
        let current = current(&phases)?;
        if let Some(written) = key.find(&*db, now).await? {
            let exception = exception::Entity::find_by_id(written.entity_id).one(&*db).await?;
            let entered = phases.iter().find(|phase| phase.id == written.entity_id).unwrap_or(current);
            return Ok(Confirmed { phase: entered.clone(), exception });
        }
        let row = find(&*db, order.deed.proposal).await?;
        if let Err(error) = check_confirmation(&row, &order.caller, current.key, now) {
            db.roll_back().await?;
            if error.code == Code::Forbidden {
                order.refuse(&desk, permit.duty(), "two-people").await?;
            }
            return Err(error);
        }
        let confirmed = proposal::ActiveModel { id: Set(row.id), confirmed_at: Set(Some(now)), ..Default::default() };
        confirmed.update(&*db).await?;
        let Effect { entity, before, after, changed, confirmed } =
            match row.provider_id.is_some() || row.product_id.is_some() {
                true => except(&*db, current, &row, now).await?,
                false => change(&*db, current, &phases, &row, now).await?,
            };
        if !key.keep(&*db, written(entity.1, &permit, current.key), now).await? {
            db.roll_back().await?;
            continue;
        }
        let act = Act { permit: &permit, entity, before, after };
        order.record(&desk, &*db, act, &changed, now).await?;
        db.commit().await?;
        desk.live.refresh().await;
        return Ok(confirmed);
    }
    Err(busy())
}

/// What a confirmation did, with what is recorded of it.
struct Effect {
    entity: (&'static str, Uuid),
    before: Option<serde_json::Value>,
    after: Option<serde_json::Value>,
    changed: Vec<Changed>,
    confirmed: Confirmed,
}

/// Another phase becomes the current one.
async fn change(
    db: &impl ConnectionTrait,
    current: &phase::Model,
    phases: &[phase::Model],
    row: &proposal::Model,
    now: DateTimeUtc,
) -> Result<Effect> {
    let entered = enter(db, current, phases, row.to_phase, now).await?;
    let changed = [current.id, entered.id].map(|id| Changed { kind: Type::Phase, id, version: None });
    Ok(Effect {
        entity: ("TransformationPhase", entered.id),
        before: Some(serde_json::json!({ "phase": current.key })),
        after: Some(serde_json::json!({ "phase": entered.key, "proposal": row })),
        changed: changed.into(),
        confirmed: Confirmed { phase: entered, exception: None },
    })
}

/// An exception begins or ends in the place of the one before.
async fn except(
    db: &impl ConnectionTrait,
    current: &phase::Model,
    row: &proposal::Model,
    now: DateTimeUtc,
) -> Result<Effect> {
    let (before, after) = phase_exceptions::replace(db, current.key, row, now).await?;
    let json = |row: &exception::Model| serde_json::to_value(row).map_err(Error::internal);
    let ids = before.iter().map(|before| before.id).chain([after.id]).collect::<std::collections::BTreeSet<_>>();
    Ok(Effect {
        entity: ("PhaseException", after.id),
        before: before.as_ref().map(json).transpose()?,
        after: Some(json(&after)?),
        changed: ids.into_iter().map(|id| Changed { kind: Type::PhaseException, id, version: None }).collect(),
        confirmed: Confirmed { phase: current.clone(), exception: Some(after) },
    })
}

/// Proposals that can still be confirmed, oldest first.
pub async fn open(db: &impl ConnectionTrait, now: DateTimeUtc) -> Result<Vec<proposal::Model>> {
    let phases = phase::Entity::find().order_by_asc(phase::Column::Ordinal).all(db).await?;
    let open = proposal::Entity::find()
        .filter(proposal::Column::ConfirmedAt.is_null())
        .filter(proposal::Column::ExpiresAt.gt(now))
        .filter(proposal::Column::FromPhase.eq(current(&phases)?.key))
        .order_by_asc(proposal::Column::ProposedAt);
    Ok(open.all(db).await?)
}

/// Whether a phase can be entered from the current one.
async fn check_step(
    db: &impl ConnectionTrait,
    current: &phase::Model,
    phases: &[phase::Model],
    deed: &Proposing,
) -> Result<()> {
    if deed.until.is_some() {
        return Err(Error::bad_input(
            "until",
            "until gehört zu einer Ausnahme mit scope. Bitte weglassen oder scope angeben.",
            "until goes with an exception that has a scope. Please leave it out, or give a scope.",
        ));
    }
    if deed.to == current.key {
        return Err(Error::bad_input(
            "to",
            "Diese Phase gilt schon. Bitte eine andere angeben.",
            "This phase is current already. Please give another one.",
        ));
    }
    let wanted = phases.iter().find(|phase| phase.key == deed.to).map_or(0, |phase| phase.ordinal);
    let open = criterion::Entity::find()
        .filter(criterion::Column::PhaseId.eq(current.id))
        .filter(criterion::Column::Met.eq(false))
        .order_by_asc(criterion::Column::Ordinal)
        .all(db)
        .await?;
    if open.is_empty() || deed.overrides_open_criteria || wanted < current.ordinal {
        return Ok(());
    }
    let open: Vec<String> = open.into_iter().map(|criterion| criterion.text).collect();
    let open = open.join("; ");
    Err(Error::bad_input(
        "overrideOpenCriteria",
        format!("Austrittskriterien sind offen: {open}."),
        format!("Exit criteria are open: {open}."),
    )
    .next(
        "Kriterien erfüllen, oder mit overrideOpenCriteria und Begründung darüber hinweggehen.",
        "Meet the criteria, or override them with overrideOpenCriteria and a reason.",
    ))
}

fn check_confirmation(row: &proposal::Model, caller: &Caller, current: PhaseKey, now: DateTimeUtc) -> Result<()> {
    if caller.is_person(&row.proposed_by_issuer, &row.proposed_by_subject) {
        return Err(Error::new(
            Code::Forbidden,
            "Wer den Phasenwechsel vorgeschlagen hat, kann ihn nicht bestätigen.",
            "Whoever proposed the change of phase can't confirm it.",
        )
        .with("rule", "two-people")
        .next(
            "Eine andere Person des Transformationsbüros kann es.",
            "Another person of the transformation office can.",
        ));
    }
    if row.confirmed_at.is_some() {
        return Err(Error::new(
            Code::Conflict,
            "Der Vorschlag ist schon bestätigt.",
            "The proposal is confirmed already.",
        )
        .with("field", "proposal")
        .next("Nichts mehr zu tun.", "Nothing is left to do."));
    }
    if row.from_phase != current {
        return Err(Error::new(
            Code::Conflict,
            "Die Phase hat inzwischen gewechselt; dieser Vorschlag gilt nicht mehr.",
            "The phase has changed meanwhile; this proposal does not hold any more.",
        )
        .with("field", "proposal")
        .next("Bei Bedarf neu vorschlagen.", "Propose again if needed."));
    }
    if row.expires_at <= now || row.until_day.is_some_and(|until| until < day_of(now)) {
        return Err(Error::new(Code::Expired, "Der Vorschlag ist verfallen.", "The proposal has expired.")
            .with("field", "proposal")
            .next("Neu vorschlagen.", "Propose again."));
    }
    Ok(())
}

async fn enter(
    db: &impl ConnectionTrait,
    current: &phase::Model,
    phases: &[phase::Model],
    to: PhaseKey,
    now: DateTimeUtc,
) -> Result<phase::Model> {
    let entered = phases.iter().find(|phase| phase.key == to).ok_or_else(|| Error::internal("a phase is missing"))?;
    let today = day_of(now);
    let state = if entered.ordinal > current.ordinal { State::Done } else { State::Upcoming };
    // First the old phase ends: two current ones are refused by the database.
    let ended = phase::ActiveModel {
        id: Set(current.id),
        state: Set(state),
        ended_at: Set((state == State::Done).then_some(today)),
        ..Default::default()
    };
    ended.update(db).await?;
    let begun = phase::ActiveModel {
        id: Set(entered.id),
        state: Set(State::Current),
        started_at: Set(Some(today)),
        ended_at: Set(None),
        ..Default::default()
    };
    Ok(begun.update(db).await?)
}

async fn phases(db: &impl ConnectionTrait) -> Result<Vec<phase::Model>> {
    Ok(phase::Entity::find().order_by_asc(phase::Column::Ordinal).lock_exclusive().all(db).await?)
}

fn current(phases: &[phase::Model]) -> Result<&phase::Model> {
    phases.iter().find(|phase| phase.state == State::Current).ok_or_else(crate::phases::no_reference_data)
}

async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<proposal::Model> {
    let found = proposal::Entity::find_by_id(id).one(db).await?;
    found.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            "Einen Vorschlag mit dieser Kennung gibt es nicht.",
            "There is no proposal with this id.",
        )
        .with("field", "proposal")
    })
}
