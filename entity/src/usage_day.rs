//! How often a client asked on a day.

use sea_orm::entity::prelude::*;

/// One row of `usage_days`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_days")]
pub struct Model {
    /// Who vouches for the client.
    #[sea_orm(primary_key, auto_increment = false)]
    pub issuer: String,
    /// Which client: a program, or a person where the token names no program.
    #[sea_orm(primary_key, auto_increment = false)]
    pub client_id: String,
    /// Calendar day in Europe/Berlin.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: Date,
    /// Requests, also those that were refused.
    pub requests: i64,
    /// Requests that a limit refused.
    pub refused: i64,
    /// When the last one came.
    pub last_at: DateTimeUtc,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
