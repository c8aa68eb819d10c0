//! A check without a service: the same rules, against the reference data that the program carries.

use super::report::{Fault, Outcome, Report, RowReport};
use crate::{
    catalogue::Live,
    clock::Clock,
    config::{Config, Flags},
    database::Database,
    error::Error,
    policies,
    portfolios::{
        Row,
        plan::{self, plan},
        register::{self, Registering},
    },
    seed::{self, Content},
    text::Language,
};

/// What the service would say to these rows if its catalogue were the reference data: as a first registration.
pub(super) async fn check(rows: &[Row], provider: Option<&str>, language: Language) -> Result<Report, String> {
    let flags = Flags { database_url: Some("sqlite::memory:".to_owned()), ..Flags::default() };
    let database = Database::connect(&Config::load(&flags)?).await?;
    database.migrate_up().await?;
    let clock = Clock::System;
    seed::run(&database, policies::load(None)?.fingerprint(), clock, Content::Reference).await?;
    let live = Live::load(database.clone()).await.map_err(|error| error.to_string())?;
    let snapshot = live.snapshot();
    let at = match provider {
        Some(key) => snapshot.provider_by_key(key),
        // Nothing of a row depends on whose it is.
        None => snapshot.providers.places().next(),
    };
    let said = |error: Error| format!("{} {}", error.message(language), error.next_step(language));
    let id = at
        .map(|at| snapshot.providers[at].row.id)
        .ok_or_else(|| said(Error::not_found(provider.unwrap_or("provider"))))?;
    let facts = register::facts(database.connection(), &snapshot, id, clock.now()).await.map_err(said)?;
    let plan = plan(&facts, rows);
    let deed = Registering {
        provider: id,
        count: i64::try_from(rows.len()).ok(),
        digest: None,
        rows: rows.to_vec(),
        accepts_valid: false,
        phases_out: None,
        step: None,
        is_rehearsal: true,
    };
    register::check(&deed, deed.rows.len(), &plan).map_err(said)?;
    database.close().await?;
    Ok(report(rows, plan.outcomes, language))
}

fn report(rows: &[Row], outcomes: Vec<plan::Outcome>, language: Language) -> Report {
    let shown = rows.iter().zip(outcomes).enumerate().map(|(index, (row, outcome))| {
        let errors = match outcome {
            plan::Outcome::Rejected(errors) => errors,
            _ => Vec::new(),
        };
        let place = index.to_string();
        let errors: Vec<Fault> =
            errors.iter().map(|error| Fault::new(error, &["products", &place], language)).collect();
        let outcome = if errors.is_empty() { Outcome::Added } else { Outcome::Rejected };
        RowReport { index, external_id: row.external_id.clone(), outcome, changed_fields: Vec::new(), errors }
    });
    let rows: Vec<RowReport> = shown.collect();
    let rejected = rows.iter().filter(|row| row.outcome == Outcome::Rejected).count();
    Report {
        dry_run: true,
        written: false,
        total: rows.len(),
        added: rows.len() - rejected,
        rejected,
        rows,
        is_offline: true,
        ..Report::default()
    }
}
