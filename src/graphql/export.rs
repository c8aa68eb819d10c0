//! Exports: everything of one kind that the caller may read, in a file.

use ::entity::export::{Failure, Format, State};
use async_graphql::{Context, Description, Enum, ID, Object};

use super::{
    context::reading,
    node::{global_id, row_id},
    scalars::{Date, DateTime, Json},
    state_digest::ExportKind,
};
use crate::{
    changes::Cursor,
    error::{Error, Result},
    exports::{self, Filter, Row},
    ids,
};

/// How an exported file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Format")]
pub enum ExportFormat {
    /// JSON Lines: a canonical row on each line, as in `Change.state`, in the order of ids within the service. For programs.
    Jsonl,
    /// A table for people: semicolons, UTF-8 with a byte order mark, CRLF, decimal commas, names of today beside the ids; a
    /// product has a line for each of its prices. Text that a spreadsheet would run as a formula gets an apostrophe in front.
    Csv,
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "State")]
pub enum ExportState {
    /// It waits until an instance has time for it.
    Waiting,
    /// It is being written.
    Running,
    /// The file can be downloaded.
    Done,
    /// It could not be written; `failure` says why.
    Failed,
    /// It was given up; there is no file.
    Cancelled,
    /// The file is not kept any more.
    Expired,
}

/// Why an export failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Failure")]
pub enum ExportFailure {
    /// How everything stood then is not kept any more. Start it again with a later day.
    PlaceExpired,
    /// More rows than an export may have. Split it with `filter`.
    TooManyRows,
    /// The service broke off three times while it was being written. Start it again; if it fails again, tell the operators.
    BrokenOff,
}

/// Everything of one kind that an account may read, in a file (Export). It is of one moment: a place of the change feed, from
/// which `changes` goes on. Written in the background; ask again until `state` is DONE. See `docs/exports.md`.
#[derive(Description)]
pub struct Export(pub Row);

#[Object(use_type_description)]
impl Export {
    /// Opaque id, the same for ever.
    async fn id(&self) -> ID {
        global_id("Export", self.0.id)
    }

    /// What kind of thing is in it.
    async fn what(&self) -> Result<ExportKind> {
        self.0.kind.try_into()
    }

    /// How it is written.
    async fn format(&self) -> ExportFormat {
        self.0.format.into()
    }

    /// Which of these things, by id; null for all that the account may read.
    async fn filter(&self) -> Result<Option<Json>> {
        let filter: Filter = serde_json::from_str(&self.0.filter).map_err(Error::internal)?;
        let filter = (!filter.is_empty()).then(|| {
            serde_json::to_value(&filter).map(|mut filter| {
                for (part, type_name) in
                    [("district", "Municipality"), ("municipality", "Municipality"), ("provider", "Provider")]
                {
                    let id = filter[part].as_str().and_then(|id| id.parse().ok());
                    if let Some(id) = id {
                        filter[part] = ids::global_id(type_name, id).into();
                    }
                }
                Json(filter)
            })
        });
        filter.transpose().map_err(Error::internal)
    }

    /// The day that was asked for: how everything stood at its end; null for the moment when it was started.
    async fn as_of(&self) -> Option<Date> {
        self.0.as_of.map(Date)
    }

    /// The place in the change feed as of which everything in the file is: `changes(after:)` goes on from there.
    async fn cursor(&self, context: &Context<'_>) -> String {
        Cursor::after(reading(context).desk.feed.installation(), self.0.position).encode()
    }

    /// How far it is.
    async fn state(&self) -> ExportState {
        self.0.state.into()
    }

    /// Why it failed; null when it did not.
    async fn failure(&self) -> Option<ExportFailure> {
        self.0.failure.map(Into::into)
    }

    /// How much of it was looked at, 0 to 1; null before it was begun.
    async fn progress(&self) -> Option<f64> {
        let total = self.0.total?;
        Some(if total == 0 { 1.0 } else { self.0.seen as f64 / total as f64 })
    }

    /// How many things are in it so far.
    async fn rows(&self) -> i64 {
        self.0.rows
    }

    /// Length of the file so far, in bytes.
    async fn bytes(&self) -> i64 {
        self.0.bytes
    }

    /// SHA-256 of the file, in hexadecimal; null until it is done.
    async fn sha256(&self) -> Option<&str> {
        self.0.sha256.as_deref()
    }

    /// Digest of the canonical rows in it; null until it is done. Without a filter it is `stateDigest(what:, at: cursor)`.
    async fn rows_sha256(&self) -> Option<&str> {
        self.0.rows_sha256.as_deref()
    }

    /// Path of the file at this service: GET with the token of the same account. What broke off goes on with `Range`. Null unless
    /// it is done.
    async fn download_path(&self) -> Option<String> {
        (self.0.state == State::Done).then(|| format!("/exports/{}", ids::global_id("Export", self.0.id)))
    }

    /// When it was started.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When it came to its end, whichever; null before.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// Until when the file is kept; null until it is done.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }
}

/// Root fields for exports.
#[derive(Default)]
pub struct ExportQuery;

#[Object]
impl ExportQuery {
    /// The exports of the caller's own account (issuer and subject of its token), newest first, the last 50. UNAUTHENTICATED
    /// without a token.
    async fn exports(&self, context: &Context<'_>) -> Result<Vec<Export>> {
        let reading = reading(context);
        let rows = exports::of(reading.db(), reading.signed_in()?).await?;
        Ok(rows.into_iter().map(Export).collect())
    }

    /// One of the caller's own exports; null and NOT_FOUND for any other. UNAUTHENTICATED without a token.
    async fn export(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Id of the export.")] id: ID,
    ) -> Result<Option<Export>> {
        let reading = reading(context);
        let caller = reading.signed_in()?;
        let found = exports::find(reading.db(), caller, row_id("id", "Export", &id)?).await?;
        found.map(|row| Some(Export(row))).ok_or_else(|| Error::not_found(&id))
    }
}
