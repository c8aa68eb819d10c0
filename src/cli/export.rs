//! `itkatalog export`: the same files as `startExport` writes, straight from the database, without a server.
#![allow(clippy::print_stderr)]

use std::{
    io::{BufWriter, Write},
    path::PathBuf,
    sync::Arc,
};

use ::entity::{change::Type, export::Format, product_subscription::State};
use chrono::NaiveDate;
use clap::ValueEnum;
use serde_json::{json, value::RawValue};

use super::{language_of_terminal, progress::Progress};
use crate::{
    catalogue::{Live, Snapshot},
    changes::{self, Cursor, View},
    clock::Clock,
    config::Config,
    database::Database,
    error::{Error, Result},
    exports::{self, Contents, Filter, Wanted},
    feed_watch::Watch,
    states,
    subscriptions::scope::Scope,
};

/// How the file is written, and what is told.
const HELP: &str = r"Files
  jsonl  a canonical row on each line, as Change.state has it: what `stateDigest` is taken over
  csv    a table for people: semicolons, UTF-8 with a byte order mark, decimal commas, names beside the ids
  All of it is of one moment. Place in the change feed, rows, bytes and digests are told on standard error at the end.

Examples
  itkatalog export subscriptions > subscriptions.jsonl
  itkatalog export subscriptions --format csv --district 05334000 --output aachen.csv
  itkatalog export products --as-of 2026-12-31 --output products.jsonl
  itkatalog export changes --output changes.jsonl";

/// Entries of the feed that are read at once.
const ENTRIES_AT_ONCE: usize = 1_000;

/// What to export, and where to.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(super) struct Arguments {
    /// What.
    #[arg(value_enum)]
    what: What,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Writing::Jsonl)]
    format: Writing,
    /// As everything stood at the end of this day (Europe/Berlin), today at the latest; now when left out. Not for changes.
    #[arg(long, value_name = "DATE")]
    as_of: Option<NaiveDate>,
    /// Only subscriptions of this Kreis and its municipalities, or these municipalities: AGS of the Kreis.
    #[arg(long, value_name = "AGS")]
    district: Option<String>,
    /// Only subscriptions of this municipality.
    #[arg(long, value_name = "AGS")]
    municipality: Option<String>,
    /// Only subscriptions to this provider's products and its own, or its products.
    #[arg(long, value_name = "KEY")]
    provider: Option<String>,
    /// Only subscriptions in this state, ACTIVE for instance. Can be given several times.
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<String>,
    /// Where to; standard output when left out. A file that is there is replaced once the new one is whole.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Products that are published, with their prices.
    Products,
    /// Providers.
    Providers,
    /// Municipalities and Kreise.
    Municipalities,
    /// Subscriptions.
    Subscriptions,
    /// The change feed, as far as it is kept; JSON Lines only.
    Changes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Writing {
    /// JSON Lines, for programs.
    Jsonl,
    /// A table, for people.
    Csv,
}

/// Where bytes go: standard output, or a file that takes its place at the end.
enum Output {
    Standard(BufWriter<std::io::Stdout>),
    File(BufWriter<tempfile::NamedTempFile>, PathBuf),
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> std::result::Result<(), String> {
    let database = Database::connect_existing(config).await?;
    if !database.has_current_schema().await.map_err(|error| format!("the schema can't be read: {error}"))? {
        return Err("the database has another schema than this program. See `itkatalog migrate status`.".to_owned());
    }
    let written = write(&database, &arguments).await;
    database.close().await?;
    let told = written.map_err(|error| {
        let language = language_of_terminal();
        format!("{} {}", error.message(language), error.next_step(language)).trim_end().to_owned()
    })?;
    eprintln!("{told}");
    Ok(())
}

async fn write(database: &Database, arguments: &Arguments) -> Result<String> {
    let mut output = Output::open(arguments.output.as_ref())?;
    let live = Arc::new(Live::load(database.clone()).await?);
    let feed = Watch::start(database.clone(), live.clone()).await?;
    let told = match arguments.what.kind() {
        Some(kind) => rows(database, arguments, kind, live.snapshot(), &feed, &mut output).await?,
        None => entries(database, arguments, &feed, &mut output).await?,
    };
    output.finish()?;
    Ok(told)
}

async fn rows(
    database: &Database,
    arguments: &Arguments,
    kind: Type,
    snapshot: Arc<Snapshot>,
    feed: &Watch,
    output: &mut Output,
) -> Result<String> {
    let filter = arguments.filter(&snapshot)?;
    filter.check(kind)?;
    let db = database.connection();
    let at = exports::position(db, feed.head(), arguments.as_of, Clock::System.now()).await?;
    let format = if arguments.format == Writing::Csv { Format::Csv } else { Format::Jsonl };
    let wanted = Wanted { kind, format, filter, scope: Scope::Everything, at };
    let mut contents = Contents::begin(db, snapshot, wanted).await?;
    let progress = Progress::of("rows");
    while let Some(bytes) = contents.next(db).await? {
        output.write(&bytes)?;
        progress.show(contents.seen(), contents.total());
    }
    let sums = contents.finish(db).await?;
    Ok(format!(
        "{} rows, {} bytes, as of {}\nSHA-256 of the file: {}\nDigest of the rows: {}",
        sums.rows,
        sums.bytes,
        Cursor::after(feed.installation(), at).encode(),
        sums.sha256,
        sums.rows_sha256
    ))
}

/// The change feed with what things were, as `changes` tells it to those who see everything.
async fn entries(database: &Database, arguments: &Arguments, feed: &Watch, output: &mut Output) -> Result<String> {
    arguments.check_for_changes()?;
    let (db, head, view) = (database.connection(), feed.head(), View::everything());
    let cursor = |sequence| Cursor::after(feed.installation(), sequence).encode();
    let (mut after, mut count, progress) = (None, 0, Progress::of("entries"));
    loop {
        let page = changes::read(db, &view, after, head, ENTRIES_AT_ONCE).await?;
        let of = page.entries.iter().map(|entry| (entry.row.entity_id, entry.row.sequence));
        let states = states::of_entries(db, of).await?;
        for changes::Entry { row, previous } in &page.entries {
            let state = states.get(&(row.entity_id, row.sequence));
            let state = state.map(|text| RawValue::from_string(text.clone())).transpose().map_err(Error::internal)?;
            let told = json!({
                "sequence": row.sequence,
                "previous": previous,
                "cursor": cursor(row.sequence),
                "type": row.kind,
                "at": row.at,
                "entityId": changes::entity_id(row),
                "entityVersion": row.entity_version,
                "state": state,
            });
            output.write(format!("{told}\n").as_bytes())?;
        }
        count += page.entries.len();
        progress.show(u64::try_from(page.end).unwrap_or_default(), u64::try_from(head).unwrap_or_default());
        if !page.has_next {
            return Ok(format!("{count} entries up to {}", cursor(head)));
        }
        after = Some(page.end);
    }
}

impl What {
    fn kind(self) -> Option<Type> {
        match self {
            Self::Products => Some(Type::Product),
            Self::Providers => Some(Type::Provider),
            Self::Municipalities => Some(Type::Municipality),
            Self::Subscriptions => Some(Type::ProductSubscription),
            Self::Changes => None,
        }
    }
}

impl Arguments {
    fn filter(&self, snapshot: &Snapshot) -> Result<Filter> {
        let municipality = |ags: &String| {
            let found = snapshot.municipality_by_ags(ags).ok_or_else(|| Error::not_found(&format!("AGS {ags}")));
            found.map(|at| snapshot.municipalities[at].row.id)
        };
        let provider = |key: &String| {
            let found = snapshot.provider_by_key(key).ok_or_else(|| Error::not_found(key));
            found.map(|at| snapshot.providers[at].row.id)
        };
        let states = self.states.iter().map(|state| {
            serde_json::from_value(state.to_uppercase().into()).map_err(|_| {
                Error::bad_input(
                    "--state",
                    format!("--state {state}: diesen Zustand gibt es nicht; zum Beispiel REQUESTED, ACTIVE, ENDED."),
                    format!("--state {state}: there is no such state; REQUESTED, ACTIVE, ENDED for example."),
                )
            })
        });
        let states: Vec<State> = states.collect::<Result<_>>()?;
        Ok(Filter {
            district: self.district.as_ref().map(municipality).transpose()?,
            municipality: self.municipality.as_ref().map(municipality).transpose()?,
            provider: self.provider.as_ref().map(provider).transpose()?,
            states: Some(states).filter(|states| !states.is_empty()),
        })
    }

    fn check_for_changes(&self) -> Result<()> {
        let is_filtered = self.district.is_some() || self.municipality.is_some() || self.provider.is_some();
        if !is_filtered && self.states.is_empty() && self.as_of.is_none() && self.format == Writing::Jsonl {
            return Ok(());
        }
        Err(Error::bad_input(
            "changes",
            "Der Änderungsfeed wird als Ganzes exportiert, als JSON Lines: bitte --format csv, --as-of und Filter weglassen.",
            "The change feed is exported as a whole, as JSON Lines: please leave out --format csv, --as-of and filters.",
        ))
    }
}

impl Output {
    fn open(path: Option<&PathBuf>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self::Standard(BufWriter::new(std::io::stdout()))) };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
        let file = tempfile::NamedTempFile::new_in(folder).map_err(|error| unwritable(&folder.display(), &error))?;
        Ok(Self::File(BufWriter::new(file), path.clone()))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Standard(to) => to.write_all(bytes).map_err(|error| unwritable(&"standard output", &error)),
            Self::File(to, path) => to.write_all(bytes).map_err(|error| unwritable(&path.display(), &error)),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Standard(mut to) => to.flush().map_err(|error| unwritable(&"standard output", &error)),
            Self::File(to, path) => {
                let file = to.into_inner().map_err(|error| unwritable(&path.display(), error.error()))?;
                file.as_file().sync_all().map_err(|error| unwritable(&path.display(), &error))?;
                file.persist(&path).map(drop).map_err(|error| unwritable(&path.display(), &error.error))
            }
        }
    }
}

fn unwritable(place: &dyn std::fmt::Display, error: &std::io::Error) -> Error {
    Error::bad_input(
        "--output",
        format!("{place} kann nicht geschrieben werden: {error}."),
        format!("{place} can't be written: {error}."),
    )
}
