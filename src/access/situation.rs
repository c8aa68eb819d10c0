//! Everything that a decision depends on, and which steps a subscription's state allows.

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Action, Phase, ProductKind, Role};

/// State of a subscription on a day: what is due counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Interest declared, no obligation.
    Interest,
    /// Asked for, waits for a decision.
    Requested,
    /// Agreed, not delivered yet.
    Approved,
    /// Being delivered.
    Active,
    /// Notice given, still delivered.
    Terminating,
    /// Over: ended, rejected, withdrawn or expired.
    Closed,
}

/// What is open and waits for a decision.
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
pub enum Matter {
    /// A new subscription.
    Request,
    /// Another quantity.
    Change,
    /// A notice.
    Termination,
    /// A notice taken back.
    Revocation,
    /// A successor product.
    Migration,
}

/// An open matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Open {
    /// What it is.
    pub matter: Matter,
    /// The phase in which it was asked.
    pub asked_in: Phase,
    /// It waits for a confirmation by the subscriber, not for an approval.
    pub awaits_confirmation: bool,
}

/// What is to know of a subscription that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscribed {
    /// Its state today.
    pub state: State,
    /// What waits for a decision.
    pub open: Option<Open>,
    /// What was open has expired.
    pub has_expired: bool,
    /// An existing contract that was reported.
    pub is_reported: bool,
    /// The caller is who asked for what is open, or for the subscription.
    pub asked_by_caller: bool,
    /// Somebody of the caller's own organisation asked.
    pub asked_by_organisation: bool,
    /// The organisation that asked is the one that a role acts for: the subscriber's, or the product's provider.
    pub asked_by_owner: Option<Role>,
    /// It goes on from another subscription, and begins by itself on its day.
    pub has_predecessor: bool,
    /// Another subscription goes on from it, on the day after its last.
    pub has_successor: bool,
}

/// Whether a product takes new subscribers, for one subscriber on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offer {
    /// It does.
    Open,
    /// It will, from this day on when it is known.
    Later(Option<NaiveDate>),
    /// It is being phased out.
    PhaseOut,
    /// It is gone.
    Retired,
    /// Not for this subscriber.
    Elsewhere,
    /// Its provider has gone into another one.
    Merged,
    /// The municipality has gone into another one.
    Dissolved,
}

/// How a role of the caller stands to what is decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is its own.
    Own,
    /// It is another's, or the role has no organisation.
    Foreign,
    /// The role needs an organisation, and the token names none that exists.
    Missing,
}

/// How each role of the caller stands; none for a role that it does not have.
pub type Standings = [Option<Standing>; 7];

/// Which kinds of organisation there are whose own it could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owners {
    /// A municipality.
    pub municipality: bool,
    /// A provider.
    pub provider: bool,
    /// A customer group.
    pub customer_group: bool,
    /// A municipality that could confirm what is asked on its behalf.
    pub confirmer: bool,
}

impl Owners {
    /// All kinds.
    pub const ALL: Self = Self { municipality: true, provider: true, customer_group: true, confirmer: true };

    /// Whether it could be a role's own.
    pub fn has(self, role: Role) -> bool {
        match role {
            Role::Municipality => self.municipality,
            Role::Provider => self.provider,
            Role::AccountManager => self.customer_group,
            Role::Steward | Role::TransformationOffice | Role::Land | Role::Auditor => false,
        }
    }
}

/// Everything that a decision depends on. Equal situations have equal decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Situation {
    /// What is to be done.
    pub action: Action,
    /// The phase that rules.
    pub phase: Phase,
    /// The exception by which another phase than the current one rules.
    pub exception: Option<Uuid>,
    /// Who asks.
    pub standings: Standings,
    /// Who could ask instead.
    pub owners: Owners,
    /// The product's kind; of a migration the successor's.
    pub kind: ProductKind,
    /// The kind that the product would have if its provider joined.
    pub kind_if_joined: ProductKind,
    /// Whether the product takes new subscribers; of a migration the successor.
    pub offer: Offer,
    /// The subscription; none when it is to begin.
    pub subscription: Option<Subscribed>,
    /// The product, its provider, or everything is frozen.
    pub is_frozen: bool,
    /// The caller acts for the provider that offers the product.
    pub is_offered_by_caller: bool,
    /// A collective request is for municipalities that could each request the product itself. Not asked where a cell of the
    /// table is read: the table tells who may ask, not for what.
    pub is_for_requesters: bool,
}

impl Situation {
    /// The situation of nobody known before anything exists; to be completed.
    pub fn new(action: Action, phase: Phase, kind: ProductKind) -> Self {
        Self {
            action,
            phase,
            exception: None,
            standings: Standings::default(),
            owners: Owners::ALL,
            kind,
            kind_if_joined: kind,
            offer: Offer::Open,
            subscription: None,
            is_frozen: false,
            is_offered_by_caller: false,
            is_for_requesters: false,
        }
    }

    /// The same with one role only.
    #[must_use]
    pub fn asked_as(mut self, role: Role, standing: Standing) -> Self {
        self.standings = Standings::default();
        self.standings[role as usize] = Some(standing);
        self
    }

    /// The situation in which an approver decides what the caller, in the role of `asker`, asks now. None for what never
    /// waits for a decision.
    pub(super) fn asked(&self, asker: Option<Role>, is_confirmation: bool, approver: Role) -> Option<Self> {
        let matter = match self.action {
            Action::RequestSubscription | Action::RequestForMany => Matter::Request,
            Action::ChangeSubscription => Matter::Change,
            Action::TerminateSubscription => Matter::Termination,
            Action::RevokeTermination => Matter::Revocation,
            Action::MigrateSubscription => Matter::Migration,
            _ => return None,
        };
        let asked_by_owner = match asker {
            Some(Role::Provider) => self.is_offered_by_caller.then_some(Role::Provider),
            other => other.filter(|role| *role == Role::Municipality),
        };
        let before = self.subscription;
        let subscription = Subscribed {
            state: if matter == Matter::Request { State::Requested } else { before?.state },
            open: Some(Open { matter, asked_in: self.phase, awaits_confirmation: is_confirmation }),
            has_expired: false,
            is_reported: before.is_some_and(|before| before.is_reported),
            asked_by_caller: false,
            asked_by_organisation: asked_by_owner == Some(approver),
            asked_by_owner,
            has_predecessor: false,
            has_successor: false,
        };
        let action = if is_confirmation { Action::ConfirmSubscription } else { Action::ApproveSubscription };
        // A provider always offers the product; whose confirmation is needed is another question than who asks.
        let owners = Owners { municipality: self.owners.confirmer, provider: true, ..self.owners };
        let standing = if owners.has(approver) { Standing::Own } else { Standing::Foreign };
        // A freeze may end before it is decided.
        let asked = Self {
            action,
            owners,
            is_frozen: false,
            is_for_requesters: false,
            subscription: Some(subscription),
            ..*self
        };
        Some(asked.asked_as(approver, standing))
    }

    /// Whether the subscription's state lets the action happen.
    pub fn is_legal_step(&self) -> bool {
        let Some(subscribed) = &self.subscription else { return self.action.is_beginning() };
        let nothing_open_in = |state: State| subscribed.state == state && subscribed.open.is_none();
        match self.action {
            Action::ApproveSubscription | Action::RejectSubscription => {
                subscribed.open.is_some_and(|open| !open.awaits_confirmation)
            }
            Action::ConfirmSubscription => subscribed.open.is_some_and(|open| open.awaits_confirmation),
            Action::WithdrawSubscription => {
                // A successor that was agreed to can't be dropped alone: its predecessor has ended for it.
                let is_agreed = subscribed.state == State::Approved && !subscribed.has_predecessor;
                subscribed.open.is_some() || subscribed.state == State::Interest || is_agreed
            }
            Action::ActivateSubscription => nothing_open_in(State::Approved) && !subscribed.has_predecessor,
            Action::ChangeSubscription | Action::MigrateSubscription => nothing_open_in(State::Active),
            // While something is frozen nobody decides what is open: notice, a contractual right, takes its place.
            Action::TerminateSubscription => {
                nothing_open_in(State::Active) || (self.is_frozen && subscribed.state == State::Active)
            }
            Action::RevokeTermination => nothing_open_in(State::Terminating) && !subscribed.has_successor,
            // An interest becomes a request.
            Action::RequestSubscription => subscribed.state == State::Interest,
            Action::DeclareInterest | Action::ReportContract | Action::RequestForMany => false,
        }
    }

    /// Whether the product's lifecycle lets the action happen: something new, a change, or an end.
    pub fn fits_lifecycle(&self) -> bool {
        match self.action {
            Action::RequestSubscription | Action::RequestForMany | Action::MigrateSubscription => {
                self.offer == Offer::Open
            }
            Action::DeclareInterest => matches!(self.offer, Offer::Open | Offer::Later(_)),
            Action::ReportContract | Action::ChangeSubscription | Action::ActivateSubscription => {
                !matches!(self.offer, Offer::Retired | Offer::Merged | Offer::Dissolved)
            }
            Action::ApproveSubscription | Action::ConfirmSubscription => {
                match self.subscription.and_then(|subscribed| subscribed.open).map(|open| open.matter) {
                    Some(Matter::Request) => {
                        !matches!(self.offer, Offer::Retired | Offer::PhaseOut | Offer::Merged | Offer::Dissolved)
                    }
                    // The old one ends for it: nothing may stand in the way of the new one.
                    Some(Matter::Migration) => self.offer == Offer::Open,
                    Some(Matter::Change) => !matches!(self.offer, Offer::Retired | Offer::Merged | Offer::Dissolved),
                    _ => true,
                }
            }
            _ => true,
        }
    }

    /// Whether the caller would decide what it asked itself.
    pub fn is_own_decision(&self) -> bool {
        let Some(subscribed) = self.subscription.filter(|subscribed| subscribed.asked_by_caller) else { return false };
        match self.action {
            Action::ApproveSubscription => subscribed.open.is_some(),
            Action::ConfirmSubscription => subscribed.open.is_some_and(|open| open.awaits_confirmation),
            _ => false,
        }
    }

    /// The steps that the subscription's state lets happen.
    pub fn legal_steps(&self) -> Vec<Action> {
        let steps = [Action::RequestSubscription].into_iter().chain(Action::ON_SUBSCRIPTIONS);
        steps.filter(|action| Self { action: *action, ..*self }.is_legal_step()).collect()
    }
}
