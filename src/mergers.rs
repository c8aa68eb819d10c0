//! Mergers: providers go into another one on a day, with their products and everything that hangs on them.
//!
//! First somebody asks for the plan ([`crate::merger_plans`]) and looks at it; the merger itself brings the plan's hash and is
//! refused when anything has changed since. All of it is one transaction ([`crate::merger_moves`]) and one version of the
//! catalogue. Who has gone into another stays addressable by its key and id, and its keys of products find them for ever.

use std::sync::Arc;

use ::entity::{provider::Kind, provider_merger, provider_merger_predecessor as predecessor};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter,
    prelude::{Date, DateTimeUtc, Uuid},
};
use serde::Serialize;

use crate::{
    access::Duty,
    catalogue::{At, Merger, Provider, Snapshot},
    clock::day_of,
    desk::Desk,
    error::{Error, Result, check_text},
    joinings::LONGEST_RESOLUTION,
    merger_moves::Moving,
    merger_plans::{self, Plan},
    orders::{Order, busy, check_plan, written},
    phases, providers,
    text::{Text, german_day},
};

/// Most providers that merge at once: all of the Land but one.
pub const MOST_PROVIDERS: usize = 27;
/// How often a merger begins again because the catalogue or the caller's key moved meanwhile.
const ATTEMPTS: usize = 5;

/// A merger that is to be planned or carried out.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Merging {
    /// The provider that goes on.
    pub into: Uuid,
    /// The providers that go into it.
    pub providers: Vec<Uuid>,
    /// The day.
    pub on: Date,
    /// Reference of the resolution (Beschluss).
    pub resolution: String,
    /// Hash of the plan that somebody has looked at.
    pub plan_hash: Option<String>,
    /// Only tell what would happen.
    pub is_rehearsal: bool,
}

/// Who merges, as this catalogue knows them.
#[derive(Clone, Debug)]
pub struct Parties {
    /// Goes on.
    pub into: At<Provider>,
    /// Go into it, by key.
    pub providers: Vec<At<Provider>>,
    /// On this day.
    pub on: Date,
}

/// What became of it.
#[derive(Debug)]
pub struct Merged {
    /// What would happen, or has happened; none when the merger was carried out by an earlier request with the same key.
    pub plan: Option<Plan>,
    /// The merger; none when nothing was written.
    pub merger: Option<Merger>,
    /// Why nothing was written although more than the plan was asked for.
    pub refusal: Option<Error>,
}

/// Plans a merger or carries it out.
pub async fn merge(desk: Arc<Desk>, order: Order<Merging>) -> Result<Merged> {
    let permit = order.check(&desk, Duty::MergeProviders, false).await?;
    let (key, deed) = (order.key(permit.duty())?, &order.deed);
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        let Some(snapshot) = hold(&desk, &*db, deed, now).await? else {
            db.roll_back().await?;
            desk.live.refresh().await;
            continue;
        };
        if !deed.is_rehearsal
            && let Some(known) = key.find(&*db, now).await?
        {
            return Ok(Merged { plan: None, merger: Some(find(&*db, known.entity_id).await?), refusal: None });
        }
        let parties = check(&snapshot, deed, day_of(now))?;
        let plan = merger_plans::draw(&*db, &snapshot, &parties, now).await?;
        if deed.is_rehearsal {
            return Ok(Merged { plan: Some(plan), merger: None, refusal: None });
        }
        if let Err(refusal) = check_hash(deed, &plan) {
            return Ok(Merged { plan: Some(plan), merger: None, refusal: Some(refusal) });
        }
        let merger = merger(&snapshot, &parties, deed);
        let phase = phases::key(phases::current(&snapshot)?);
        if !key.keep(&*db, written(merger.row.id, &permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        let moving = Moving { order: &order, permit: &permit, plan: &plan, merger: &merger, now };
        let changed = moving.carry_out(&*db).await?;
        order.record_all(&desk, &*db, moving.acts()?, &changed, now).await?;
        db.commit().await?;
        desk.live.refresh().await;
        return Ok(Merged { plan: Some(plan), merger: Some(merger), refusal: None });
    }
    Err(busy())
}

/// The catalogue as it stays until the transaction ends; a rehearsal leaves its version as it is.
async fn hold(
    desk: &Desk,
    db: &impl ConnectionTrait,
    deed: &Merging,
    now: DateTimeUtc,
) -> Result<Option<Arc<Snapshot>>> {
    Ok(match deed.is_rehearsal {
        true => desk.live.snapshot_for(db).await?,
        false => desk.live.snapshot_to_change(db, now).await?,
    })
}

async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Merger> {
    let row = provider_merger::Entity::find_by_id(id).one(db).await?;
    let row = row.ok_or_else(|| Error::internal("a recorded merger is gone"))?;
    let of_merger = predecessor::Entity::find().filter(predecessor::Column::MergerId.eq(id));
    let mut predecessors = of_merger.all(db).await?;
    predecessors.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Merger { row, predecessors })
}

/// The row of a merger, and those of who goes into it, with the names of today.
fn merger(snapshot: &Snapshot, parties: &Parties, deed: &Merging) -> Merger {
    let into = &snapshot.providers[parties.into].row;
    let id = Uuid::new_v4();
    let usual = format!("{}-{}", into.key, parties.on);
    let is_free = |key: &String| snapshot.mergers.iter().all(|(_, merger)| merger.row.key != *key);
    let numbered = (2..=snapshot.mergers.len() + 2).map(|number| format!("{usual}-{number}"));
    let key = std::iter::once(usual.clone()).chain(numbered).find(is_free).unwrap_or_else(|| id.to_string());
    let row = provider_merger::Model {
        id,
        key,
        kind: provider_merger::Kind::Merger,
        on_date: Some(parties.on),
        date_text: parties.on.to_string(),
        successor_name: into.name.clone(),
        successor_id: Some(into.id),
        affected: None,
        source: deed.resolution.clone(),
        confidence: "resolved".to_owned(),
    };
    let predecessor = |at: &At<Provider>| {
        let provider = &snapshot.providers[*at].row;
        let (name, provider_id) = (provider.name.clone(), Some(provider.id));
        predecessor::Model { id: Uuid::new_v4(), merger_id: id, name, provider_id }
    };
    let mut predecessors: Vec<_> = parties.providers.iter().map(predecessor).collect();
    predecessors.sort_by(|one, other| one.name.cmp(&other.name));
    Merger { row, predecessors }
}

/// Checks what came with the order, and finds who merges.
fn check(snapshot: &Snapshot, deed: &Merging, today: Date) -> Result<Parties> {
    check_resolution(&deed.resolution)?;
    check_day(deed.on, today)?;
    let count = deed.providers.len();
    if !(1..=MOST_PROVIDERS).contains(&count) {
        return Err(Error::bad_input(
            "providers",
            format!("providers nennt {count} IT-Dienstleister; möglich sind 1 bis {MOST_PROVIDERS}."),
            format!("providers names {count} providers; possible are 1 to {MOST_PROVIDERS}."),
        ));
    }
    let into = check_party(snapshot, "into", deed.into, today)?;
    let mut found = Vec::with_capacity(count);
    for (place, id) in deed.providers.iter().enumerate() {
        let field = format!("providers.{place}");
        let at = check_party(snapshot, &field, *id, today)?;
        check_predecessor(snapshot, &field, at, into, &found)?;
        check_joinings(snapshot, at, deed.on)?;
        found.push(at);
    }
    found.sort_by_key(|at| &snapshot.providers[*at].row.key);
    Ok(Parties { into, providers: found, on: deed.on })
}

fn check_resolution(resolution: &str) -> Result<()> {
    check_text("resolution", resolution, LONGEST_RESOLUTION)?;
    if resolution.trim().is_empty() {
        return Err(Error::bad_input(
            "resolution",
            "resolution ist leer. Bitte den Beschluss nennen, auf dem die Fusion beruht.",
            "resolution is empty. Please name the resolution that the merger rests on.",
        ));
    }
    Ok(())
}

fn check_day(on: Date, today: Date) -> Result<()> {
    let earliest = today.checked_sub_months(chrono::Months::new(12)).unwrap_or(today);
    if on > today {
        return Err(Error::bad_input(
            "on",
            format!(
                "on liegt in der Zukunft. Eine Fusion wird festgehalten, wenn sie gilt: spätestens heute, {}.",
                german_day(today)
            ),
            format!("on lies in the future. A merger is recorded once it holds: today, {today}, at the latest."),
        )
        .next("Die Fusion an ihrem Tag noch einmal senden.", "Send the merger again on its day."));
    }
    if on < earliest {
        return Err(Error::bad_input(
            "on",
            format!("on liegt mehr als ein Jahr zurück. Möglich ist ab {}.", german_day(earliest)),
            format!("on lies more than a year back. Possible is from {earliest}."),
        ));
    }
    Ok(())
}

/// A provider that goes on until today.
fn check_party(snapshot: &Snapshot, field: &str, id: Uuid, today: Date) -> Result<At<Provider>> {
    let found = snapshot.providers.find(id);
    let at = found.ok_or_else(|| Error::not_found(&id.to_string()).with("field", field))?;
    if !providers::has_merged(snapshot, at, today) {
        return Ok(at);
    }
    let (own, acting) = (&snapshot.providers[at].row.key, &snapshot.providers[snapshot.acting_for(at, today)].row.key);
    Err(Error::bad_input(
        field,
        format!("{own} ist schon in einem anderen IT-Dienstleister aufgegangen. Für ihn handelt {acting}."),
        format!("{own} has gone into another provider already. {acting} acts for it."),
    ))
}

/// Whether a provider can go into another one, beside those before it in the list.
fn check_predecessor(
    snapshot: &Snapshot,
    field: &str,
    at: At<Provider>,
    into: At<Provider>,
    before: &[At<Provider>],
) -> Result<()> {
    let row = &snapshot.providers[at].row;
    let key = &row.key;
    let (de, en) = if at == into {
        (format!("{key} kann nicht in sich selbst aufgehen."), format!("{key} can't go into itself."))
    } else if before.contains(&at) {
        (format!("{key} steht zweimal in der Liste."), format!("{key} stands in the list twice."))
    } else if row.kind == Kind::Central {
        (
            format!("{key} ist der Zentraldienstleister; er geht in keinem anderen auf."),
            format!("{key} is the central provider; it goes into no other."),
        )
    } else {
        return Ok(());
    };
    Err(Error::bad_input(field, de, en).next("Diese Zeile weglassen.", "Leave this row out."))
}

/// A level that begins on the day or later would go on beside MERGED.
fn check_joinings(snapshot: &Snapshot, at: At<Provider>, on: Date) -> Result<()> {
    let provider = &snapshot.providers[at];
    let Some(last) = provider.joinings.last().filter(|last| last.valid_from >= on) else { return Ok(()) };
    let (key, since) = (&provider.row.key, last.valid_from);
    Err(Error::bad_input(
        "on",
        format!("{key} hat seit {} einen anderen Stand des Beitritts; on muss danach liegen.", german_day(since)),
        format!("{key} has another level of joining since {since}; on must lie after that."),
    )
    .next(
        "Einen späteren Tag angeben, oder den Stand mit joinProvider berichtigen.",
        "Give a later day, or correct the level with joinProvider.",
    ))
}

/// Whether the plan is the one that somebody has looked at.
fn check_hash(deed: &Merging, plan: &Plan) -> Result<()> {
    let missing = Text::new(
        "planHash fehlt: eine Fusion wird erst geplant und angesehen.",
        "planHash is missing: a merger is planned and looked at first.",
    );
    check_plan(deed.plan_hash.as_deref(), &plan.hash, missing)
}
