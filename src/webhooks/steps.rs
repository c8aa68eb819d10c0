//! What an owner does with a webhook that exists: another secret, another position, and its end.

use std::sync::Arc;

use ::entity::{
    webhook::{self, State},
    webhook_delivery, webhook_entry,
};
use chrono::TimeDelta;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    prelude::{DateTimeUtc, Uuid},
};
use serde::Serialize;

use super::{Row, Saved, load_locked, record, secrets::Secret, settle::store, view};
use crate::{
    access::{Duty, DutyPermit},
    changes::{self, Cursor},
    desk::Desk,
    error::{Error, Result},
    orders::{Act, Order, busy, check_version, written},
    phases,
};

/// Longest time for which a secret goes on beside its successor, in hours.
const LONGEST_OVERLAP_HOURS: i64 = 7 * 24;
/// How often a change begins again because another with the same key was faster.
const ATTEMPTS: usize = 3;

/// Another secret.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Rotating {
    /// Of which webhook,
    pub webhook: Uuid,
    /// of this version.
    pub version: i64,
    /// How long messages are signed with the secret before too.
    pub overlap_hours: i64,
}

/// Another position.
#[derive(Clone, Debug, Serialize)]
pub struct Replaying {
    /// Of which webhook,
    pub webhook: Uuid,
    /// of this version.
    pub version: i64,
    /// A cursor of the feed.
    pub after: String,
    /// Tell what would be sent and change nothing.
    pub dry_run: bool,
}

/// The end of a webhook.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Deleting {
    /// Which one,
    pub webhook: Uuid,
    /// of this version.
    pub version: i64,
}

/// A webhook with another position.
#[derive(Debug)]
pub struct Replayed {
    /// As it stands since then.
    pub row: Row,
    /// Entries that are sent, again or for the first time.
    pub entries: u64,
}

/// What a change makes of a webhook.
pub struct Next {
    /// The webhook.
    pub row: Row,
    /// What its owner is told besides.
    pub told: Option<String>,
    /// What is not true any more of the entries beyond its position.
    pub forget: Forget,
}

/// What is forgotten of the entries beyond a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forget {
    /// Nothing.
    Nothing,
    /// That some failed: they are tried again at once.
    Failures,
    /// That some were delivered, too.
    All,
}

/// Makes another secret; messages are signed with both for a while.
pub async fn rotate(desk: Arc<Desk>, order: Order<Rotating>) -> Result<Saved> {
    let permit = order.check(&desk, Duty::RotateWebhookSecret, false).await?;
    let deed = order.deed;
    if !(0..=LONGEST_OVERLAP_HOURS).contains(&deed.overlap_hours) {
        return Err(Error::bad_input(
            "overlapHours",
            format!("overlapHours ist {}; möglich ist 0 bis {LONGEST_OVERLAP_HOURS}.", deed.overlap_hours),
            format!("overlapHours is {}; possible is 0 to {LONGEST_OVERLAP_HOURS}.", deed.overlap_hours),
        ));
    }
    let safe = desk.webhooks.safe()?;
    let step = |row: &Row, now: DateTimeUtc| {
        let secret = Secret::random()?;
        let mut next = Row { version: row.version + 1, updated_at: now, ..row.clone() };
        next.secret = safe.lock(row.id, &secret)?;
        next.secret_made_at = now;
        next.previous_secret = (deed.overlap_hours > 0).then(|| row.secret.clone());
        next.previous_secret_until = (deed.overlap_hours > 0).then(|| now + TimeDelta::hours(deed.overlap_hours));
        Ok(Next { row: next, told: Some(secret.reveal()), forget: Forget::Nothing })
    };
    change(&desk, &order, &permit, (deed.webhook, deed.version), step).await
}

/// Sends again what came after a cursor.
pub async fn replay(desk: Arc<Desk>, order: Order<Replaying>) -> Result<Replayed> {
    let permit = order.check(&desk, Duty::ReplayWebhook, false).await?;
    let deed = &order.deed;
    let head = desk.feed.look().await?;
    let after = Cursor::decode("after", &deed.after, desk.feed.installation(), head)?;
    let own = super::find(desk.database.connection(), &order.caller, deed.webhook).await?;
    let own = own.ok_or_else(super::not_found)?;
    let view = view(&own, &desk.live.snapshot())?;
    let entries = changes::count(desk.database.connection(), &view, after, head).await?;
    if deed.dry_run {
        order.key(permit.duty())?;
        check_version("version", own.version, deed.version)?;
        return Ok(Replayed { row: own, entries });
    }
    let step = |row: &Row, now: DateTimeUtc| {
        let mut next = refreshed(row, now);
        (next.position, next.moves) = (after, row.moves + 1);
        // What the service has stopped goes on; what its owner has paused stays paused.
        next.state = if row.state == State::Disabled { State::Active } else { row.state };
        Ok(Next { row: next, told: None, forget: Forget::All })
    };
    let changed: Saved = change(&desk, &order, &permit, (deed.webhook, deed.version), step).await?;
    Ok(Replayed { row: changed.row, entries })
}

/// Removes a webhook with everything that is known of it. Its id.
pub async fn delete(desk: Arc<Desk>, order: Order<Deleting>) -> Result<Uuid> {
    let permit = order.check(&desk, Duty::DeleteWebhook, false).await?;
    let key = order.key(permit.duty())?;
    let Deleting { webhook, version } = order.deed;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        let locked = load_locked(&*db, &order.caller, webhook).await;
        if let Some(known) = key.find(&*db, now).await? {
            return Ok(known.entity_id);
        }
        let row = locked?;
        check_version("version", row.version, version)?;
        forget(&*db, webhook, Forget::All).await?;
        let log = webhook_delivery::Entity::delete_many().filter(webhook_delivery::Column::WebhookId.eq(webhook));
        log.exec(&*db).await?;
        webhook::Entity::delete_by_id(webhook).exec(&*db).await?;
        let phase = phases::key(phases::current(&desk.live.snapshot())?);
        if !key.keep(&*db, written(webhook, &permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        let act = Act { permit: &permit, entity: ("Webhook", webhook), before: Some(record(&row)), after: None };
        order.record(&desk, &*db, act, &[], now).await?;
        db.commit().await?;
        return Ok(webhook);
    }
    Err(busy())
}

/// Changes a webhook of the caller, as it is in a version, once for each key.
pub async fn change<D: Serialize>(
    desk: &Desk,
    order: &Order<D>,
    permit: &DutyPermit,
    (webhook, version): (Uuid, i64),
    step: impl Fn(&Row, DateTimeUtc) -> Result<Next>,
) -> Result<Saved> {
    let key = order.key(permit.duty())?;
    for _ in 0..ATTEMPTS {
        let now = desk.clock.now();
        let db = desk.database.begin_write().await?;
        let before = load_locked(&*db, &order.caller, webhook).await?;
        if key.find(&*db, now).await?.is_some() {
            return Ok(Saved { row: before, secret: None });
        }
        check_version("version", before.version, version)?;
        let Next { row, told, forget: what } = step(&before, now)?;
        forget(&*db, webhook, what).await?;
        store(&*db, &row).await?;
        let phase = phases::key(phases::current(&desk.live.snapshot())?);
        if !key.keep(&*db, written(webhook, permit, phase), now).await? {
            db.roll_back().await?;
            continue;
        }
        let (before, after) = (Some(record(&before)), Some(record(&row)));
        order.record(desk, &*db, Act { permit, entity: ("Webhook", webhook), before, after }, &[], now).await?;
        db.commit().await?;
        return Ok(Saved { row, secret: told });
    }
    Err(busy())
}

/// The next version of a webhook, of which nothing is known that failed, and that is to be worked on at once.
pub fn refreshed(row: &Row, now: DateTimeUtc) -> Row {
    Row {
        version: row.version + 1,
        updated_at: now,
        disabled_because: None,
        disabled_at: None,
        failing_since: None,
        failed_in_a_row: 0,
        retry_at: None,
        resting_until: None,
        seen: 0,
        ..row.clone()
    }
}

async fn forget(db: &impl ConnectionTrait, webhook: Uuid, what: Forget) -> Result<()> {
    use webhook_entry::Column;
    let of_webhook = Condition::all().add(Column::WebhookId.eq(webhook));
    let meant = match what {
        Forget::Nothing => return Ok(()),
        Forget::Failures => of_webhook.add(Column::Delivered.eq(false)),
        Forget::All => of_webhook,
    };
    Ok(webhook_entry::Entity::delete_many().filter(meant).exec(db).await.map(drop)?)
}
