//! How far the change feed has gone, as this process knows it: looked up after its own commits, after announcements of other
//! instances, and every now and then, because only the table is the truth.
//!
//! INVARIANT: an entry is told only after the catalogue was looked at: a snapshot that is taken after [`Watch::head`] shows
//! what the entries up to it speak of.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use ::entity::record_head;
use parking_lot::Mutex;
use sea_orm::{DbErr, EntityTrait};
use tokio::sync::watch;

use crate::{
    catalogue::{Live, Snapshot},
    changes::{self, Entry, View},
    database::Database,
    error::Result,
    subscriptions::marks::Marks,
};

/// For how long what was read of subscriptions is told again without a look at the feed.
const FRESH: Duration = Duration::from_millis(500);
/// Entries that a follower reads at once.
const ENTRIES_AT_ONCE: usize = 100;

/// Sequence of the last entry that is known, for all who wait for the next.
#[derive(Debug)]
pub struct Watch {
    database: Database,
    live: Arc<Live>,
    installation: String,
    head: watch::Sender<i64>,
    marks: Marks,
    looking: tokio::sync::Mutex<()>,
    looked: Mutex<Look>,
}

/// A look at the feed that has succeeded.
#[derive(Clone, Copy, Debug)]
struct Look {
    /// When it began.
    at: Instant,
    /// How often this process had written by then.
    writes: u64,
}

impl Watch {
    /// Looks for the first time.
    pub async fn start(database: Database, live: Arc<Live>) -> Result<Arc<Self>, DbErr> {
        let looked = Mutex::new(Look::now(&database));
        let row = heads(&database).await?;
        let head = watch::Sender::new(row.change_sequence);
        let (marks, looking) = Default::default();
        Ok(Arc::new(Self { database, live, installation: row.installation_id, head, marks, looking, looked }))
    }

    /// The id of this installation; cursors name it.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// Sequence of the last entry that is known.
    pub fn head(&self) -> i64 {
        *self.head.borrow()
    }

    /// Tells whenever the feed has gone on, while somebody holds it.
    pub fn heads(&self) -> watch::Receiver<i64> {
        self.head.subscribe()
    }

    /// Follows the feed from the entry after a sequence on.
    pub fn follow(self: &Arc<Self>, after: i64) -> Follower {
        Follower { watch: self.clone(), head: self.head.subscribe(), position: after, read: VecDeque::new() }
    }

    /// Looks at the database, brings the catalogue up to it, and tells those who wait. The sequence of the last entry.
    pub async fn look(&self) -> Result<i64, DbErr> {
        let look = Look::now(&self.database);
        let (head, known) = (heads(&self.database).await?.change_sequence, self.head());
        if head < known {
            // A database that was put back to a backup.
            self.marks.note_all();
        }
        if head > known {
            self.live.refresh().await;
            self.marks.note(self.database.connection(), known, head).await?;
            // Of two looks at once the earlier one may come last.
            self.head.send_if_modified(|known| {
                let is_later = head > *known;
                *known = head.max(*known);
                is_later
            });
        }
        *self.looked.lock() = look;
        Ok(head)
    }

    /// Whose subscriptions were changed, as of a moment that is [`FRESH`] and after the last commit of this process.
    pub async fn marks(&self) -> Result<&Marks, DbErr> {
        if !self.is_fresh() {
            // One look serves all who wait for it.
            let _turn = self.looking.lock().await;
            if !self.is_fresh() {
                self.look().await?;
            }
        }
        Ok(&self.marks)
    }

    /// The same as of the last look, however long ago: before something is read of what they mark.
    pub fn last_marks(&self) -> &Marks {
        &self.marks
    }

    fn is_fresh(&self) -> bool {
        let looked = *self.looked.lock();
        looked.writes == self.database.writes() && looked.at.elapsed() < FRESH
    }

    /// Looks for ever, while somebody waits.
    pub async fn keep_looking(self: Arc<Self>, every: Duration) {
        loop {
            tokio::select! {
                () = self.database.written() => {}
                () = tokio::time::sleep(every) => {}
            }
            if self.head.receiver_count() == 0 {
                continue;
            }
            if let Err(error) = self.look().await {
                tracing::debug!(%error, "the change feed could not be looked at");
            }
        }
    }
}

/// Gives entry after entry, of a view that may be another each time it reads. Holds no more than [`ENTRIES_AT_ONCE`] of them.
#[derive(Debug)]
pub struct Follower {
    watch: Arc<Watch>,
    head: watch::Receiver<i64>,
    /// Up to here the feed was read.
    position: i64,
    read: VecDeque<Entry>,
}

impl Follower {
    /// Waits for the next entry. It may be asked again after an error, and goes on where it was.
    pub async fn next(&mut self, view: impl Fn(&Snapshot) -> View) -> Result<Entry> {
        loop {
            if let Some(entry) = self.read.pop_front() {
                return Ok(entry);
            }
            let position = self.position;
            // The sender lives as long as the watch, which this holds.
            let head = self.head.wait_for(|head| *head > position).await.map(|head| *head);
            let head = head.map_err(crate::error::Error::internal)?;
            let view = view(&self.watch.live.snapshot());
            let db = self.watch.database.connection();
            let page = changes::read(db, &view, Some(position), head, ENTRIES_AT_ONCE).await?;
            self.position = page.end;
            self.read.extend(page.entries);
        }
    }
}

impl Look {
    fn now(database: &Database) -> Self {
        Self { at: Instant::now(), writes: database.writes() }
    }
}

async fn heads(database: &Database) -> Result<record_head::Model, DbErr> {
    let row = record_head::Entity::find().one(database.connection()).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("record_heads".to_owned()))
}
