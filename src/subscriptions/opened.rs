//! Where every change of a subscription begins.

use std::sync::Arc;

use sea_orm::DbErr;

use crate::{catalogue::Snapshot, database::Writing, desk::Desk};

/// A transaction that has begun, with the catalogue that it decides on, which stays as it is until the transaction ends.
#[derive(Debug)]
pub struct Opened {
    pub(super) transaction: Writing,
    pub(super) snapshot: Arc<Snapshot>,
}

/// Begins a transaction that may decide. None when the catalogue had moved on: it is the new one since then.
pub async fn open(desk: &Desk) -> Result<Option<Opened>, DbErr> {
    let transaction = desk.database.begin_write().await?;
    if let Some(snapshot) = desk.live.snapshot_for(&*transaction).await? {
        return Ok(Some(Opened { transaction, snapshot }));
    }
    transaction.roll_back().await?;
    desk.live.refresh().await;
    Ok(None)
}
