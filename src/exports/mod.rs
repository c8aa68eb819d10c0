//! Exports: everything of one kind that a caller may read, as of one place of the change feed, in a file.
//!
//! What is written comes from `states`, where rows up to a place never change any more: so a file is of one moment although
//! it is read page by page, and no transaction stays open meanwhile. The file is kept in the database in parts, so that every
//! instance can send it, from whichever byte on.

mod columns;
mod contents;
mod filter;
mod start;
mod stored;
mod work;

use ::entity::export::{self, Column};
use chrono::TimeDelta;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, prelude::Uuid,
};
use tokio::sync::Notify;

use crate::{access::Caller, config, error::Result};

pub use self::{
    contents::{Contents, Sums, Wanted},
    filter::Filter,
    start::{Cancelling, Starting, cancel, position, start},
    stored::{prune, read},
    work::{keep_writing, round},
};

/// One row of `exports`.
pub type Row = export::Model;

/// How many of an account's exports are listed.
const LISTED: u64 = 50;

/// What writing exports needs for this process.
#[derive(Debug)]
pub struct Writer {
    /// Most rows of one export.
    pub most_rows: u64,
    /// Most exports of one account that are being written or kept.
    pub most_of_account: u64,
    /// How long a file is kept.
    pub kept: TimeDelta,
    wake: Notify,
}

impl Writer {
    /// By the settings.
    pub fn new(config: &config::Exports) -> Self {
        let kept = TimeDelta::hours(i64::from(config.kept_hours));
        Self { most_rows: config.rows, most_of_account: config.per_account, kept, wake: Notify::new() }
    }
}

/// An account's own exports, newest first, the last 50.
pub async fn of(db: &impl ConnectionTrait, caller: &Caller) -> Result<Vec<Row>> {
    let own = export::Entity::find().filter(own(caller));
    let newest = own.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(LISTED);
    Ok(newest.all(db).await?)
}

/// Finds one of an account's own exports.
pub async fn find(db: &impl ConnectionTrait, caller: &Caller, id: Uuid) -> Result<Option<Row>> {
    Ok(export::Entity::find_by_id(id).filter(own(caller)).one(db).await?)
}

fn own(caller: &Caller) -> Condition {
    Condition::all().add(Column::Issuer.eq(&caller.issuer)).add(Column::Subject.eq(&caller.subject))
}
