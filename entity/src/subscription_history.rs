//! The history of subscriptions: what was done, when, and why; one row for each version.

use sea_orm::entity::prelude::*;

/// One row of `subscription_history`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "subscription_history")]
pub struct Model {
    /// The subscription.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subscription_id: Uuid,
    /// The version that it had afterwards.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    /// When.
    pub at: DateTimeUtc,
    /// What was done.
    pub action: Action,
    /// The state that it had afterwards.
    pub state: crate::product_subscription::State,
    /// The role in which it was done; none for sample data.
    pub role: Option<String>,
    /// Why: a code,
    pub reason_code: ReasonCode,
    /// a text; none when it was erased,
    pub reason_text: Option<String>,
    /// and the reference of a resolution.
    pub reason_reference: Option<String>,
    /// The municipality that had the subscription before; for [`Action::FollowAreaChange`] only.
    pub former_municipality_id: Option<Uuid>,
}

/// Rows are joined in memory, never by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What was done.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// Interest declared.
    DeclareInterest,
    /// Requested.
    RequestSubscription,
    /// An existing contract reported.
    ReportContract,
    /// Approved.
    ApproveSubscription,
    /// Rejected.
    RejectSubscription,
    /// Withdrawn.
    WithdrawSubscription,
    /// Delivery begun.
    ActivateSubscription,
    /// Confirmed or refused by the subscriber.
    ConfirmSubscription,
    /// Quantity changed, or the change asked for.
    ChangeSubscription,
    /// Notice given, or asked for.
    TerminateSubscription,
    /// Notice taken back, or asked for.
    RevokeTermination,
    /// Moved to a successor.
    MigrateSubscription,
    /// Requested together with others.
    RequestForMany,
    /// Ended by itself on its last day.
    End,
    /// Begun by itself on its first day.
    Begin,
    /// What was open expired.
    Expire,
    /// The provider that takes it went into another one.
    Merge,
    /// The municipality that had it has gone into another one.
    FollowAreaChange,
}

/// Why something was done. Any code goes with any action.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
)]
#[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// A need (Bedarf).
    Need,
    /// The need has changed.
    NeedChanged,
    /// The need has ended.
    NeedEnded,
    /// A decision, for instance of the council (Beschluss).
    Decision,
    /// Checked and found right.
    Approved,
    /// Checked and found wrong.
    Rejected,
    /// Delivery has begun.
    Delivered,
    /// The price.
    Price,
    /// Quality or service.
    Quality,
    /// The budget.
    Budget,
    /// A standard replaces a variant.
    Standardisation,
    /// A legal duty or obstacle.
    Legal,
    /// Information security.
    Security,
    /// Data protection.
    DataProtection,
    /// A change of phase.
    PhaseChange,
    /// A merger of providers.
    Merger,
    /// A move to a successor.
    Migration,
    /// Correction of a mistake.
    Correction,
    /// Something else; the text says what.
    Other,
}
