//! From a bearer token to a caller.
//!
//! A token is accepted or not; why not is told to the operators' log only, without the token.

pub mod demo;
mod keys;
mod token;

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use self::{keys::Keys, token::Rules};
use crate::{
    access::{Caller, Role},
    catalogue::Snapshot,
    config::Config,
};

pub use self::{keys::Source, token::Claims};

/// Longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 8 * 1024;
/// Accepted tokens that are remembered.
const REMEMBERED_TOKENS: usize = 10_000;
/// Unknown roles that are logged, each once; more would be somebody's play.
const LOGGED_ROLES: usize = 100;

/// Whether tokens can be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// No keys are configured: no token is accepted.
    NotConfigured,
    /// Keys are there.
    Ready,
    /// Keys are configured, but could not be had yet.
    Waiting,
}

/// Knows whom to believe.
#[derive(Debug)]
pub struct Identity {
    keys: Keys,
    rules: Rules,
    remembered: Cache<[u8; 32], Remembered>,
    logged_roles: Mutex<HashSet<String>>,
}

#[derive(Clone, Debug)]
struct Remembered {
    claims: Arc<Claims>,
    // Keys that are gone take their tokens with them.
    generation: u64,
}

impl Identity {
    /// Reads the keys. An unreadable file is an error; an issuer that is away is asked again later.
    pub async fn new(config: &Config, source: Source, now: DateTime<Utc>) -> Result<Self, String> {
        let rules = Rules::new(config, &source);
        Ok(Self {
            keys: Keys::load(source, now).await?,
            rules,
            remembered: Cache::new(REMEMBERED_TOKENS),
            logged_roles: Mutex::new(HashSet::new()),
        })
    }

    /// What an accepted token claims; none for a token that is not accepted. A token is verified once and remembered.
    pub async fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<Arc<Claims>> {
        if token.len() > LONGEST_TOKEN {
            tracing::debug!(bytes = token.len(), "a token was refused: too long");
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        self.keys.keep_fresh(now).await;
        if let Some(known) = self.remembered.get(&digest) {
            if known.generation == self.keys.generation() && known.claims.hold_at(now) {
                return Some(known.claims);
            }
            self.remembered.remove(&digest);
        }
        match self.examine(token, now).await {
            Ok(known) => {
                self.remembered.insert(digest, known.clone());
                Some(known.claims)
            }
            Err(reason) => {
                tracing::debug!(reason, "a token was refused");
                None
            }
        }
    }

    async fn examine(&self, token: &str, now: DateTime<Utc>) -> Result<Remembered, &'static str> {
        let header = token::header(token)?;
        let (key, generation) = self.keys.find(&header.kid, now).await.ok_or("unknown kid")?;
        let (claims, unknown_roles) = token::claims(token, &header, &key, &self.rules)?;
        if !claims.hold_at(now) {
            return Err("expired or not valid yet");
        }
        unknown_roles.iter().for_each(|role| self.log_unknown(role));
        Ok(Remembered { claims: Arc::new(claims), generation })
    }

    fn log_unknown(&self, role: &str) {
        let mut logged = self.logged_roles.lock();
        if logged.len() < LOGGED_ROLES && logged.insert(role.to_owned()) {
            let role: String = role.chars().filter(|c| !c.is_control()).take(60).collect();
            tracing::warn!(role, "tokens name a role that is unknown here; it is ignored");
        }
    }

    /// Whether tokens can be accepted; asks for missing keys again, at most once a minute.
    pub async fn readiness(&self, now: DateTime<Utc>) -> Readiness {
        self.keys.readiness(now).await
    }
}

impl Claims {
    /// The caller that these claims mean on a day: organisations are those that the catalogue knows. Who names a provider that
    /// has merged acts for the one that it has gone into.
    pub fn caller(&self, snapshot: &Snapshot, today: NaiveDate) -> Caller {
        let municipality = self.municipality.as_ref().map(|ags| {
            let found = snapshot.municipality_by_ags(ags);
            found.map(|at| snapshot.municipalities[at].row.id)
        });
        let provider = self
            .provider
            .as_ref()
            .and_then(|key| snapshot.provider_by_key(key))
            .map(|at| snapshot.acting_for(at, today));
        let groups = snapshot.customer_groups.iter();
        let groups = groups.filter(|(_, group)| self.customer_groups.contains(&group.row.key));
        let mut roles = self.roles.clone();
        // An auditor of one municipality must not become an auditor of all because the municipality is unknown.
        if municipality == Some(None) {
            roles.retain(|role| *role != Role::Auditor);
        }
        Caller {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            roles,
            municipality: municipality.flatten(),
            provider: provider.map(|at| snapshot.providers[at].row.id),
            customer_groups: groups.map(|(_, group)| group.row.id).collect(),
        }
    }
}
