//! Notes what came of attempts: the log, what waits for its time, how far the webhook has come, and whether it goes on.
//!
//! INVARIANT: an entry counts as delivered only once this is committed. Whoever is killed before leaves it to be sent again.

use ::entity::{
    webhook::{self, DisabledBecause, State},
    webhook_delivery::{self, Outcome},
    webhook_entry,
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    prelude::{DateTimeUtc, Uuid},
    sea_query::OnConflict,
};

use super::{
    Row,
    messages::Message,
    post::Attempt,
    schedule,
    window::Window,
    work::{LEASE, Lease},
};
use crate::{database::Database, error::Result};

/// A message that was sent, and what came of it.
pub struct Sent {
    /// The message.
    pub message: Message,
    /// What came of it.
    pub attempt: Attempt,
}

/// How the work goes on.
pub enum Next {
    /// With the webhook as it is now.
    GoOn(Box<Row>),
    /// With the webhook as it is now, from another position: what was begun does not count.
    BeginAgain,
    /// Not at all: somebody else works on it, its owner has stopped or deleted it, or the service has.
    Stop,
}

/// Notes what came of attempts, and keeps the lease.
pub async fn settle(
    database: &Database,
    lease: &Lease,
    window: &mut Window,
    sent: Vec<Sent>,
    now: DateTimeUtc,
) -> Result<Next> {
    let db = database.begin_write().await?;
    let found = webhook::Entity::find_by_id(lease.webhook).lock_exclusive().one(&*db).await?;
    let Some(before) = found.filter(|row| row.lease == Some(lease.id)) else {
        db.roll_back().await?;
        return Ok(Next::Stop);
    };
    log(&*db, &before, window, &sent).await?;
    if before.moves != lease.moves {
        db.commit().await?;
        return Ok(Next::BeginAgain);
    }
    let mut after = before.clone();
    let mut entries = Vec::with_capacity(sent.len());
    for Sent { message, attempt } in &sent {
        let Some(sequence) = message.sequence else { continue };
        let known = window.known(sequence).cloned();
        let entry = judge(&mut after, known, sequence, attempt, now);
        window.note(entry.clone());
        entries.push(entry);
    }
    after.position = window.position(before.position);
    after.leased_until = Some(now + LEASE);
    keep(&*db, entries).await?;
    forget_up_to(&*db, after.id, after.position).await?;
    store(&*db, &after).await?;
    db.commit().await?;
    if after.state == State::Disabled && before.state != State::Disabled {
        tracing::warn!(webhook = %after.id, because = ?after.disabled_because, "a webhook is disabled");
    }
    Ok(if after.state == State::Active { Next::GoOn(Box::new(after)) } else { Next::Stop })
}

/// What an attempt means for its entry, and for the webhook.
fn judge(
    row: &mut Row,
    known: Option<webhook_entry::Model>,
    sequence: i64,
    attempt: &Attempt,
    now: DateTimeUtc,
) -> webhook_entry::Model {
    let is_first = known.is_none();
    let mut entry = known.unwrap_or(webhook_entry::Model {
        webhook_id: row.id,
        sequence,
        delivered: false,
        attempts: 0,
        first_failed_at: None,
        next_attempt_at: None,
    });
    if attempt.outcome == Outcome::Delivered {
        entry.delivered = true;
        entry.next_attempt_at = None;
        (row.failing_since, row.failed_in_a_row, row.delivered_at) = (None, 0, Some(now));
        return entry;
    }
    entry.attempts += 1;
    let first = *entry.first_failed_at.get_or_insert(now);
    entry.next_attempt_at = schedule::next(entry.attempts, first, now);
    row.failing_since.get_or_insert(now);
    row.failed_in_a_row += i32::from(is_first);
    if let Some(wanted) = attempt.rest {
        row.resting_until = row.resting_until.max(Some(schedule::rest(wanted, now)));
    }
    if attempt.outcome == Outcome::Gone {
        disable(row, DisabledBecause::Gone, now);
    } else if entry.next_attempt_at.is_none() {
        disable(row, DisabledBecause::Failing, now);
    }
    entry
}

/// Stops a webhook. Its owner may have paused it meanwhile; then it learns the reason all the same.
pub fn disable(row: &mut Row, because: DisabledBecause, now: DateTimeUtc) {
    if row.state != State::Disabled {
        row.state = State::Disabled;
        row.disabled_because = Some(because);
        row.disabled_at = Some(now);
    }
}

async fn log(db: &impl ConnectionTrait, row: &Row, window: &Window, sent: &[Sent]) -> Result<()> {
    if sent.is_empty() {
        return Ok(());
    }
    let rows = sent.iter().map(|Sent { message, attempt }| {
        let before = message.sequence.and_then(|sequence| window.known(sequence)).map_or(0, |entry| entry.attempts);
        attempt.entry(row, message, before + 1).into_active_model()
    });
    Ok(webhook_delivery::Entity::insert_many(rows).exec_without_returning(db).await.map(drop)?)
}

async fn keep(db: &impl ConnectionTrait, entries: Vec<webhook_entry::Model>) -> Result<()> {
    use webhook_entry::Column;
    if entries.is_empty() {
        return Ok(());
    }
    let update = OnConflict::columns([Column::WebhookId, Column::Sequence])
        .update_columns([Column::Delivered, Column::Attempts, Column::FirstFailedAt, Column::NextAttemptAt])
        .to_owned();
    let rows = entries.into_iter().map(IntoActiveModel::into_active_model);
    let insert = webhook_entry::Entity::insert_many(rows).on_conflict(update);
    Ok(insert.exec_without_returning(db).await.map(drop)?)
}

async fn forget_up_to(db: &impl ConnectionTrait, webhook: Uuid, position: i64) -> Result<()> {
    use webhook_entry::Column;
    let old = webhook_entry::Entity::delete_many().filter(Column::WebhookId.eq(webhook));
    Ok(old.filter(Column::Sequence.lte(position)).exec(db).await.map(drop)?)
}

/// Writes a whole row.
pub async fn store(db: &impl ConnectionTrait, row: &Row) -> Result<()> {
    Ok(row.clone().into_active_model().reset_all().update(db).await.map(drop)?)
}
