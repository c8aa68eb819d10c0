//! Writing exports: one at a time in each instance, whoever takes it first. Who is killed is followed by another after a minute.

use std::{sync::Arc, time::Duration};

use ::entity::export::{self, Column, Failure, State};
use chrono::TimeDelta;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, UpdateMany,
    prelude::{DateTimeUtc, Expr, Uuid},
};

use super::{Contents, Row, Sums, Wanted, stored};
use crate::{
    desk::Desk,
    error::{Code, Error, Result},
};

/// How long nobody else begins after whoever works on it was heard of last.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often an export is begun: one that breaks off each time would do so for ever.
const ATTEMPTS: i32 = 3;

/// What became of a piece of work.
enum Ended {
    /// The file is whole.
    Whole(Sums),
    /// It can't be written.
    Failed(Failure),
    /// Nobody wants it any more, or another works on it.
    Left,
}

/// Writes everything that waits, to its end. How many exports.
pub async fn round(desk: &Desk) -> Result<usize> {
    let mut count = 0;
    while let Some((row, lease)) = take(desk).await? {
        count += 1;
        let ended = match row.attempts > ATTEMPTS {
            true => Ended::Failed(Failure::BrokenOff),
            false => write(desk, &row, lease).await?,
        };
        finish(desk, &row, lease, ended).await?;
    }
    Ok(count)
}

/// Writes what waits, for ever: whenever an export is started here, and every now and then.
pub async fn keep_writing(desk: Arc<Desk>, every: Duration) {
    loop {
        // Its lease ends by itself, and it is begun again.
        if let Err(error) = round(&desk).await {
            tracing::error!(%error, "an export broke off");
        }
        tokio::select! {
            () = desk.exports.wake.notified() => {}
            () = tokio::time::sleep(every) => {}
        }
    }
}

/// Takes the export that waits longest; none when there is none, or another was faster each time.
async fn take(desk: &Desk) -> Result<Option<(Row, Uuid)>> {
    let now = desk.clock.now();
    let is_open = Column::State.is_in([State::Waiting, State::Running]);
    let is_free = Condition::any().add(Column::LeasedUntil.is_null()).add(Column::LeasedUntil.lte(now));
    let waiting = export::Entity::find().filter(is_open).filter(is_free.clone()).order_by_asc(Column::CreatedAt);
    for row in waiting.all(desk.database.connection()).await? {
        let (lease, attempts) = (Uuid::new_v4(), row.attempts + 1);
        let taking = of(row.id)
            .col_expr(Column::State, Expr::value(State::Running))
            .col_expr(Column::Attempts, Expr::value(attempts))
            .col_expr(Column::Lease, Expr::value(lease))
            .col_expr(Column::LeasedUntil, Expr::value(now + LEASE))
            .filter(Column::State.is_in([State::Waiting, State::Running]))
            .filter(is_free.clone());
        let db = desk.database.begin_write().await?;
        let is_taken = taking.exec(&*db).await?.rows_affected == 1;
        if is_taken {
            // What somebody else left is written anew.
            stored::remove_parts(&*db, row.id).await?;
        }
        db.commit().await?;
        if is_taken {
            return Ok(Some((Row { attempts, ..row }, lease)));
        }
    }
    Ok(None)
}

async fn write(desk: &Desk, row: &Row, lease: Uuid) -> Result<Ended> {
    let connection = desk.database.connection();
    let mut contents = match Contents::begin(connection, desk.live.snapshot(), wanted(row)?).await {
        Err(error) if error.code == Code::CursorExpired => return Ok(Ended::Failed(Failure::PlaceExpired)),
        contents => contents?,
    };
    loop {
        let begins = contents.bytes();
        let Some(bytes) = contents.next(connection).await? else { break };
        if contents.rows() > desk.exports.most_rows {
            return Ok(Ended::Failed(Failure::TooManyRows));
        }
        let db = desk.database.begin_write().await?;
        if !note(&*db, row.id, lease, &contents, desk.clock.now()).await? {
            db.roll_back().await?;
            return Ok(Ended::Left);
        }
        if !bytes.is_empty() {
            stored::add(&*db, row.id, begins, &bytes).await?;
        }
        db.commit().await?;
    }
    match contents.finish(connection).await {
        Err(error) if error.code == Code::CursorExpired => Ok(Ended::Failed(Failure::PlaceExpired)),
        sums => Ok(Ended::Whole(sums?)),
    }
}

fn wanted(row: &Row) -> Result<Wanted> {
    let filter = serde_json::from_str(&row.filter).map_err(Error::internal)?;
    let scope = serde_json::from_str(&row.scope).map_err(Error::internal)?;
    Ok(Wanted { kind: row.kind, format: row.format, filter, scope, at: row.position })
}

/// Notes how far it is and keeps the lease; false when it is not ours any more.
async fn note(db: &impl ConnectionTrait, id: Uuid, lease: Uuid, contents: &Contents, now: DateTimeUtc) -> Result<bool> {
    let noted = leased(id, lease)
        .col_expr(Column::Total, Expr::value(number(contents.total())?))
        .col_expr(Column::Seen, Expr::value(number(contents.seen())?))
        .col_expr(Column::Rows, Expr::value(number(contents.rows())?))
        .col_expr(Column::Bytes, Expr::value(number(contents.bytes())?))
        .col_expr(Column::LeasedUntil, Expr::value(now + LEASE));
    Ok(noted.exec(db).await?.rows_affected == 1)
}

async fn finish(desk: &Desk, row: &Row, lease: Uuid, ended: Ended) -> Result<()> {
    let now = desk.clock.now();
    let db = desk.database.begin_write().await?;
    let done = leased(row.id, lease)
        .col_expr(Column::FinishedAt, Expr::value(Some(now)))
        .col_expr(Column::Lease, Expr::value(Option::<Uuid>::None))
        .col_expr(Column::LeasedUntil, Expr::value(Option::<DateTimeUtc>::None));
    let (done, outcome) = match ended {
        Ended::Left => return Ok(db.roll_back().await?),
        Ended::Failed(failure) => {
            stored::remove_parts(&*db, row.id).await?;
            let failed = done.col_expr(Column::State, Expr::value(State::Failed));
            (failed.col_expr(Column::Failure, Expr::value(Some(failure))), "failed")
        }
        Ended::Whole(sums) => {
            let whole = done
                .col_expr(Column::State, Expr::value(State::Done))
                .col_expr(Column::Rows, Expr::value(number(sums.rows)?))
                .col_expr(Column::Bytes, Expr::value(number(sums.bytes)?))
                .col_expr(Column::Sha256, Expr::value(Some(sums.sha256)))
                .col_expr(Column::RowsSha256, Expr::value(Some(sums.rows_sha256)))
                .col_expr(Column::ExpiresAt, Expr::value(Some(now + desk.exports.kept)));
            (whole, "done")
        }
    };
    if done.exec(&*db).await?.rows_affected == 0 {
        // Cancelled at the last moment.
        return Ok(db.roll_back().await?);
    }
    db.commit().await?;
    metrics::counter!("itkatalog_exports_total", "outcome" => outcome).increment(1);
    Ok(())
}

fn of(id: Uuid) -> UpdateMany<export::Entity> {
    export::Entity::update_many().filter(Column::Id.eq(id))
}

fn leased(id: Uuid, lease: Uuid) -> UpdateMany<export::Entity> {
    of(id).filter(Column::Lease.eq(lease)).filter(Column::State.eq(State::Running))
}

fn number(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(Error::internal)
}
