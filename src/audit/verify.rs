//! Walking along the chain: through the archives that are given, then through the database, and comparing both ends with
//! what is known of them: the anchors, the head that every write keeps, and a head that was kept elsewhere.

use std::{fmt, path::PathBuf};

use ::entity::{
    audit_anchor,
    audit_event::{self, Column, Outcome},
    record_head,
};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryOrder};

use super::{ARCHIVE, Head, file, holds, rows::read};
use crate::database::Database;

/// What is known from elsewhere.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The last event at some earlier time.
    pub head: Option<Head>,
    /// All archives, in any order.
    pub archives: Vec<PathBuf>,
}

/// A trail that holds: every event is what it was, none is missing.
#[derive(Debug, PartialEq, Eq)]
pub struct Whole {
    /// Up to which event it was archived and not walked along; 0 when it was walked from the beginning.
    pub archived: i64,
    /// The last event.
    pub head: Head,
}

/// Why a trail does not hold, or why that can't be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The chain breaks at this event.
    BreaksAt {
        /// Its sequence, or the one that is missing.
        sequence: i64,
        /// What is wrong with it.
        why: String,
    },
    /// Something could not be read or written.
    Failed(String),
}

impl Fault {
    pub(super) fn at(sequence: i64, why: impl Into<String>) -> Self {
        Self::BreaksAt { sequence, why: why.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BreaksAt { sequence, why } => write!(formatter, "the audit trail breaks at event {sequence}: {why}"),
            Self::Failed(why) => formatter.write_str(why),
        }
    }
}

impl From<DbErr> for Fault {
    fn from(error: DbErr) -> Self {
        Self::Failed(format!("the audit trail can't be read or written: {error}"))
    }
}

impl From<tokio::task::JoinError> for Fault {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Failed(format!("the audit trail could not be checked: {error}"))
    }
}

/// The last event, by its own row and by the head that every write keeps. Does not walk along the chain.
pub async fn head(database: &Database) -> Result<Head, Fault> {
    let db = database.begin_consistent_read().await?;
    let known = Known::load(&db).await?;
    let last = audit_event::Entity::find().order_by_desc(Column::Sequence).one(&db).await?;
    let last = last.map_or_else(|| known.beginning(), |row| Head { sequence: row.sequence, hash: row.hash });
    known.check_end(&last)?;
    Ok(last)
}

/// Walks along the whole chain. `tell` is told from time to time how far that is: up to which event, of how many.
pub async fn verify(database: &Database, evidence: Evidence, tell: impl Fn(i64, i64)) -> Result<Whole, Fault> {
    let db = database.begin_consistent_read().await?;
    let known = Known::load(&db).await?;
    let beginning = if evidence.archives.is_empty() { known.beginning() } else { Head::genesis() };
    let archived = beginning.sequence;
    let mut walk = Walk::new(beginning, evidence.head);
    for archive in file::in_order(&evidence.archives)? {
        let anchors = known.anchors.clone();
        walk = tokio::task::spawn_blocking(move || archive.walk(walk, &anchors)).await??;
        tell(walk.at.sequence, known.head.sequence);
    }
    known.check_beginning(&walk.at)?;
    let tell = |sequence| tell(sequence, known.head.sequence);
    let (walk, ()) = walk_database(&db, walk, (), |(), _| Ok(()), tell).await?;
    walk.check(&known)?;
    Ok(Whole { archived, head: walk.at })
}

/// What the database knows of the trail besides its events.
pub(super) struct Known {
    /// How far it was archived, each time.
    anchors: Vec<audit_anchor::Model>,
    /// The head that every write keeps.
    pub(super) head: Head,
}

impl Known {
    pub(super) async fn load(db: &impl ConnectionTrait) -> Result<Self, Fault> {
        let anchors = audit_anchor::Entity::find().order_by_asc(audit_anchor::Column::Sequence).all(db).await?;
        let head = record_head::Entity::find().one(db).await?;
        let head = head.map(|row| Head { sequence: row.audit_sequence, hash: row.audit_hash });
        let head = head.ok_or_else(|| Fault::Failed("record_heads is empty: the database is broken".to_owned()))?;
        Ok(Self { anchors, head })
    }

    /// What the events in the database go on from.
    pub(super) fn beginning(&self) -> Head {
        let newest = self.anchors.last().map(|anchor| Head { sequence: anchor.sequence, hash: anchor.hash.clone() });
        newest.unwrap_or_else(Head::genesis)
    }

    fn check_beginning(&self, reached: &Head) -> Result<(), Fault> {
        let beginning = self.beginning();
        if *reached == beginning {
            return Ok(());
        }
        let why =
            format!("the archives end before it, but only after event {} the database goes on", beginning.sequence);
        Err(Fault::at(reached.sequence + 1, why))
    }

    fn check_end(&self, reached: &Head) -> Result<(), Fault> {
        if *reached == self.head {
            return Ok(());
        }
        Err(Fault::at(reached.sequence + 1, "the end of the trail is missing, or its head was changed"))
    }
}

/// A walk along the chain, event by event.
pub(super) struct Walk {
    beginning: Head,
    /// The event that was reached.
    pub(super) at: Head,
    told: Vec<audit_anchor::Model>,
    sought: Option<Head>,
}

impl Walk {
    pub(super) fn new(beginning: Head, sought: Option<Head>) -> Self {
        Self { at: beginning.clone(), beginning, told: Vec::new(), sought }
    }

    /// Goes on to an event, if it is the next one and what it was.
    pub(super) fn step(&mut self, event: &audit_event::Model) -> Result<(), Fault> {
        let sequence = self.at.sequence + 1;
        let why = match &self.sought {
            _ if event.sequence != sequence => Some("it is missing"),
            _ if event.previous_hash != self.at.hash => Some("it does not go on from the event before"),
            _ if !holds(event) => Some("it was changed"),
            Some(head) if head.sequence == sequence && head.hash != event.hash => Some(OTHER_HASH),
            _ => None,
        };
        if let Some(why) = why {
            return Err(Fault::at(sequence, why));
        }
        if event.action == ARCHIVE && event.outcome == Outcome::Committed {
            let anchor = event.after.as_ref().and_then(|text| serde_json::from_str(text).ok());
            self.told.extend(anchor);
        }
        self.at.sequence = sequence;
        self.at.hash.clone_from(&event.hash);
        Ok(())
    }

    /// What can be told only at the end of the way.
    pub(super) fn check(&self, known: &Known) -> Result<(), Fault> {
        known.check_end(&self.at)?;
        self.check_anchors(&known.anchors)?;
        self.check_sought()
    }

    /// Every anchor was told by an event after it, and every anchor that an event tells of is there.
    ///
    /// Who told of an older anchor may be archived itself: that is seen only when its archive was walked along too.
    fn check_anchors(&self, anchors: &[audit_anchor::Model]) -> Result<(), Fault> {
        let mut walked = anchors.iter().filter(|anchor| anchor.sequence >= self.beginning.sequence);
        if let Some(anchor) = walked.find(|anchor| !self.told.contains(anchor)) {
            return Err(Fault::at(anchor.sequence, "no event tells of the archive that ends with it"));
        }
        match self.told.iter().find(|anchor| !anchors.contains(anchor)) {
            Some(anchor) => Err(Fault::at(anchor.sequence, "the anchor of the archive that ends with it is missing")),
            None => Ok(()),
        }
    }

    /// The head that was kept elsewhere lies on the way.
    fn check_sought(&self) -> Result<(), Fault> {
        let Some(sought) = &self.sought else { return Ok(()) };
        if sought.sequence > self.at.sequence {
            return Err(Fault::at(sought.sequence, "it is missing: the end of the trail was cut off"));
        }
        if sought.sequence < self.beginning.sequence {
            let sequence = sought.sequence;
            let why = format!("event {sequence} of the head is archived; please name all archives with --archive FILE");
            return Err(Fault::Failed(why));
        }
        if sought.sequence == self.beginning.sequence && *sought != self.beginning {
            return Err(Fault::at(sought.sequence, OTHER_HASH));
        }
        Ok(())
    }
}

const OTHER_HASH: &str = "its hash is not the one of the head: it, or an event before it, was rewritten";

/// Walks along the events of the database; what is right goes on to `take`. Reads while it checks: two threads work.
pub(super) async fn walk_database<S: Send + 'static>(
    db: &impl ConnectionTrait,
    walk: Walk,
    sink: S,
    take: fn(&mut S, audit_event::Model) -> Result<(), Fault>,
    tell: impl Fn(i64),
) -> Result<(Walk, S), Fault> {
    // From the very beginning: nothing may stand before the newest anchor.
    let mut events = read(db, i64::MIN).await?;
    let mut reached = (walk, sink);
    while let Some(last) = events.last().map(|event| event.sequence) {
        let checking = tokio::task::spawn_blocking(move || {
            for event in events {
                reached.0.step(&event)?;
                take(&mut reached.1, event)?;
            }
            Ok::<_, Fault>(reached)
        });
        let next = read(db, last).await;
        reached = checking.await??;
        events = next?;
        tell(reached.0.at.sequence);
    }
    Ok(reached)
}
