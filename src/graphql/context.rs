//! What every resolver reads: one snapshot, one day, one language for the whole request.

use std::{
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use async_graphql::Context;
use chrono::{DateTime, NaiveDate, Utc};

use super::contact_person::Persons;
use crate::{
    access::{Caller, Phase},
    catalogue::Snapshot,
    desk::Desk,
    error::Result,
    phases,
    subscriptions::{scope::unauthenticated, situation::Ground},
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
    /// The request.
    pub request_id: String,
    /// Database, clock and rules.
    pub desk: Arc<Desk>,
    /// What is read of persons, for all fields together.
    pub persons: Arc<Persons>,
    /// Whether the database was asked: then fields may have been answered in another order than they were asked.
    pub has_asked_database: Arc<AtomicBool>,
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

/// The ground of this request.
// INVARIANT: the HTTP handler puts a `Reading` into every request.
pub fn reading<'c>(context: &Context<'c>) -> &'c Reading {
    context.data_unchecked::<Reading>()
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

    /// Notes that the database is asked.
    pub fn note_database(&self) {
        self.has_asked_database.store(true, Ordering::Relaxed);
    }

    /// A sentence in the language of the request.
    pub fn say<'t>(&self, de: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::De => de,
            Language::En => en,
        }
    }
}
