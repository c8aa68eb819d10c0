//! Entries of the feed beyond a webhook's position that were delivered already, or failed.

use sea_orm::entity::prelude::*;

/// One row of `webhook_entries`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_entries")]
pub struct Model {
    /// To whom.
    #[sea_orm(primary_key, auto_increment = false)]
    pub webhook_id: Uuid,
    /// Sequence of the entry.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sequence: i64,
    /// Whether it was delivered; an entry before it was not yet.
    pub delivered: bool,
    /// Attempts that failed.
    pub attempts: i32,
    /// When the first of them was.
    pub first_failed_at: Option<DateTimeUtc>,
    /// When it is tried again.
    pub next_attempt_at: Option<DateTimeUtc>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
