//! Exports: files that are written once, from one place of the change feed.

use sea_orm::entity::prelude::*;

/// One row of `exports`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "exports")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is: issuer
    pub issuer: String,
    /// and subject of the token that it was started with.
    pub subject: String,
    /// What kind of thing is in it.
    #[sea_orm(column_name = "type")]
    pub kind: crate::change::Type,
    /// How it is written.
    pub format: Format,
    /// Which of these things, in JSON.
    pub filter: String,
    /// Which subscriptions its owner could read when it was started, in JSON.
    pub scope: String,
    /// The day that was asked for; none for now.
    pub as_of: Option<Date>,
    /// The entry of the change feed as of which everything in it is.
    pub position: i64,
    /// How far it is.
    pub state: State,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// How often it was begun.
    pub attempts: i32,
    /// Things to look at, once they are counted.
    pub total: Option<i64>,
    /// How many of them were looked at.
    pub seen: i64,
    /// How many are in it so far.
    pub rows: i64,
    /// Length of the file so far, in bytes.
    pub bytes: i64,
    /// SHA-256 of the file in hexadecimal, once it is done.
    pub sha256: Option<String>,
    /// Digest of the canonical rows in it, as of `stateDigest`, once it is done.
    pub rows_sha256: Option<String>,
    /// Who works on it: another id each time,
    pub lease: Option<Uuid>,
    /// and until when nobody else may.
    pub leased_until: Option<DateTimeUtc>,
    /// When it was started.
    pub created_at: DateTimeUtc,
    /// When it came to its end, whichever.
    pub finished_at: Option<DateTimeUtc>,
    /// Until when the file is kept.
    pub expires_at: Option<DateTimeUtc>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Format {
    /// A canonical row on each line.
    Jsonl,
    /// A table with names, for people.
    Csv,
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Nobody has begun yet.
    Waiting,
    /// It is being written.
    Running,
    /// The file can be had.
    Done,
    /// It could not be written.
    Failed,
    /// Its owner does not want it any more.
    Cancelled,
    /// The file is not kept any more.
    Expired,
}

/// Why an export failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Failure {
    /// How everything stood then is not kept any more.
    PlaceExpired,
    /// More rows than an export may have.
    TooManyRows,
    /// The service broke off too often while it was being written.
    BrokenOff,
}
