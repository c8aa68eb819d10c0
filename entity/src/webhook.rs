//! Webhooks: whom changes are sent to, and how far each has come.

use sea_orm::entity::prelude::*;

/// One row of `webhooks`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhooks")]
pub struct Model {
    /// Identity, the same for ever.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is: issuer
    pub issuer: String,
    /// and subject of the token that it was made with.
    pub subject: String,
    /// Roles of the token that it was saved with last, as a list in JSON: what they may read is what is sent.
    pub roles: String,
    /// Municipality of that token.
    pub municipality_id: Option<Uuid>,
    /// Provider of that token.
    pub provider_id: Option<Uuid>,
    /// Customer groups of that token, as a list in JSON.
    pub customer_groups: String,
    /// Where to.
    pub url: String,
    /// What it is for, in its owner's words.
    pub description: String,
    /// Only these types of changes, as a list in JSON; none for all.
    pub types: Option<String>,
    /// Raised by every change that its owner makes.
    pub version: i64,
    /// Whether anything is sent.
    pub state: State,
    /// Why it is disabled, if it is,
    pub disabled_because: Option<DisabledBecause>,
    /// and since when.
    pub disabled_at: Option<DateTimeUtc>,
    /// When the first attempt failed after the last one that succeeded.
    pub failing_since: Option<DateTimeUtc>,
    /// Entries one after the other whose first attempt failed, since the last success of any.
    pub failed_in_a_row: i32,
    /// When something was last delivered.
    pub delivered_at: Option<DateTimeUtc>,
    /// Sequence of the feed up to which everything was delivered.
    pub position: i64,
    /// Sequence up to which the feed was looked at when it was last worked on.
    pub seen: i64,
    /// How often its owner has moved the position: work that began before one of these does not move it.
    pub moves: i64,
    /// When the next attempt is due that waits for its time.
    pub retry_at: Option<DateTimeUtc>,
    /// Nothing is sent before, because the receiver asked for it.
    pub resting_until: Option<DateTimeUtc>,
    /// The secret, encrypted.
    pub secret: String,
    /// When it was made.
    pub secret_made_at: DateTimeUtc,
    /// The secret before, encrypted,
    pub previous_secret: Option<String>,
    /// with which messages are signed too, until then.
    pub previous_secret_until: Option<DateTimeUtc>,
    /// Who works on it: another id each time,
    pub lease: Option<Uuid>,
    /// and until when nobody else may.
    pub leased_until: Option<DateTimeUtc>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When its owner last changed it.
    pub updated_at: DateTimeUtc,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Whether anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Changes are sent.
    Active,
    /// Its owner has paused it.
    Paused,
    /// The service has stopped it.
    Disabled,
}

/// Why the service has stopped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum, serde::Serialize)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DisabledBecause {
    /// The receiver answered 410.
    Gone,
    /// A change could not be delivered for three days.
    Failing,
    /// Entries of the feed after its position are not kept any more.
    Expired,
}
