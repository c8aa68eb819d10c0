//! The heads of the audit trail and the change feed.
//!
//! Every write locks them last and commits right afterwards. So both have the order of commits and no gap, and a reader
//! that has seen entry n never finds an entry before it that was not there.
//!
//! INVARIANT: of what writes lock, the catalogue (`database::hold_catalogue`) comes first and `record_heads` last.

use ::entity::record_head::{self, Column};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryResult,
    prelude::DateTimeUtc,
    sea_query::{LockType, Query, SelectStatement},
};

use crate::{
    audit::{self, Event},
    batch::Batch,
    database::Database,
    feed::{self, Changed},
    states::States,
};

/// The one row's id.
const ROW: i32 = 1;

/// The heads, locked until the transaction ends.
#[derive(Debug)]
pub struct Heads {
    /// Sequence of the last change.
    pub(crate) change_sequence: i64,
    /// Sequence of the last audit event.
    pub(crate) audit_sequence: i64,
    /// Hash of the last audit event, in hexadecimal.
    pub(crate) audit_hash: String,
}

/// Records what a transaction has written; to be called right before the commit.
pub async fn append(
    db: &impl ConnectionTrait,
    changed: &[Changed],
    events: impl IntoIterator<Item = Event<'_>, IntoIter: Send>,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    append_all(db, changed, &States::new(), events.into_iter().map(Ok), now).await
}

/// The same with what the changed things are since then, which is not read again.
pub async fn append_known(
    db: &impl ConnectionTrait,
    changed: &[Changed],
    known: &States,
    events: impl IntoIterator<Item = Event<'_>, IntoIter: Send>,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    append_all(db, changed, known, events.into_iter().map(Ok), now).await
}

/// Records what a transaction and the rest of a batch have written, with what the changed things are since then. False when what the
/// batch has claimed was there already: then nothing may be committed.
pub async fn append_after(
    batch: Batch<'_, impl ConnectionTrait>,
    changed: &[Changed],
    known: &States,
    events: impl IntoIterator<Item = Event<'_>, IntoIter: Send>,
    now: DateTimeUtc,
) -> Result<bool, DbErr> {
    let db = batch.database();
    let Some(heads) = batch.finish_with(Heads::locked()).await? else { return Ok(false) };
    write(db, Heads::read(&heads)?, changed, known, events.into_iter().map(Ok), now).await?;
    Ok(true)
}

/// The same with events that are made one by one while they are written, and that may fail: then all of it does.
pub async fn append_each<'e>(
    db: &impl ConnectionTrait,
    changed: &[Changed],
    events: Box<dyn Iterator<Item = Result<Event<'e>, DbErr>> + Send + '_>,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    append_all(db, changed, &States::new(), events, now).await
}

async fn append_all<'e>(
    db: &impl ConnectionTrait,
    changed: &[Changed],
    known: &States,
    events: impl Iterator<Item = Result<Event<'e>, DbErr>> + Send,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    let heads = db.query_one(&Heads::locked()).await?;
    let heads = heads.ok_or_else(|| DbErr::RecordNotFound("record_heads".to_owned()))?;
    write(db, Heads::read(&heads)?, changed, known, events, now).await
}

async fn write<'e>(
    db: &impl ConnectionTrait,
    mut heads: Heads,
    changed: &[Changed],
    known: &States,
    events: impl Iterator<Item = Result<Event<'e>, DbErr>> + Send,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    // On the heap: every change of the service has this within it.
    let write = async {
        let mut batch = Batch::new(db);
        feed::append(&mut batch, &mut heads, changed, known, now).await?;
        audit::append(&mut batch, &mut heads, events, now).await?;
        heads.save(&mut batch).await?;
        batch.finish().await.map(drop)
    };
    Box::pin(write).await
}

/// Records that a rule refused: in a transaction of its own, because nothing else is written.
pub async fn append_refusal(database: &Database, event: Event<'_>, now: DateTimeUtc) -> Result<(), DbErr> {
    append_refusals(database, [event], now).await
}

/// Records several events with which nothing else is written: refusals, or that somebody read what is on record.
pub async fn append_refusals(
    database: &Database,
    events: impl IntoIterator<Item = Event<'_>, IntoIter: Send>,
    now: DateTimeUtc,
) -> Result<(), DbErr> {
    let transaction = database.begin_write().await?;
    append(&*transaction, &[], events, now).await?;
    transaction.commit().await
}

impl Heads {
    /// Selects the heads and locks them: other writes wait until this transaction ends.
    fn locked() -> SelectStatement {
        Query::select()
            .columns([Column::ChangeSequence, Column::AuditSequence, Column::AuditHash])
            .from(record_head::Entity)
            .and_where(Column::Id.eq(ROW))
            .lock_with_tables(LockType::Update, [record_head::Entity])
            .take()
    }

    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let (change_sequence, audit_sequence, audit_hash) = row.try_get_many_by_index()?;
        Ok(Self { change_sequence, audit_sequence, audit_hash })
    }

    /// Writes the heads back; to be called right before the commit.
    async fn save(self, batch: &mut Batch<'_, impl ConnectionTrait>) -> Result<(), DbErr> {
        let row = record_head::ActiveModel {
            change_sequence: Set(self.change_sequence),
            audit_sequence: Set(self.audit_sequence),
            audit_hash: Set(self.audit_hash),
            ..Default::default()
        };
        batch.update(record_head::Entity::update_many().set(row).filter(Column::Id.eq(ROW))).await
    }
}
