//! The log of what was sent to webhooks: one row for each attempt, without bodies.

use sea_orm::entity::prelude::*;

/// One row of `webhook_deliveries`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_deliveries")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// To whom.
    pub webhook_id: Uuid,
    /// When it was sent.
    pub at: DateTimeUtc,
    /// The message's id, the same for each attempt.
    pub message_id: String,
    /// The message's type, as in `product.changed`.
    #[sea_orm(column_name = "type")]
    pub kind: String,
    /// Sequence of the entry of the feed; none for a test message.
    pub sequence: Option<i64>,
    /// Which attempt at this message, from 1.
    pub attempt: i32,
    /// What became of it.
    pub outcome: Outcome,
    /// HTTP status of the answer; none when there was none.
    pub status: Option<i32>,
    /// How long it took, in milliseconds.
    pub duration_ms: i32,
    /// What went wrong, in English.
    pub error: Option<String>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Answered with 2xx.
    Delivered,
    /// Answered with another status.
    Refused,
    /// Answered with 410.
    Gone,
    /// Not answered in time.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// Its address must not be connected to.
    ForbiddenAddress,
    /// The secret could not be read with the operators' key.
    NoSecret,
}
