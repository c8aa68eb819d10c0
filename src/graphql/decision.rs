//! Decisions of the rules, and the table of all of them.

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, Object, SimpleObject};

use super::{
    context::{Reading, reading},
    in_turn::InTurn,
    phase::PhaseKey,
    phase_exception::PhaseException,
    product::Product,
    scalars::Date,
    viewer::Role,
};
use crate::{
    access::{self, Change},
    phases,
};

/// What can be done about subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "access::Action")]
pub enum SubscriptionAction {
    /// Declare interest, without obligation (Interesse bekunden).
    DeclareInterest,
    /// Request a product (anfragen).
    RequestSubscription,
    /// Report a contract that exists already (Bestandsvertrag melden).
    ReportContract,
    /// Approve what waits for approval (genehmigen).
    ApproveSubscription,
    /// Reject it (ablehnen).
    RejectSubscription,
    /// Take back what was asked (zurücknehmen).
    WithdrawSubscription,
    /// Record that delivery has begun (in Betrieb nehmen).
    ActivateSubscription,
    /// Confirm or refuse what another asked on one's behalf (bestätigen).
    ConfirmSubscription,
    /// Change quantity or terms (ändern).
    ChangeSubscription,
    /// Give notice (kündigen).
    TerminateSubscription,
    /// Take a notice back (Kündigung widerrufen).
    RevokeTermination,
    /// Move to a successor product (überführen).
    MigrateSubscription,
    /// Request for several municipalities at once (Sammelanfrage).
    RequestForMany,
}

/// Who asks: a role, or nobody known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum CallerRole {
    /// No token.
    Anonymous,
    /// A municipality (Kommune).
    Municipality,
    /// A municipal IT provider (IT-Dienstleister).
    Provider,
    /// Central contact of customer groups (Kundenbetreuung).
    AccountManager,
    /// Keeps the catalogue in order (Katalogverantwortung).
    Steward,
    /// Phases, joining, mergers (Transformationsbüro).
    TransformationOffice,
    /// Scripts of the Land.
    Land,
    /// Reads who changed what (Revision).
    Auditor,
}

impl CallerRole {
    fn of(role: Option<access::Role>) -> Self {
        match role {
            None => Self::Anonymous,
            Some(access::Role::Municipality) => Self::Municipality,
            Some(access::Role::Provider) => Self::Provider,
            Some(access::Role::AccountManager) => Self::AccountManager,
            Some(access::Role::Steward) => Self::Steward,
            Some(access::Role::TransformationOffice) => Self::TransformationOffice,
            Some(access::Role::Land) => Self::Land,
            Some(access::Role::Auditor) => Self::Auditor,
        }
    }

    /// The role; none for nobody known.
    pub fn role(self) -> Option<access::Role> {
        use strum::VariantArray;
        access::Role::VARIANTS.iter().copied().find(|role| Self::of(Some(*role)) == self)
    }
}

/// How a caller stands to what is decided about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Relation {
    /// It is its own: the subscriber itself to declare interest, request, change, terminate, revoke and confirm; the
    /// product's provider to approve, reject, activate, report, migrate and for a provider's termination; a subscriber in one
    /// of its groups for an account manager.
    Own,
    /// It is another's, or the role has no organisation.
    Foreign,
}

/// What kind of product a rule means: the first that fits, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "access::ProductKind")]
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

/// Outcome of a decision in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "access::Outcome")]
pub enum PolicyOutcome {
    /// Takes effect at once.
    Allow,
    /// Takes effect when one of the approvers decides.
    AllowWithApproval,
    /// Refused.
    Deny,
}

/// A rule that decides. Rules outside of the policies have reserved ids: `no-rule-permits`, `legal-step`, `lifecycle`,
/// `not-offered`, `interest-only`, `provider-merged`, `municipality-dissolved`, `two-people`, `organisation-missing`.
#[derive(Description)]
pub struct Rule(pub Arc<access::Rule>);

#[Object(use_type_description)]
impl Rule {
    /// Name, the same for ever.
    async fn id(&self) -> &str {
        &self.0.id
    }

    /// What it says, in the language of the request.
    async fn text<'s>(&'s self, context: &Context<'s>) -> &'s str {
        reading(context).say(&self.0.de, &self.0.en)
    }

    /// Passage of a founding document, or `OURS`.
    async fn source(&self) -> &str {
        &self.0.source
    }
}

/// What a way out changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum WayOutKind {
    /// Another phase.
    Phase,
    /// Another caller in this role; also the same role for the owning organisation.
    Role,
    /// What is open is decided first.
    Approval,
    /// Another day.
    Date,
    /// The product's provider joins.
    Joining,
    /// Another product.
    Product,
    /// The freeze ends.
    Unfreeze,
}

/// A single change that would turn a refusal into a permit, found by asking the same rules.
#[derive(SimpleObject)]
pub struct WayOut {
    /// What is changed.
    kind: WayOutKind,
    /// As a sentence, in the language of the request.
    text: String,
    /// The phase, when that is changed.
    phase: Option<PhaseKey>,
    /// The role, when that is changed.
    role: Option<Role>,
    /// The first day, when that is changed.
    date: Option<Date>,
    /// The product, when that is changed.
    product: Option<Product>,
}

/// What the rules say to one action, and why.
#[derive(Description)]
pub struct Decision(pub Arc<access::Decision>);

#[Object(use_type_description)]
impl Decision {
    /// What is to be done.
    async fn action(&self) -> SubscriptionAction {
        self.0.action.into()
    }

    /// Whether it may be done.
    async fn allowed(&self) -> bool {
        self.0.is_allowed
    }

    /// Whether it then waits for somebody else's decision.
    async fn needs_approval(&self) -> bool {
        self.0.approval.is_some()
    }

    /// Who can decide: any one of these roles for whom it is their own. Only MUNICIPALITY: the subscriber confirms.
    async fn approvers(&self) -> Vec<Role> {
        let approvers = self.0.approval.iter().flat_map(|approval| &approval.approvers);
        approvers.map(|role| Role::from(*role)).collect()
    }

    /// The phase that rules: the current one, that of an exception, or the one that was asked about.
    async fn phase(&self) -> PhaseKey {
        phases::key(self.0.phase).into()
    }

    /// The exception by which this phase rules instead of the current one; null where there is none, or where another phase
    /// was asked about.
    async fn phase_exception(&self, context: &Context<'_>) -> Option<PhaseException> {
        PhaseException::find(&reading(context).snapshot, self.0.exception?)
    }

    /// The rule that decides; there always is one.
    async fn rule(&self) -> InTurn<Rule> {
        InTurn(Rule(self.0.rule.clone()))
    }

    /// For a refusal: what would allow it, each by itself. Empty when no single change would.
    async fn ways_out(&self, context: &Context<'_>) -> Vec<InTurn<WayOut>> {
        self.0.ways_out.iter().map(|way| InTurn(way_out(reading(context), way))).collect()
    }
}

fn way_out(reading: &Reading, way: &access::WayOut) -> WayOut {
    let mut shown = WayOut {
        kind: WayOutKind::Approval,
        text: reading.say(&way.de, &way.en).to_owned(),
        phase: None,
        role: None,
        date: None,
        product: None,
    };
    shown.kind = match way.change {
        Change::Phase(phase) => {
            shown.phase = Some(phases::key(phase).into());
            WayOutKind::Phase
        }
        Change::Role(role) => {
            shown.role = Some(role.into());
            WayOutKind::Role
        }
        Change::Approval => WayOutKind::Approval,
        Change::Date(day) => {
            shown.date = Some(Date(day));
            WayOutKind::Date
        }
        Change::Joining => WayOutKind::Joining,
        Change::Product(id) => {
            shown.product = reading.snapshot.products.find(id).map(Product::at);
            WayOutKind::Product
        }
        Change::Unfreeze => WayOutKind::Unfreeze,
    };
    shown
}

/// A cell of the table of all rules. It is read for a legal state, a request made in that phase, an available product, no
/// freeze, and another person as the one who asked; for a withdrawal the same person.
#[derive(Description)]
pub struct PolicyCell(pub access::Cell);

#[Object(use_type_description)]
impl PolicyCell {
    /// The phase that rules.
    async fn phase(&self) -> PhaseKey {
        phases::key(self.0.phase).into()
    }

    /// Who asks.
    async fn role(&self) -> CallerRole {
        CallerRole::of(self.0.role)
    }

    /// What is to be done.
    async fn action(&self) -> SubscriptionAction {
        self.0.action.into()
    }

    /// Whether it is the caller's own.
    async fn relation(&self) -> Relation {
        if self.0.is_own { Relation::Own } else { Relation::Foreign }
    }

    /// The product's kind; of a migration the successor's.
    async fn product_kind(&self) -> ProductKind {
        self.0.kind.into()
    }

    /// Whether it may be done.
    async fn outcome(&self) -> PolicyOutcome {
        self.0.outcome.into()
    }

    /// Who must decide then, any one of them; empty when nobody must.
    async fn approvers(&self) -> Vec<Role> {
        self.0.approvers.iter().map(|role| Role::from(*role)).collect()
    }

    /// The rule that decides; `no-rule-permits` where none permits.
    async fn rule(&self) -> Rule {
        Rule(self.0.rule.clone())
    }
}

/// Root fields for the rules.
#[derive(Default)]
pub struct DecisionQuery;

#[Object]
impl DecisionQuery {
    /// The rules as a table: every phase, role, action, relation and kind of product, each with its outcome and its rule.
    async fn policy_matrix(&self, context: &Context<'_>) -> Vec<PolicyCell> {
        reading(context).desk.engine.matrix().iter().cloned().map(PolicyCell).collect()
    }
}
