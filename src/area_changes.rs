//! Subscriptions follow an area change: what a municipality had goes over to the one that it has gone into, by an act of its own.
//!
//! First somebody asks for the plan and looks at it; the act itself brings the plan's hash and is refused when anything has
//! changed since. All of it is one transaction. Who had a subscription before stays told in its history; what was over by then
//! stays with the municipality that had it.

use std::sync::Arc;

use ::entity::{
    change::Type,
    product_subscription::{self, Column, State},
    subscription_history::{self, Action},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    prelude::{Date, DateTimeUtc, Uuid},
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    access::{Duty, DutyPermit},
    catalogue::Snapshot,
    clock::day_of,
    desk::Desk,
    error::{Error, Result},
    feed::Changed,
    orders::{Act, Order, busy, check_plan, written},
    phases,
    subscriptions::{Row, state_at},
    text::{Text, german_day},
};

/// Rows in one statement: both databases take that many values.
const ROWS_IN_STATEMENT: usize = 1_000;
/// How often it begins again because the catalogue or the caller's key moved meanwhile.
const ATTEMPTS: usize = 5;

/// Subscriptions that are to follow an area change.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Following {
    /// The municipality that has gone into another one.
    pub municipality: Uuid,
    /// Hash of the plan that somebody has looked at.
    pub plan_hash: Option<String>,
    /// Only tell what would happen.
    pub is_rehearsal: bool,
}

/// What goes over.
#[derive(Clone, Debug)]
pub struct Plan {
    /// SHA-256 over all of it, in hexadecimal.
    pub hash: String,
    /// The municipality that has gone into another one.
    pub municipality: Uuid,
    /// The one that goes on.
    pub successor: Uuid,
    /// Since this day.
    pub on: Date,
    /// The subscriptions, oldest first.
    pub moves: Vec<Move>,
}

/// A subscription that goes over.
#[derive(Clone, Debug)]
pub struct Move {
    /// The subscription.
    pub row: Row,
    /// Subscriptions of the successor to the same product. All are kept; somebody has to decide.
    pub collides_with: Vec<Row>,
}

/// What became of it.
#[derive(Debug)]
pub struct Followed {
    /// What would go over, or has gone over.
    pub plan: Plan,
    /// Whether it has.
    pub is_written: bool,
    /// Why nothing was written although more than the plan was asked for.
    pub refusal: Option<Error>,
}

/// Plans what goes over, or lets it go.
pub async fn follow(desk: Arc<Desk>, order: Order<Following>) -> Result<Followed> {
    let permit = order.check(&desk, Duty::FollowAreaChange, false).await?;
    let (key, deed) = (order.key(permit.duty())?, &order.deed);
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        let held = match deed.is_rehearsal {
            true => desk.live.snapshot_for(&*db).await?,
            // Nobody decides on a subscription meanwhile.
            false => desk.live.snapshot_to_change(&*db, now).await?,
        };
        let Some(snapshot) = held else {
            db.roll_back().await?;
            desk.live.refresh().await;
            continue;
        };
        let is_repeated = !deed.is_rehearsal && key.find(&*db, now).await?.is_some();
        let mut plan = draw(&*db, &snapshot, deed, now).await?;
        let refusal = if deed.is_rehearsal || is_repeated { None } else { check_hash(deed, &plan).err() };
        if deed.is_rehearsal || is_repeated || refusal.is_some() || plan.moves.is_empty() {
            db.roll_back().await?;
            let is_written = !deed.is_rehearsal && refusal.is_none();
            return Ok(Followed { plan, is_written, refusal });
        }
        let phase = phases::key(phases::current(&snapshot)?);
        if !key.keep(&*db, written(plan.municipality, &permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        carry_out(&desk, &*db, &order, &permit, &mut plan, now).await?;
        db.commit().await?;
        desk.live.refresh().await;
        return Ok(Followed { plan, is_written: true, refusal: None });
    }
    Err(busy())
}

/// Draws up what goes over; of a real run it stays as it is until the transaction ends.
async fn draw(db: &impl ConnectionTrait, snapshot: &Snapshot, deed: &Following, now: DateTimeUtc) -> Result<Plan> {
    let (successor, on) = parties(snapshot, deed.municipality, day_of(now))?;
    let goes_on =
        |row: &Row| !matches!(state_at(row, now), State::Ended | State::Rejected | State::Withdrawn | State::Expired);
    let of = |id: Uuid| product_subscription::Entity::find().filter(Column::MunicipalityId.eq(id));
    let mut own = of(deed.municipality).order_by_asc(Column::CreatedAt).order_by_asc(Column::Id);
    if !deed.is_rehearsal {
        // What ends or expires by itself is written down without looking at the catalogue.
        own = own.lock_exclusive();
    }
    let mut own = own.all(db).await?;
    let mut others = of(successor).order_by_asc(Column::Id).all(db).await?;
    own.retain(goes_on);
    others.retain(goes_on);
    let moves = own.into_iter().map(|row| {
        let same = others.iter().filter(|other| other.product_id == row.product_id);
        Move { collides_with: same.cloned().collect(), row }
    });
    let mut plan = Plan { hash: String::new(), municipality: deed.municipality, successor, on, moves: moves.collect() };
    let all = plan.moves.iter().flat_map(|row| std::iter::once(&row.row).chain(&row.collides_with));
    let all: Vec<(Uuid, Option<Uuid>, i64)> = all.map(|row| (row.id, row.municipality_id, row.version)).collect();
    let canonical = serde_json::to_vec(&(plan.municipality, plan.successor, plan.on, all)).map_err(Error::internal)?;
    plan.hash = base16ct::lower::encode_string(&Sha256::digest(canonical));
    Ok(plan)
}

/// Who goes on for a municipality, and since when it is gone.
fn parties(snapshot: &Snapshot, municipality: Uuid, today: Date) -> Result<(Uuid, Date)> {
    let at = snapshot.municipalities.find(municipality);
    let at = at.ok_or_else(|| Error::not_found("municipality").with("field", "municipality"))?;
    let row = &snapshot.municipalities[at].row;
    let ags = &row.ags;
    match row.dissolved_on {
        Some(on) if on <= today => {
            let successor = snapshot.standing_for(at, today);
            Ok((snapshot.municipalities[successor].row.id, on))
        }
        Some(on) => Err(Error::bad_input(
            "municipality",
            format!("{ags} geht erst am {} in einer anderen Kommune auf.", german_day(on)),
            format!("{ags} goes into another municipality on {on} only."),
        )
        .next("An diesem Tag noch einmal senden.", "Send it again on that day.")),
        None => Err(Error::bad_input(
            "municipality",
            format!("{ags} ist in keiner anderen Kommune aufgegangen."),
            format!("{ags} has not gone into another municipality."),
        )
        .next(
            "Die Gebietsänderung zuerst mit importMunicipalities festhalten.",
            "First record the area change with importMunicipalities.",
        )),
    }
}

/// Whether the plan is the one that somebody has looked at.
fn check_hash(deed: &Following, plan: &Plan) -> Result<()> {
    let missing = Text::new(
        "planHash fehlt: was übergeht, wird erst geplant und angesehen.",
        "planHash is missing: what goes over is planned and looked at first.",
    );
    check_plan(deed.plan_hash.as_deref(), &plan.hash, missing)
}

/// Lets everything of a plan go over, with its records; the caller commits.
async fn carry_out(
    desk: &Desk,
    db: &impl ConnectionTrait,
    order: &Order<Following>,
    permit: &DutyPermit,
    plan: &mut Plan,
    now: DateTimeUtc,
) -> Result<()> {
    let ids: Vec<Uuid> = plan.moves.iter().map(|row| row.row.id).collect();
    write_history(db, order, plan, now).await?;
    for ids in ids.chunks(ROWS_IN_STATEMENT) {
        product_subscription::Entity::update_many()
            .col_expr(Column::MunicipalityId, Expr::value(plan.successor))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .col_expr(Column::UpdatedAt, Expr::value(now))
            .filter(Column::Id.is_in(ids.iter().copied()))
            .exec(db)
            .await?;
    }
    let told = |row: &Row| -> Result<Value> { serde_json::to_value(row).map_err(Error::internal) };
    let (mut acts, mut changed) = (Vec::new(), Vec::new());
    for Move { row, .. } in &mut plan.moves {
        let before = told(row)?;
        row.municipality_id = Some(plan.successor);
        row.version += 1;
        row.updated_at = now;
        let entity = ("ProductSubscription", row.id);
        acts.push(Act { permit, entity, before: Some(before), after: Some(told(row)?) });
        changed.push(Changed { kind: Type::ProductSubscription, id: row.id, version: Some(row.version) });
    }
    order.record_all(desk, db, acts, &changed, now).await
}

async fn write_history(
    db: &impl ConnectionTrait,
    order: &Order<Following>,
    plan: &Plan,
    now: DateTimeUtc,
) -> Result<()> {
    let reason = order.reason.as_ref().ok_or_else(|| Error::internal("an area change without a reason"))?;
    let role = order.caller.roles.first().map(|role| <&str>::from(*role).to_owned());
    for moves in plan.moves.chunks(ROWS_IN_STATEMENT) {
        let rows = moves.iter().map(|Move { row, .. }| {
            let step = subscription_history::Model {
                subscription_id: row.id,
                version: row.version + 1,
                at: now,
                action: Action::FollowAreaChange,
                state: state_at(row, now),
                role: role.clone(),
                reason_code: reason.code,
                reason_text: Some(reason.text.clone()),
                reason_reference: reason.reference.clone(),
                former_municipality_id: Some(plan.municipality),
            };
            step.into_active_model()
        });
        subscription_history::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}
