//! What was done with subscriptions, and why anything was done.

use ::entity::subscription_history;
use async_graphql::{Context, Description, Enum, Object, SimpleObject};

use super::{
    context::snapshot, municipality::Municipality, scalars::DateTime, subscription::SubscriptionState, viewer::Role,
};

/// Why something was done. Any code goes with any action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "subscription_history::ReasonCode")]
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
    /// The budget (Haushalt).
    Budget,
    /// A standard replaces a variant (Standardisierung).
    Standardisation,
    /// A legal duty or obstacle.
    Legal,
    /// Information security.
    Security,
    /// Data protection (Datenschutz).
    DataProtection,
    /// A change of phase.
    PhaseChange,
    /// A merger of providers (Fusion).
    Merger,
    /// A move to a successor.
    Migration,
    /// Correction of a mistake.
    Correction,
    /// Something else; the text says what.
    Other,
}

/// What was done with a subscription: by a caller, or by itself on its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "subscription_history::Action")]
pub enum HistoryAction {
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
    /// Ended by itself after its last day.
    End,
    /// Begun by itself on its first day: the successor in a migration.
    Begin,
    /// Expired by itself: nobody decided in time.
    Expire,
    /// Gone over to another subscriber: the provider that takes it has gone into another one.
    Merge,
    /// Gone over to another subscriber: the municipality that had it has gone into another one.
    FollowAreaChange,
}

/// Why something was done.
#[derive(SimpleObject)]
pub struct Reason<'s> {
    /// As a code.
    pub code: ReasonCode,
    /// As a sentence; null when it was erased.
    pub text: Option<&'s str>,
    /// Reference of a resolution (Beschluss).
    pub reference: Option<&'s str>,
}

/// A step in the history of a subscription.
#[derive(Description)]
pub struct SubscriptionEvent(pub subscription_history::Model);

#[Object(use_type_description)]
impl SubscriptionEvent {
    /// When.
    async fn at(&self) -> DateTime {
        DateTime(self.0.at)
    }

    /// What was done.
    async fn action(&self) -> HistoryAction {
        self.0.action.into()
    }

    /// The state afterwards. A change that waits for a decision leaves it as it was.
    async fn state(&self) -> SubscriptionState {
        self.0.state.into()
    }

    /// The municipality that had it before, for FOLLOW_AREA_CHANGE; null for all other steps.
    async fn former_municipality(&self, context: &Context<'_>) -> Option<Municipality> {
        snapshot(context).municipalities.find(self.0.former_municipality_id?).map(Municipality)
    }

    /// The version afterwards.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// In which role it was done; null where no caller did it.
    async fn role(&self) -> Option<Role> {
        let role: crate::access::Role = self.0.role.as_ref()?.parse().ok()?;
        Some(role.into())
    }

    /// Why.
    async fn reason(&self) -> Reason<'_> {
        Reason {
            code: self.0.reason_code.into(),
            text: self.0.reason_text.as_deref(),
            reference: self.0.reason_reference.as_deref(),
        }
    }
}
