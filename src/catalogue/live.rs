//! The current snapshot: swapped as a whole when the version in the database rises.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use sea_orm::{ConnectionTrait, DbErr, prelude::DateTimeUtc};
use tokio::sync::Mutex;

use super::{Snapshot, load};
use crate::database::Database;

/// Longest wait for a look at the database or for loading from it: a host that vanished does not answer at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// The snapshot that answers now, and whether the database behind it answers too.
#[derive(Debug)]
pub struct Live {
    database: Database,
    current: ArcSwap<Snapshot>,
    is_database_up: AtomicBool,
    is_current: AtomicBool,
    loading: Mutex<()>,
}

impl Live {
    /// Loads the first snapshot.
    pub async fn load(database: Database) -> Result<Self, DbErr> {
        let current = ArcSwap::from_pointee(load_snapshot(&database, None).await?);
        let (is_database_up, is_current) = (AtomicBool::new(true), AtomicBool::new(true));
        Ok(Self { database, current, is_database_up, is_current, loading: Mutex::new(()) })
    }

    /// The snapshot to answer a request from. Take it once per request.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Whether the last look at the database succeeded.
    pub fn is_database_up(&self) -> bool {
        self.is_database_up.load(Ordering::Relaxed)
    }

    /// Whether the snapshot is the one that the database held at the last look.
    pub fn is_current(&self) -> bool {
        self.is_current.load(Ordering::Relaxed)
    }

    /// The snapshot that a transaction may decide on: the catalogue is the same in the database, and stays so until the
    /// transaction ends. None when it is another there: then begin again after [`Live::refresh`].
    pub async fn snapshot_for(&self, transaction: &impl ConnectionTrait) -> Result<Option<Arc<Snapshot>>, DbErr> {
        let version = load::lock_version(transaction).await?;
        Ok(Some(self.snapshot()).filter(|snapshot| snapshot.version == version))
    }

    /// The snapshot that a transaction may change the catalogue on: nobody else decides on it or changes it until the
    /// transaction ends. Raises the version. None when it is another in the database: then begin again after
    /// [`Live::refresh`].
    pub async fn snapshot_to_change(
        &self,
        transaction: &impl ConnectionTrait,
        now: DateTimeUtc,
    ) -> Result<Option<Arc<Snapshot>>, DbErr> {
        load::raise_version(transaction, now).await?;
        let raised = load::version(transaction).await?;
        Ok(Some(self.snapshot()).filter(|snapshot| snapshot.version + 1 == raised))
    }

    /// Looks at the version and loads a new snapshot when it is another. While the database is away, or holds what
    /// can't be loaded, the last snapshot goes on answering.
    pub async fn refresh(&self) {
        let version = in_time(load::version(self.database.connection())).await;
        let was_up = self.is_database_up.swap(version.is_ok(), Ordering::Relaxed);
        // Where no connection was free the others still work.
        if version.as_ref().is_err_and(|error| !matches!(error, DbErr::ConnectionAcquire(_))) {
            self.database.note_away();
        }
        match version {
            Ok(version) => {
                if !was_up {
                    tracing::info!("the database answers again");
                }
                self.take_over(version).await;
            }
            Err(error) if was_up => tracing::error!(%error, "the database does not answer; serving the last snapshot"),
            Err(_) => {}
        }
    }

    /// Refreshes for ever.
    pub async fn keep_fresh(self: Arc<Self>, every: Duration) {
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.refresh().await;
        }
    }

    async fn take_over(&self, version: i64) {
        // `==`, not `<=`: a database that was restored from a backup has an older version.
        if version == self.current.load().version {
            self.is_current.store(true, Ordering::Relaxed);
            return;
        }
        // One load serves all who wait for it.
        let _turn = self.loading.lock().await;
        if version == self.current.load().version {
            return;
        }
        let loaded = in_time(load_snapshot(&self.database, Some(self.snapshot()))).await;
        let was_current = self.is_current.swap(loaded.is_ok(), Ordering::Relaxed);
        match loaded {
            Ok(snapshot) => self.current.store(Arc::new(snapshot)),
            Err(error) if was_current => {
                tracing::error!(%error, version, "the catalogue can't be loaded; serving the last one")
            }
            Err(_) => {}
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
    let late = |_| DbErr::Custom(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, work).await.map_err(late)?
}

/// Loads a snapshot, with what has not been changed since an earlier one taken from there.
async fn load_snapshot(database: &Database, earlier: Option<Arc<Snapshot>>) -> Result<Snapshot, DbErr> {
    let start = Instant::now();
    let rows = load::rows_after(&database.begin_consistent_read().await?, earlier.as_deref()).await?;
    // It takes long enough for others to wait for.
    let built = tokio::task::spawn_blocking(move || Snapshot::build_after(rows, earlier.as_deref())).await;
    let snapshot = built.map_err(|error| DbErr::Custom(error.to_string()))?;
    tracing::info!(
        version = snapshot.version,
        products = snapshot.products.len(),
        elapsed_ms = start.elapsed().as_millis() as u64,
        "catalogue loaded"
    );
    Ok(snapshot)
}
