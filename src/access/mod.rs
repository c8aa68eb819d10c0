//! Who may do what, in which phase. Facts come in as values, a decision or a permit comes out: no database, no GraphQL.
//!
//! The rules are Cedar policies in `policies/`; nothing outside of this room knows about Cedar. Who writes needs a
//! [`Permit`], which only this room can make.

mod caller;
mod cases;
mod decision;
mod duty;
mod matrix;
mod policies;
mod reading;
mod situation;
mod summary;
mod table;
mod ways_out;

pub use caller::{Caller, Client};
pub use decision::{Approval, Decision, Engine, Permit};
pub use duty::{Duty, DutyCell, DutyPermit};
pub use matrix::{Cell, Outcome};
pub use policies::Rule;
pub use reading::{File, Problem, SCHEMA};
pub use situation::{Matter, Offer, Open, Owners, Situation, Standing, Standings, State, Subscribed};
pub use ways_out::{Change, WayOut};

/// A role that a token can name (nobody needs one to read the public catalogue).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE", ascii_case_insensitive)]
pub enum Role {
    /// A municipality.
    Municipality,
    /// A municipal IT provider.
    Provider,
    /// Central contact of customer groups.
    AccountManager,
    /// Keeps the catalogue in order.
    Steward,
    /// Phases, joining, mergers.
    TransformationOffice,
    /// Scripts of the Land.
    Land,
    /// Reads who changed what.
    Auditor,
}

impl Engine {
    /// The rules as a page: what `policies/decision_table.md` holds.
    pub fn decision_table(&self) -> String {
        table::write(self)
    }
}

impl Role {
    /// Whether the role acts for an organisation that the token names.
    pub const fn has_organisation(self) -> bool {
        matches!(self, Self::Municipality | Self::Provider | Self::AccountManager)
    }
}

/// A transformation phase. Names and split are ours; S1 ("Transformationsroadmap") gives number and order.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE", ascii_case_insensitive)]
pub enum Phase {
    /// Before the independent unit exists.
    Preparation,
    /// The unit offers the initial portfolio.
    Foundation,
    /// More municipalities and providers join.
    Integration,
    /// One full-service provider.
    SteadyState,
}

/// What kind of product a rule means: the first that fits, in this order.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    serde::Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE", ascii_case_insensitive)]
pub enum ProductKind {
    /// Its provider has not joined.
    NotJoined,
    /// Belongs to the initial portfolio.
    Initial,
    /// Implements a standard product.
    Standard,
    /// Any other.
    Other,
}

/// What can be done about subscriptions.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::VariantArray,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE", ascii_case_insensitive)]
pub enum Action {
    /// Declare interest, without obligation.
    DeclareInterest,
    /// Request a product.
    RequestSubscription,
    /// Report a contract that exists already.
    ReportContract,
    /// Approve what waits for approval.
    ApproveSubscription,
    /// Reject it.
    RejectSubscription,
    /// Take back what was asked.
    WithdrawSubscription,
    /// Record that delivery has begun.
    ActivateSubscription,
    /// Confirm or refuse what another asked on one's behalf.
    ConfirmSubscription,
    /// Change quantity or terms.
    ChangeSubscription,
    /// Give notice.
    TerminateSubscription,
    /// Revoke a termination.
    RevokeTermination,
    /// Move to a successor product.
    MigrateSubscription,
    /// Request for several municipalities at once.
    RequestForMany,
}

impl Action {
    /// What can be done with a subscription that exists.
    pub const ON_SUBSCRIPTIONS: [Self; 9] = [
        Self::ApproveSubscription,
        Self::RejectSubscription,
        Self::ConfirmSubscription,
        Self::WithdrawSubscription,
        Self::ActivateSubscription,
        Self::ChangeSubscription,
        Self::TerminateSubscription,
        Self::RevokeTermination,
        Self::MigrateSubscription,
    ];

    /// Whether it begins a subscription, so that there is none to do it with.
    pub fn is_beginning(self) -> bool {
        !Self::ON_SUBSCRIPTIONS.contains(&self)
    }
}
