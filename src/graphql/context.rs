//! What every resolver reads: one snapshot, one day, one language for the whole request.

use std::{
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, Ordering},
    },
};

use async_graphql::{Context, QueryPathSegment};
use chrono::{DateTime, NaiveDate, Utc};
use parking_lot::Mutex;

use super::{contact_person::Persons, scalars::Date};
use crate::{
    access::{Caller, Client, Phase},
    as_of::Days,
    catalogue::Snapshot,
    desk::Desk,
    error::{Error, Result},
    phases,
    subscriptions::{opened::Opened, scope::unauthenticated, situation::Ground},
    text::Language,
};

/// The ground of one request.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The catalogue, one version of it.
    pub snapshot: Version,
    /// Sequence of the last entry of the change feed that the catalogue is known to show.
    pub feed_head: i64,
    /// Now.
    pub now: DateTime<Utc>,
    /// The calendar day in Europe/Berlin.
    pub today: NaiveDate,
    /// The language of messages.
    pub language: Language,
    /// Who asks; none without a token.
    pub caller: Option<Caller>,
    /// The program that asks; none without a token.
    pub client: Option<Client>,
    /// The request.
    pub request_id: String,
    /// Database, clock and rules.
    pub desk: Arc<Desk>,
    /// What is read of persons, for all fields together.
    pub persons: Arc<Persons>,
    /// The catalogue of other days.
    pub days: Arc<Days>,
    /// What root fields that ask for another day stand on.
    pub roots: Arc<OtherDays>,
    /// Whether this is the catalogue of another day than today.
    pub is_of_another_day: bool,
    /// What was read besides the catalogue.
    pub reads: Arc<Reads>,
    /// The transaction that was opened for the change of a subscription, which decides on this catalogue.
    pub opened: Arc<Mutex<Option<Opened>>>,
}

/// What a request has read besides its catalogue.
#[derive(Debug, Default)]
pub struct Reads(AtomicU8);

/// How much was read; more of it comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Read {
    /// Nothing.
    Nothing,
    /// Subscriptions that the caller may read: they change with an entry of the feed, or when something expires.
    Subscriptions,
    /// Anything else in the database.
    Anything,
}

impl Reads {
    /// How much was read so far.
    pub fn most(&self) -> Read {
        match self.0.load(Ordering::Relaxed) {
            0 => Read::Nothing,
            1 => Read::Subscriptions,
            _ => Read::Anything,
        }
    }

    fn note(&self, read: Read) {
        self.0.fetch_max(read as u8, Ordering::Relaxed);
    }
}

/// The version of the catalogue that a request reads: the one it began with, and after a change of its own the one since then.
// INVARIANT: mutations run one after the other, each until its payload is answered, and only they go on to a later version.
// So nobody holds a place in an earlier one.
#[derive(Clone, Debug)]
pub struct Version {
    snapshot: Arc<Snapshot>,
    later: OnceLock<Box<Version>>,
}

impl Version {
    /// Goes on to a later version.
    fn go_on(&self, snapshot: Arc<Snapshot>) {
        match self.later.get() {
            Some(later) => later.go_on(snapshot),
            None => {
                self.later.get_or_init(|| Box::new(snapshot.into()));
            }
        }
    }

    /// The same, to be taken along.
    pub fn shared(&self) -> Arc<Snapshot> {
        self.later.get().map_or_else(|| self.snapshot.clone(), |later| later.shared())
    }
}

impl From<Arc<Snapshot>> for Version {
    fn from(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot, later: OnceLock::new() }
    }
}

impl Deref for Version {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        self.later.get().map_or(&self.snapshot, |later| later)
    }
}

/// The ground of this request, as of today.
// INVARIANT: the HTTP handler puts a `Reading` into every request.
pub fn today<'c>(context: &Context<'c>) -> &'c Reading {
    context.data_unchecked::<Reading>()
}

/// The ground of the fields below the same root field: of today, or of the day that it asked for.
pub fn reading<'c>(context: &Context<'c>) -> &'c Reading {
    let today = today(context);
    // Most requests ask for no other day.
    if today.roots.is_empty() {
        return today;
    }
    root_key(context).and_then(|root| today.roots.find(root)).unwrap_or(today)
}

/// The ground of the fields below this root field, as of the day that it asks for.
pub async fn reading_as_of<'c>(context: &Context<'c>, as_of: Option<Date>) -> Result<&'c Reading> {
    let today = today(context);
    let Some(Date(day)) = as_of.filter(|day| day.0 != today.today) else { return Ok(today) };
    let root = root_key(context).ok_or_else(|| Error::internal("a field without a place"))?;
    today.note_database();
    let snapshot = today.days.snapshot(today.snapshot.shared(), day, today.today).await?;
    let (roots, is_of_another_day) = (Arc::default(), true);
    let of_day = Reading { snapshot: snapshot.into(), today: day, roots, is_of_another_day, ..today.clone() };
    Ok(today.roots.add(root, of_day))
}

/// The name of the root field in the answer.
fn root_key<'c>(context: &Context<'c>) -> Option<&'c str> {
    let mut node = context.path_node.as_ref()?;
    while let Some(parent) = node.parent {
        node = parent;
    }
    match node.segment {
        QueryPathSegment::Name(name) => Some(name),
        QueryPathSegment::Index(_) => None,
    }
}

/// What root fields of one request stand on that asked for other days, by their names in the answer.
// INVARIANT: only adds, so that what was found stays where it is.
#[derive(Debug, Default)]
pub struct OtherDays(OnceLock<Box<(String, Reading, OtherDays)>>);

impl OtherDays {
    fn is_empty(&self) -> bool {
        self.0.get().is_none()
    }

    fn find(&self, root: &str) -> Option<&Reading> {
        let (name, reading, next) = &**self.0.get()?;
        if name == root { Some(reading) } else { next.find(root) }
    }

    fn add(&self, root: &str, reading: Reading) -> &Reading {
        let of_root = || Box::new((root.to_owned(), reading.clone(), Self::default()));
        let (name, first, next) = &**self.0.get_or_init(of_root);
        // The same field, written twice in the document, asks for the same day.
        if name == root { first } else { next.add(root, reading) }
    }
}

/// The catalogue that this request reads.
pub fn snapshot<'c>(context: &Context<'c>) -> &'c Snapshot {
    &reading(context).snapshot
}

impl Reading {
    /// Goes on with the catalogue as it is after a change, so that the payload shows what was written.
    pub fn renew(&self) {
        self.snapshot.go_on(self.desk.live.snapshot());
    }

    /// Keys of providers, with those of the providers that act for them since a merger: the old key finds what went over.
    pub fn with_acting(&self, keys: Vec<String>) -> Vec<String> {
        let acting = keys.iter().filter_map(|key| self.snapshot.provider_by_key(key)).map(|at| {
            let acting = self.snapshot.acting_for(at, self.today);
            self.snapshot.providers[acting].row.key.clone()
        });
        let acting: Vec<String> = acting.collect();
        keys.into_iter().chain(acting).collect()
    }

    /// Refuses a field that is told of today only.
    pub fn only_today(&self, field: &str) -> Result<()> {
        if !self.is_of_another_day {
            return Ok(());
        }
        Err(Error::bad_input(
            "asOf",
            format!("{field} gibt es nur mit dem heutigen Stand. Bitte ohne asOf abfragen."),
            format!("{field} is told of today only. Please ask without asOf."),
        ))
    }

    /// The phase that is current today.
    pub fn phase(&self) -> Result<Phase> {
        phases::current(&self.snapshot)
    }

    /// What decisions of this request stand on.
    pub fn ground(&self) -> Result<Ground<'_>> {
        Ok(Ground {
            snapshot: &self.snapshot,
            engine: &self.desk.engine,
            now: self.now,
            today: self.today,
            phase: self.phase()?,
            assumed_phase: None,
        })
    }

    /// The caller; UNAUTHENTICATED without a token.
    pub fn signed_in(&self) -> Result<&Caller> {
        self.caller.as_ref().ok_or_else(unauthenticated)
    }

    /// The database.
    pub fn db(&self) -> &sea_orm::DatabaseConnection {
        self.note_database();
        self.desk.database.connection()
    }

    /// The database, to read nothing but subscriptions that the caller may read, and what was done with them.
    pub fn subscriptions_db(&self) -> &sea_orm::DatabaseConnection {
        self.reads.note(Read::Subscriptions);
        self.desk.database.connection()
    }

    /// Notes that the database is asked.
    pub fn note_database(&self) {
        self.reads.note(Read::Anything);
    }

    /// A sentence in the language of the request.
    pub fn say<'t>(&self, de: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::De => de,
            Language::En => en,
        }
    }
}
