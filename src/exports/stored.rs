//! The parts of a file in the database: written, read from any byte on, and removed.

use ::entity::{
    export::{self, Column, State},
    export_part::{self, Column as Part},
};
use chrono::TimeDelta;
use futures_util::{Stream, stream};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    prelude::{DateTimeUtc, Expr, Uuid},
};

use super::Row;
use crate::{
    database::Database,
    error::{Error, Result},
};

/// How well parts are compressed: fast is good enough, rows are much alike.
const LEVEL: i32 = 3;
/// How long it is told what became of an export whose file is gone.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// Adds a part to a file.
pub(super) async fn add(db: &impl ConnectionTrait, export: Uuid, begins: u64, bytes: &[u8]) -> Result<()> {
    let content = zstd::bulk::compress(bytes, LEVEL).map_err(Error::internal)?;
    let begins = i64::try_from(begins).map_err(Error::internal)?;
    let length = i64::try_from(bytes.len()).map_err(Error::internal)?;
    let part = export_part::Model { export_id: export, begins, length, content };
    part.into_active_model().insert(db).await?;
    Ok(())
}

/// The bytes of a file from one on up to another, a part at a time: no more than one is held, whoever reads however slowly.
pub fn read(database: Database, export: Uuid, from: u64, to: u64) -> impl Stream<Item = Result<Vec<u8>>> + Send {
    stream::try_unfold(from, move |at| {
        let database = database.clone();
        async move {
            if at >= to {
                return Ok(None);
            }
            let (begins, mut bytes) = part(database.connection(), export, at).await?;
            bytes.truncate(usize::try_from(to - begins).unwrap_or(usize::MAX));
            let skipped = usize::try_from(at - begins).unwrap_or(usize::MAX).min(bytes.len());
            bytes.drain(..skipped);
            let next = at + bytes.len() as u64;
            if next == at { Err(Error::internal("a part of an export is missing")) } else { Ok(Some((bytes, next))) }
        }
    })
}

/// The part that a byte is in, and where that begins.
async fn part(db: &impl ConnectionTrait, export: Uuid, at: u64) -> Result<(u64, Vec<u8>)> {
    let at = i64::try_from(at).map_err(Error::internal)?;
    let before = export_part::Entity::find().filter(Part::ExportId.eq(export)).filter(Part::Begins.lte(at));
    let part = before.order_by_desc(Part::Begins).one(db).await?;
    let part = part.ok_or_else(|| Error::internal("an export was removed while it was sent"))?;
    let length = usize::try_from(part.length).map_err(Error::internal)?;
    let bytes = zstd::bulk::decompress(&part.content, length).map_err(Error::internal)?;
    Ok((u64::try_from(part.begins).map_err(Error::internal)?, bytes))
}

/// Removes what was written of a file.
pub(super) async fn remove_parts(db: &impl ConnectionTrait, export: Uuid) -> Result<(), DbErr> {
    export_part::Entity::delete_many().filter(Part::ExportId.eq(export)).exec(db).await.map(drop)
}

/// Removes files that have expired, and forgets exports that came to their end 30 days ago. How many files.
pub async fn prune(database: &Database, now: DateTimeUtc) -> Result<usize, DbErr> {
    let expired = export::Entity::find().filter(Column::State.eq(State::Done)).filter(Column::ExpiresAt.lte(now));
    let expired: Vec<Row> = expired.all(database.connection()).await?;
    for row in &expired {
        let db = database.begin_write().await?;
        remove_parts(&*db, row.id).await?;
        let expire = export::Entity::update_many().col_expr(Column::State, Expr::value(State::Expired));
        expire.filter(Column::Id.eq(row.id)).filter(Column::State.eq(State::Done)).exec(&*db).await?;
        db.commit().await?;
    }
    let db = database.begin_write().await?;
    let ended = [State::Failed, State::Cancelled, State::Expired];
    let old = export::Entity::delete_many().filter(Column::State.is_in(ended));
    old.filter(Column::FinishedAt.lt(now - REMEMBERED)).exec(&*db).await?;
    db.commit().await?;
    Ok(expired.len())
}
