//! The current snapshot: swapped as a whole when the version in the database rises.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use sea_orm::DbErr;

use super::{Snapshot, load};
use crate::database::Database;

/// The snapshot that answers now, and whether the database behind it answers too.
#[derive(Debug)]
pub struct Live {
    database: Database,
    current: ArcSwap<Snapshot>,
    is_database_up: AtomicBool,
}

impl Live {
    /// Loads the first snapshot.
    pub async fn load(database: Database) -> Result<Self, DbErr> {
        let snapshot = load_snapshot(&database).await?;
        Ok(Self { database, current: ArcSwap::from_pointee(snapshot), is_database_up: AtomicBool::new(true) })
    }

    /// The snapshot to answer a request from. Take it once per request.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Whether the last look at the database succeeded.
    pub fn is_database_up(&self) -> bool {
        self.is_database_up.load(Ordering::Relaxed)
    }

    /// Looks at the version and loads a new snapshot when it has risen. While the database is away the last
    /// snapshot goes on answering.
    pub async fn refresh(&self) {
        let result = self.try_refresh().await;
        let was_up = self.is_database_up.swap(result.is_ok(), Ordering::Relaxed);
        match result {
            Ok(()) if !was_up => tracing::info!("the database answers again"),
            Err(error) if was_up => tracing::error!(%error, "the database does not answer; serving the last snapshot"),
            _ => {}
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

    async fn try_refresh(&self) -> Result<(), DbErr> {
        // `!=`, not `>`: a database that was restored from a backup has an older version.
        if load::version(self.database.connection()).await? != self.current.load().version {
            self.current.store(Arc::new(load_snapshot(&self.database).await?));
        }
        Ok(())
    }
}

async fn load_snapshot(database: &Database) -> Result<Snapshot, DbErr> {
    let start = Instant::now();
    let snapshot = Snapshot::build(load::rows(database).await?);
    tracing::info!(
        version = snapshot.version,
        products = snapshot.products.len(),
        elapsed_ms = start.elapsed().as_millis() as u64,
        "catalogue loaded"
    );
    Ok(snapshot)
}
