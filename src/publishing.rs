//! A change of something published: begun on the newest catalogue, with the right to make it, and committed with its records.

use std::sync::Arc;

use sea_orm::prelude::{DateTimeUtc, Uuid};
use serde::Serialize;
use serde_json::Value;

use crate::{
    access::{Duty, DutyPermit},
    catalogue::Snapshot,
    database::Writing,
    desk::Desk,
    error::Result,
    feed::Changed,
    idempotency::Key,
    orders::{Act, Order, written},
    phases,
};

/// How often a change begins again because another was faster.
pub const ATTEMPTS: usize = 10;

/// A change that may be made, in a transaction that holds the catalogue.
#[derive(Debug)]
pub struct Begun {
    /// The transaction.
    pub db: Writing,
    /// The catalogue as the database holds it, before this change.
    pub snapshot: Arc<Snapshot>,
    /// The moment of the change.
    pub now: DateTimeUtc,
    /// What was written under the caller's key before; then nothing is left to do.
    pub known: Option<Uuid>,
    permit: DutyPermit,
    key: Key,
}

/// What was done, for the records.
#[derive(Debug)]
pub struct Done {
    /// To what: type and id.
    pub entity: (&'static str, Uuid),
    /// How that was before.
    pub before: Option<Value>,
    /// How it is since.
    pub after: Option<Value>,
    /// What the change feed tells.
    pub changed: Vec<Changed>,
}

/// Begins a change. `is_own` tells from the catalogue whether it is about the caller's own. None when the catalogue was
/// changed meanwhile: then begin again.
pub async fn begin<D: Serialize>(
    desk: &Desk,
    order: &Order<D>,
    duty: Duty,
    is_own: impl Fn(&Snapshot) -> bool,
) -> Result<Option<Begun>> {
    desk.live.refresh().await;
    let judged = is_own(&desk.live.snapshot());
    let permit = order.check(desk, duty, judged).await?;
    let key = order.key(duty)?;
    let now = desk.clock.now();
    let db = desk.database.begin_write().await?;
    let snapshot = desk.live.snapshot_to_change(&*db, now).await?;
    let Some(snapshot) = snapshot.filter(|snapshot| is_own(snapshot) == judged) else {
        db.roll_back().await?;
        return Ok(None);
    };
    let known = key.find(&*db, now).await?.map(|written| written.entity_id);
    Ok(Some(Begun { db, snapshot, now, known, permit, key }))
}

impl Begun {
    /// Keeps the key, records, and commits. False when the same key was used meanwhile: then begin again.
    pub async fn commit<D: Serialize>(self, desk: &Desk, order: &Order<D>, done: Done) -> Result<bool> {
        let phase = phases::key(phases::current(&self.snapshot)?);
        if !self.key.keep(&*self.db, written(done.entity.1, &self.permit, phase), self.now).await? {
            self.db.roll_back().await?;
            return Ok(false);
        }
        let act = Act { permit: &self.permit, entity: done.entity, before: done.before, after: done.after };
        order.record(desk, &*self.db, act, &done.changed, self.now).await?;
        self.db.commit().await?;
        desk.live.refresh().await;
        Ok(true)
    }

    /// Takes everything back: nothing was to be written, or nothing may be.
    pub async fn roll_back(self) -> Result<()> {
        Ok(self.db.roll_back().await?)
    }
}
