//! `itkatalog audit`: proving that the trail is whole, and archiving old events.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::Subcommand;

use super::progress::Progress;
use crate::{
    audit::{self, Archiving, Evidence, Head, Whole},
    clock::{Clock, beginning_of},
    config::Config,
    database::Database,
    policies,
};

/// What to do about a schema that is not the one of this program.
const SEE_STEPS: &str = "See `itkatalog migrate status`.";

/// What can be done with the trail.
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Walk along the chain of hashes; exit 1 and the first broken event when it does not hold.
    Verify {
        /// What `audit head` printed earlier: proves that this event is still there, and with it all before it.
        #[arg(long, value_name = "SEQUENCE:HASH")]
        head: Option<Head>,
        /// Walk along this archive too. Needs all of them, in any order.
        #[arg(long = "archive", value_name = "FILE")]
        archives: Vec<PathBuf>,
    },
    /// Print sequence and hash of the last event, as SEQUENCE:HASH: kept elsewhere they prove later that nothing was cut
    /// off or rewritten.
    Head,
    /// Move the oldest events to a file, and leave an anchor that the chain goes on from.
    Archive {
        /// All events before the first one of this day (Europe/Berlin) or later.
        #[arg(long, value_name = "DATE")]
        before: NaiveDate,
        /// JSON Lines; must not exist.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

pub(super) async fn run(config: &Config, what: Audit) -> Result<(), String> {
    let database = Database::connect_existing(config).await?;
    let is_current = database.has_current_schema().await;
    if !is_current.map_err(|error| format!("the steps of the schema can't be read: {error}. {SEE_STEPS}"))? {
        return Err(format!("the database has another schema than this program. {SEE_STEPS}"));
    }
    let told = match what {
        Audit::Verify { head, archives } => verify(&database, Evidence { head, archives }).await?,
        Audit::Head => audit::head(&database).await.map_err(|fault| fault.to_string())?.to_string(),
        Audit::Archive { before, to } => archive(config, &database, before, to).await?,
    };
    database.close().await?;
    println!("{told}");
    Ok(())
}

async fn verify(database: &Database, evidence: Evidence) -> Result<String, String> {
    let progress = Progress::of("events");
    let whole = audit::verify(database, evidence, |at, of| progress.show(at.unsigned_abs(), of.unsigned_abs())).await;
    let Whole { archived, head } = whole.map_err(|fault| fault.to_string())?;
    let last = head.sequence;
    Ok(match archived {
        0 => format!("The audit trail holds: {last} events."),
        _ => format!(
            "The audit trail holds from event {} to event {last}. Those before are archived: name the archives with \
             --archive FILE to walk along them too.",
            archived + 1
        ),
    })
}

async fn archive(config: &Config, database: &Database, before: NaiveDate, to: PathBuf) -> Result<String, String> {
    let engine = policies::load(config.policies.as_deref())?;
    let archiving = Archiving { before: beginning_of(before).ok_or("--before: there is no such day")?, to: &to };
    let (progress, now) = (Progress::of("events"), Clock::System.now());
    let anchor = audit::archive(database, archiving, engine.fingerprint(), now, |at, of| {
        progress.show(at.unsigned_abs(), of.unsigned_abs())
    })
    .await;
    Ok(match anchor.map_err(|fault| fault.to_string())? {
        None => format!("Nothing to archive: no event at the beginning of the trail is from before {before}."),
        Some(anchor) => format!(
            "Archived to {}: {} events up to event {}. SHA-256 of the file: {}",
            to.display(),
            anchor.events,
            anchor.sequence,
            anchor.file_digest
        ),
    })
}
