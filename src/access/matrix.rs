//! The rules as a table: every phase, role, action, relation and kind of product.
//!
//! A cell is read for a legal state, a request made in that phase, an available product, no freeze, and another person as
//! the one who asked; for a withdrawal the same person.

use std::sync::Arc;

use strum::VariantArray;

use super::{
    Action, Engine, Phase, ProductKind, Role, Rule, Situation, Standing,
    situation::{Matter, Open, State, Subscribed},
};

/// Outcome of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Takes effect at once.
    Allow,
    /// Takes effect when somebody else decides.
    AllowWithApproval,
    /// Refused.
    Deny,
}

/// A cell of the table.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The phase that rules.
    pub phase: Phase,
    /// Who asks; none for a caller without a token.
    pub role: Option<Role>,
    /// What is to be done.
    pub action: Action,
    /// Whether it is the caller's own.
    pub is_own: bool,
    /// The product's kind.
    pub kind: ProductKind,
    /// Whether it may be done.
    pub outcome: Outcome,
    /// Who must decide then.
    pub approvers: Vec<Role>,
    /// The rule that decides.
    pub rule: Arc<Rule>,
}

/// All cells, in the order of the enumerations; while the product is frozen, or not.
pub(super) fn cells(engine: &Engine, is_frozen: bool) -> Vec<Cell> {
    let mut cells = Vec::new();
    for phase in Phase::VARIANTS {
        for action in Action::VARIANTS {
            for kind in ProductKind::VARIANTS {
                let situation = Situation { is_frozen, ..Situation::legal(*action, *phase, *kind) };
                let rows = super::table::rows().into_iter();
                cells.extend(rows.map(|(role, is_own)| cell(engine, situation, role, is_own)));
            }
        }
    }
    cells
}

impl Situation {
    /// A situation in which only the policies decide: the step is legal, the product is offered, another person asked.
    pub fn legal(action: Action, phase: Phase, kind: ProductKind) -> Self {
        Self { subscription: subscribed(action, phase, kind), ..Self::new(action, phase, kind) }
    }
}

fn cell(engine: &Engine, situation: Situation, role: Option<Role>, is_own: bool) -> Cell {
    let standing = if is_own { Standing::Own } else { Standing::Foreign };
    let asked = role.map_or(situation, |role| situation.asked_as(role, standing));
    let decision = engine.judge(&asked);
    let outcome = match (decision.is_allowed, &decision.approval) {
        (false, _) => Outcome::Deny,
        (true, None) => Outcome::Allow,
        (true, Some(_)) => Outcome::AllowWithApproval,
    };
    Cell {
        phase: situation.phase,
        role,
        action: situation.action,
        is_own,
        kind: situation.kind,
        outcome,
        approvers: decision.approval.map(|approval| approval.approvers).unwrap_or_default(),
        rule: decision.rule,
    }
}

/// A subscription with which the action is legal.
fn subscribed(action: Action, phase: Phase, kind: ProductKind) -> Option<Subscribed> {
    // There are no requests for products of providers that have not joined, only changes of reported contracts.
    let matter = if kind == ProductKind::NotJoined { Matter::Change } else { Matter::Request };
    let open = |awaits_confirmation| Open { matter, asked_in: phase, awaits_confirmation };
    let (state, open) = match action {
        Action::ApproveSubscription | Action::RejectSubscription | Action::WithdrawSubscription => {
            (State::Requested, Some(open(false)))
        }
        Action::ConfirmSubscription => (State::Requested, Some(open(true))),
        Action::ActivateSubscription => (State::Approved, None),
        Action::ChangeSubscription | Action::TerminateSubscription | Action::MigrateSubscription => {
            (State::Active, None)
        }
        Action::RevokeTermination => (State::Terminating, None),
        Action::DeclareInterest | Action::RequestSubscription | Action::ReportContract | Action::RequestForMany => {
            return None;
        }
    };
    let asked_by_caller = action == Action::WithdrawSubscription;
    Some(Subscribed {
        state,
        open,
        has_expired: false,
        is_reported: false,
        asked_by_caller,
        asked_by_organisation: asked_by_caller,
        asked_by_owner: None,
        has_predecessor: false,
        has_successor: false,
    })
}
