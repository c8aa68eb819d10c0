//! Starting an export, and giving one up.

use std::sync::Arc;

use ::entity::{
    change::{self, Type},
    export::{self, Column, Format, State},
};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    prelude::{Date, DateTimeUtc, Uuid},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Filter, Row, Writer, find, own, stored};
use crate::{
    access::{Caller, Duty, DutyPermit},
    clock::{beginning_of, day_of},
    desk::Desk,
    error::{Code, Error, Result},
    idempotency::Key,
    orders::{Act, Order, busy, written},
    phases,
    states::{self, View},
    subscriptions::scope::Scope,
    text::german_day,
};

/// How often a change begins again because another with the same key was faster.
const ATTEMPTS: usize = 3;

/// What is to be exported.
#[derive(Clone, Debug, Serialize)]
pub struct Starting {
    /// What kind of thing.
    pub kind: Type,
    /// How it is written.
    pub format: Format,
    /// Which of them.
    pub filter: Filter,
    /// As it stood at the end of this day; none for now.
    pub as_of: Option<Date>,
}

/// Which export is not wanted any more.
#[derive(Clone, Debug, Serialize)]
pub struct Cancelling {
    /// Its id.
    pub export: Uuid,
}

/// Starts an export; it is written beside other work.
pub async fn start(desk: Arc<Desk>, order: Order<Starting>) -> Result<Row> {
    let permit = order.check(&desk, Duty::StartExport, false).await?;
    let key = order.key(permit.duty())?;
    let deed = &order.deed;
    deed.filter.check(deed.kind)?;
    let scope = Scope::of(Some(&order.caller), &desk.live.snapshot());
    let head = desk.feed.look().await?;
    let at = position(desk.database.connection(), head, deed.as_of, desk.clock.now()).await?;
    check_size(&desk, deed, &scope, at).await?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        if let Some(row) = known(&*db, &key, &order.caller, now).await? {
            return Ok(row);
        }
        check_number(&*db, &order.caller, &desk.exports).await?;
        let row = new(&order, &scope, at, now)?;
        row.clone().into_active_model().insert(&*db).await?;
        if !key.keep(&*db, written(row.id, &permit, phases::key(phases::current(&desk.live.snapshot())?)), now).await? {
            db.roll_back().await?;
            continue;
        }
        record(&desk, &*db, &order, &permit, (None, &row), now).await?;
        db.commit().await?;
        desk.exports.wake.notify_one();
        return Ok(row);
    }
    Err(busy())
}

/// Gives an export up: nothing more is written, and what was is removed.
pub async fn cancel(desk: Arc<Desk>, order: Order<Cancelling>) -> Result<Row> {
    let permit = order.check(&desk, Duty::CancelExport, false).await?;
    let key = order.key(permit.duty())?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        let found = export::Entity::find_by_id(order.deed.export).filter(own(&order.caller)).lock_exclusive();
        let row = found.one(&*db).await?.ok_or_else(not_found)?;
        if key.find(&*db, now).await?.is_some() || row.state == State::Cancelled {
            return Ok(row);
        }
        if matches!(row.state, State::Failed | State::Expired) {
            return Err(nothing_to_cancel(&row));
        }
        stored::remove_parts(&*db, row.id).await?;
        let next = export::ActiveModel {
            state: Set(State::Cancelled),
            finished_at: Set(row.finished_at.or(Some(now))),
            lease: Set(None),
            leased_until: Set(None),
            ..row.clone().into_active_model()
        };
        let next = next.update(&*db).await?;
        if !key.keep(&*db, written(row.id, &permit, phases::key(phases::current(&desk.live.snapshot())?)), now).await? {
            db.roll_back().await?;
            continue;
        }
        record(&desk, &*db, &order, &permit, (Some(&row), &next), now).await?;
        db.commit().await?;
        return Ok(next);
    }
    Err(busy())
}

/// The entry of the feed as of which things are exported: the last one of a day, or the last one of all (`head`).
pub async fn position(db: &impl ConnectionTrait, head: i64, as_of: Option<Date>, now: DateTimeUtc) -> Result<i64> {
    let today = day_of(now);
    let Some(day) = as_of.filter(|day| *day != today) else { return Ok(head) };
    let end = day.succ_opt().and_then(beginning_of).filter(|_| day < today).ok_or_else(|| in_future(day, today))?;
    let last = change::Entity::find().select_only().column(change::Column::Sequence).filter(change::Column::At.lt(end));
    let last: Option<i64> = last.order_by_desc(change::Column::Sequence).into_tuple().one(db).await?;
    let last = last.ok_or_else(|| not_kept(day))?;
    let known = states::check_known(db, last).await;
    known.map(|()| last).map_err(|error| if error.code == Code::CursorExpired { not_kept(day) } else { error })
}

/// Without a filter everything is in it, so its size is known before; with one it is seen while it is written.
async fn check_size(desk: &Desk, deed: &Starting, scope: &Scope, at: i64) -> Result<()> {
    if !deed.filter.is_empty() {
        return Ok(());
    }
    let view = View { kind: deed.kind, scope: scope.clone(), at };
    let (rows, most) = (states::count(desk.database.connection(), &view).await?, desk.exports.most_rows);
    if rows <= most { Ok(()) } else { Err(too_many_rows(rows, most)) }
}

async fn check_number(db: &impl ConnectionTrait, caller: &Caller, writer: &Writer) -> Result<()> {
    let alive = [State::Waiting, State::Running, State::Done];
    let count = export::Entity::find().filter(own(caller)).filter(Column::State.is_in(alive)).count(db).await?;
    if count < writer.most_of_account { Ok(()) } else { Err(too_many(count, writer.most_of_account)) }
}

/// What was started under a key before.
async fn known(db: &impl ConnectionTrait, key: &Key, caller: &Caller, now: DateTimeUtc) -> Result<Option<Row>> {
    let Some(known) = key.find(db, now).await? else { return Ok(None) };
    find(db, caller, known.entity_id).await?.ok_or_else(not_found).map(Some)
}

fn new(order: &Order<Starting>, scope: &Scope, at: i64, now: DateTimeUtc) -> Result<Row> {
    let Order { caller, deed, .. } = order;
    Ok(Row {
        id: Uuid::new_v4(),
        issuer: caller.issuer.clone(),
        subject: caller.subject.clone(),
        kind: deed.kind,
        format: deed.format,
        filter: serde_json::to_string(&deed.filter).map_err(Error::internal)?,
        scope: serde_json::to_string(scope).map_err(Error::internal)?,
        as_of: deed.as_of,
        position: at,
        state: State::Waiting,
        failure: None,
        attempts: 0,
        total: None,
        seen: 0,
        rows: 0,
        bytes: 0,
        sha256: None,
        rows_sha256: None,
        lease: None,
        leased_until: None,
        created_at: now,
        finished_at: None,
        expires_at: None,
    })
}

async fn record<D: Serialize>(
    desk: &Desk,
    db: &impl ConnectionTrait,
    order: &Order<D>,
    permit: &DutyPermit,
    (before, after): (Option<&Row>, &Row),
    now: DateTimeUtc,
) -> Result<()> {
    let told = |row: &Row| -> Value {
        json!({
            "type": row.kind,
            "format": row.format,
            "filter": serde_json::from_str::<Value>(&row.filter).unwrap_or_default(),
            "asOf": row.as_of,
            "position": row.position,
            "state": row.state,
        })
    };
    let act = Act { permit, entity: ("Export", after.id), before: before.map(told), after: Some(told(after)) };
    order.record(desk, db, act, &[], now).await
}

fn not_found() -> Error {
    Error::new(
        Code::NotFound,
        "Einen Export mit dieser Kennung hat dieses Konto nicht.",
        "This account has no export with this id.",
    )
    .with("field", "export")
    .next("Die eigenen mit exports ansehen.", "Look at its own with exports.")
}

fn nothing_to_cancel(row: &Row) -> Error {
    let (de, en) = match row.state {
        State::Failed => ("Der Export ist fehlgeschlagen", "The export has failed"),
        _ => ("Der Export ist abgelaufen", "The export has expired"),
    };
    Error::new(
        Code::IllegalStep,
        format!("{de}; abzubrechen ist nichts mehr."),
        format!("{en}; there is nothing left to cancel."),
    )
    .with("field", "export")
    .next("Mit startExport einen neuen beginnen.", "Begin a new one with startExport.")
}

fn in_future(day: Date, today: Date) -> Error {
    Error::bad_input(
        "asOf",
        format!(
            "asOf ist {}; exportiert werden kann der Stand vergangener Tage und der von heute ({}).",
            german_day(day),
            german_day(today)
        ),
        format!("asOf is {day}; what can be exported is how it stood on past days, and how it stands today ({today})."),
    )
}

fn not_kept(day: Date) -> Error {
    Error::new(
        Code::CursorExpired,
        format!(
            "Wie der Bestand am Ende des {} aussah, ist nicht aufbewahrt. Bitte einen späteren Tag wählen.",
            german_day(day)
        ),
        format!("How everything stood at the end of {day} is not kept. Please choose a later day."),
    )
    .with("field", "asOf")
}

fn too_many_rows(rows: u64, most: u64) -> Error {
    Error::new(
        Code::LimitExceeded,
        format!("Der Export hätte {rows} Zeilen; möglich sind {most}."),
        format!("The export would have {rows} rows; possible are {most}."),
    )
    .with("limit", most)
    .with("actual", rows)
    .next(
        "Mit filter aufteilen, zum Beispiel nach Kreisen, oder den Betrieb um einen höheren Wert von exports.rows bitten.",
        "Split it with filter, by Kreis for example, or ask the operators for a higher exports.rows.",
    )
}

fn too_many(count: u64, most: u64) -> Error {
    Error::new(
        Code::Conflict,
        format!("Dieses Konto hat {count} Exporte in Arbeit oder aufbewahrt; möglich sind {most}."),
        format!("This account has {count} exports in work or kept; possible are {most}."),
    )
    .next(
        "Einen, der nicht mehr gebraucht wird, mit cancelExport freigeben, oder warten, bis einer abläuft.",
        "Release one that is not needed any more with cancelExport, or wait until one expires.",
    )
}
