//! A portfolio compared with what is there: what would be new, another, the same, missing, or refused.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ::entity::product::Lifecycle;
use sea_orm::prelude::{DateTimeUtc, Uuid};

use super::{
    Row, Surroundings,
    check::check,
    lifecycle::{Known, entered},
    store::{Stored, Writing},
};
use crate::error::{Code, Error};

/// What becomes of a row.
#[derive(Debug)]
pub enum Outcome {
    /// A new product.
    Added(Arc<Stored>),
    /// A product that is another than before.
    Changed {
        /// What it was.
        before: Arc<Stored>,
        /// What it is to be.
        after: Arc<Stored>,
        /// The fields in which they differ.
        fields: Vec<String>,
    },
    /// A product that is the same as before.
    Unchanged(Arc<Stored>),
    /// Everything that is wrong with it.
    Rejected(Vec<Error>),
}

impl Outcome {
    /// The same where nothing is written: what would change stays as it is.
    pub(super) fn unwritten(self) -> Self {
        match self {
            Self::Changed { before, .. } => Self::Unchanged(before),
            outcome => outcome,
        }
    }
}

/// A portfolio compared with what is there.
#[derive(Debug)]
pub struct Plan {
    /// One for each row, in their order.
    pub outcomes: Vec<Outcome>,
    /// Products that are there and not among the rows, by the provider's own key; what is retired is not missed.
    pub missing: Vec<String>,
}

/// What the comparison needs to know besides the rows.
#[derive(Debug)]
pub struct Facts<'s> {
    /// The catalogue, the provider, today.
    pub around: Surroundings<'s>,
    /// Its products, by its own key.
    pub existing: HashMap<String, Arc<Stored>>,
    /// Products that somebody takes or has asked for.
    pub in_use: HashSet<Uuid>,
    /// Now.
    pub now: DateTimeUtc,
    /// What is being written goes to the review, also when the steward returned it and it is the same as then.
    pub is_submission: bool,
}

/// Compares rows with what is there.
pub fn plan(facts: &Facts<'_>, rows: &[Row]) -> Plan {
    let mut seen = HashSet::new();
    let outcomes = rows.iter().map(|row| {
        let key = row.external_id.trim();
        if !key.is_empty() && !seen.insert(key.to_owned()) {
            return Outcome::Rejected(vec![twice()]);
        }
        outcome(facts, row, facts.existing.get(key))
    });
    let outcomes = outcomes.collect();
    let is_missing =
        |(key, stored): &(&String, &Arc<Stored>)| !seen.contains(*key) && stored.row.lifecycle != Lifecycle::Retired;
    let mut missing: Vec<String> = facts.existing.iter().filter(is_missing).map(|(key, _)| key.clone()).collect();
    missing.sort_unstable();
    Plan { outcomes, missing }
}

fn outcome(facts: &Facts<'_>, row: &Row, stored: Option<&Arc<Stored>>) -> Outcome {
    let known = stored.and_then(|stored| stored.known(facts.around.snapshot, facts.around.today));
    let entry = match check(row, facts.around, known.as_ref()) {
        Ok(entry) => entry,
        Err(errors) => return Outcome::Rejected(errors),
    };
    let fields = known.as_ref().map(|known| entry.changes(&known.entry)).unwrap_or_default();
    let lifecycle = entered(known.as_ref(), entry.lifecycle, facts.is_submission || !fields.is_empty());
    if let Some(error) = stored.and_then(|stored| still_in_use(facts, stored, lifecycle)) {
        return Outcome::Rejected(vec![error]);
    }
    let is_same = |known: &Known| fields.is_empty() && known.lifecycle == lifecycle;
    if let (Some(stored), true) = (stored, known.as_ref().is_some_and(is_same)) {
        return Outcome::Unchanged(stored.clone());
    }
    let id = stored.map_or_else(Uuid::new_v4, |stored| stored.row.id);
    let after = Writing { entry: &entry, lifecycle, before: stored.map(Arc::as_ref), id }.rows(facts.around, facts.now);
    match (stored, after) {
        (None, Some(after)) => Outcome::Added(Arc::new(after)),
        (Some(before), Some(after)) => Outcome::Changed { before: before.clone(), after: Arc::new(after), fields },
        (_, None) => Outcome::Rejected(vec![Error::internal("an entry refers to what the catalogue does not hold")]),
    }
}

/// What somebody takes is not gone.
pub fn still_in_use(facts: &Facts<'_>, stored: &Stored, lifecycle: Lifecycle) -> Option<Error> {
    let is_retired_now = lifecycle == Lifecycle::Retired && stored.row.lifecycle != Lifecycle::Retired;
    (is_retired_now && facts.in_use.contains(&stored.row.id)).then(|| {
        Error::new(
            Code::IllegalStep,
            "Die Leistung wird noch bezogen oder ist angefragt. RETIRED wird sie, wenn niemand sie mehr bezieht.",
            "The product is still taken or asked for. It becomes RETIRED once nobody takes it any more.",
        )
        .with("field", "lifecycle")
        .next(
            "Zuerst PHASE_OUT, dann die Bezüge überführen oder beenden.",
            "First PHASE_OUT, then move or end the subscriptions.",
        )
    })
}

fn twice() -> Error {
    Error::bad_input(
        "externalId",
        "externalId steht schon in einer früheren Zeile. Bitte jede Leistung nur einmal angeben.",
        "externalId stands in an earlier row already. Please give each product only once.",
    )
}
