//! How often clients ask. Counted in memory, and added to the table every few seconds: no request writes anything for it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use ::entity::usage_day::{self, Column};
use parking_lot::Mutex;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, QueryOrder,
    prelude::{Date, DateTimeUtc, Expr},
    sea_query::{CaseStatement, OnConflict},
};

use crate::{
    access::Client,
    clock::{Clock, day_of},
    config::Config,
    database::Database,
};

/// How often counts are written: so much is lost at most when a process is killed.
pub const FLUSH_INTERVAL: Duration = Duration::from_secs(10);
/// How many days are told.
pub const DAYS_TOLD: i64 = 30;
/// How long counts are kept.
const KEPT: chrono::TimeDelta = chrono::TimeDelta::days(90);
/// Rows of one statement.
const ROWS_AT_ONCE: usize = 500;

/// What was counted on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Requests, also those that were refused.
    pub requests: i64,
    /// Requests that a limit refused.
    pub refused: i64,
    /// When the last one came.
    pub last_at: DateTimeUtc,
}

/// Counts of days, not yet written.
type Counts = HashMap<(Client, Date), Count>;

/// Counts the requests of this process.
#[derive(Debug)]
pub struct Meter {
    counts: Mutex<Counts>,
    limits: Limits,
}

/// The limits that clients meet.
#[derive(Clone, Debug)]
pub struct Limits {
    rate_limit: u32,
    rate_limits: HashMap<String, u32>,
    /// Requests of all callers at once.
    pub in_flight: usize,
    /// Cost of a request.
    pub cost: u64,
    /// Bytes of the body of a request with a token.
    pub body_bytes: usize,
}

impl Limits {
    /// Requests a minute of each account of a client; none when they are not limited.
    pub fn per_minute(&self, client_id: &str) -> Option<u32> {
        let limit = self.rate_limits.get(client_id).copied().unwrap_or(self.rate_limit);
        Some(limit).filter(|limit| *limit > 0)
    }
}

impl Meter {
    /// Nothing is counted yet.
    pub fn new(config: &Config) -> Self {
        let limits = Limits {
            rate_limit: config.rate_limit,
            rate_limits: config.rate_limits.clone(),
            in_flight: config.limits.in_flight,
            cost: config.limits.cost,
            body_bytes: config.limits.body_bytes_signed_in,
        };
        Self { counts: Mutex::default(), limits }
    }

    /// The limits that clients meet.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a request.
    pub fn count(&self, client: &Client, now: DateTimeUtc) {
        self.add(client, now, Count { requests: 1, refused: 0, last_at: now });
    }

    /// Counts that a limit refused a request, which was counted as one already.
    pub fn count_refusal(&self, client: &Client, now: DateTimeUtc) {
        self.add(client, now, Count { requests: 0, refused: 1, last_at: now });
    }

    fn add(&self, client: &Client, now: DateTimeUtc, count: Count) {
        add(&mut self.counts.lock(), (client.clone(), day_of(now)), count);
    }

    /// Writes what was counted. After an error it is counted still.
    pub async fn flush(&self, database: &Database) -> Result<(), DbErr> {
        let counts = std::mem::take(&mut *self.counts.lock());
        if counts.is_empty() {
            return Ok(());
        }
        let written = write(database, &counts).await;
        if written.is_err() {
            let mut current = self.counts.lock();
            counts.into_iter().for_each(|(key, count)| add(&mut current, key, count));
        }
        written
    }

    /// Writes for ever, every few seconds.
    pub async fn keep_flushing(self: Arc<Self>, database: Database) {
        loop {
            tokio::time::sleep(FLUSH_INTERVAL).await;
            if let Err(error) = self.flush(&database).await {
                tracing::warn!(%error, "how often clients ask could not be written; tried again soon");
            }
        }
    }

    /// The days of a client, newest first, up to a day: what was written by all instances, and what this one has counted since.
    pub async fn days(
        &self,
        db: &impl ConnectionTrait,
        client: &Client,
        today: Date,
    ) -> Result<Vec<(Date, Count)>, DbErr> {
        let first = today - chrono::TimeDelta::days(DAYS_TOLD - 1);
        let rows = usage_day::Entity::find()
            .filter(Column::Issuer.eq(&client.issuer))
            .filter(Column::ClientId.eq(&client.client_id))
            .filter(Column::Day.between(first, today))
            .order_by_desc(Column::Day);
        let mut days = Counts::new();
        for row in rows.all(db).await? {
            let count = Count { requests: row.requests, refused: row.refused, last_at: row.last_at };
            days.insert((client.clone(), row.day), count);
        }
        let counted = self.counts.lock();
        let own = counted.iter().filter(|((of, day), _)| of == client && (first..=today).contains(day));
        own.for_each(|(key, count)| add(&mut days, key.clone(), *count));
        drop(counted);
        let mut days: Vec<(Date, Count)> = days.into_iter().map(|((_, day), count)| (day, count)).collect();
        days.sort_by_key(|(day, _)| std::cmp::Reverse(*day));
        Ok(days)
    }
}

fn add(counts: &mut Counts, key: (Client, Date), count: Count) {
    let nothing = Count { requests: 0, refused: 0, last_at: count.last_at };
    let known = counts.entry(key).or_insert(nothing);
    known.requests += count.requests;
    known.refused += count.refused;
    known.last_at = Ord::max(known.last_at, count.last_at);
}

/// Adds counts to the rows that are there, whoever wrote them. In the order of their keys: so two instances wait for each other
/// instead of standing in each other's way.
async fn write(database: &Database, counts: &Counts) -> Result<(), DbErr> {
    let mut rows: Vec<usage_day::Model> = counts
        .iter()
        .map(|((client, day), count)| usage_day::Model {
            issuer: client.issuer.clone(),
            client_id: client.client_id.clone(),
            day: *day,
            requests: count.requests,
            refused: count.refused,
            last_at: count.last_at,
        })
        .collect();
    rows.sort_by(|a, b| (&a.issuer, &a.client_id, a.day).cmp(&(&b.issuer, &b.client_id, b.day)));
    let db = database.begin_write().await?;
    for chunk in rows.chunks(ROWS_AT_ONCE) {
        let rows = chunk.iter().cloned().map(IntoActiveModel::into_active_model);
        usage_day::Entity::insert_many(rows).on_conflict(added()).exec_without_returning(&*db).await?;
    }
    db.commit().await
}

fn added() -> OnConflict {
    let current = |column: Column| Expr::col((usage_day::Entity, column));
    let new = |column: Column| Expr::col(("excluded", column));
    let sum = |column: Column| current(column).add(new(column));
    let later = CaseStatement::new()
        .case(new(Column::LastAt).gt(current(Column::LastAt)), new(Column::LastAt))
        .finally(current(Column::LastAt));
    OnConflict::columns([Column::Issuer, Column::ClientId, Column::Day])
        .value(Column::Requests, sum(Column::Requests))
        .value(Column::Refused, sum(Column::Refused))
        .value(Column::LastAt, later)
        .to_owned()
}

/// Removes days that are older than 90 days. How many rows.
pub async fn prune(database: &Database, clock: Clock) -> Result<u64, DbErr> {
    let db = database.begin_write().await?;
    let old = usage_day::Entity::delete_many().filter(Column::Day.lt(day_of(clock.now() - KEPT)));
    let removed = old.exec(&*db).await?.rows_affected;
    db.commit().await?;
    Ok(removed)
}
