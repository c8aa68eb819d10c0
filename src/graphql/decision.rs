//! Decisions of the rules, the table of all of them, and the question why.

use std::sync::Arc;

use async_graphql::{Context, Description, Enum, ID, InputObject, Object, SimpleObject};

use super::{
    context::{Reading, reading},
    node::row_id,
    phase::PhaseKey,
    product::Product,
    scalars::{Ags, Date},
    subscriber::SubscriberBy,
    viewer::Role,
};
use crate::{
    access::{self, Change},
    catalogue::{self, At},
    error::{Code, Error, Result, check_text},
    phases,
    subscriptions::{act::check_not_past, scope::Scope, situation::Ground},
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

    fn role(self) -> Option<access::Role> {
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
/// `not-offered`, `two-people`, `organisation-missing`.
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

    /// The phase that was asked about.
    async fn phase(&self) -> PhaseKey {
        phases::key(self.0.phase).into()
    }

    /// The rule that decides; there always is one.
    async fn rule(&self) -> Rule {
        Rule(self.0.rule.clone())
    }

    /// For a refusal: what would allow it, each by itself. Empty when no single change would.
    async fn ways_out(&self, context: &Context<'_>) -> Vec<WayOut> {
        self.0.ways_out.iter().map(|way| way_out(reading(context), way)).collect()
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
            shown.product = reading.snapshot.products.find(id).map(Product);
            WayOutKind::Product
        }
        Change::Unfreeze => WayOutKind::Unfreeze,
    };
    shown
}

/// A cell of the table of all rules. It is read for a legal state, a request made in that phase, an available product, no
/// freeze, and another person as the one who asked; for a withdrawal the same person.
#[derive(Description)]
pub struct PolicyCell(access::Cell);

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

/// Another caller, as a token would name it.
#[derive(InputObject)]
pub struct ExplainAs {
    /// In which role.
    pub role: CallerRole,
    /// The token's subject; somebody who asked for nothing when left out. At most 255 characters.
    pub subject: Option<String>,
    /// AGS of the municipality that the token names.
    pub municipality: Option<Ags>,
    /// Key of the provider that the token names.
    pub provider: Option<String>,
    /// Keys of the customer groups that the token names.
    pub customer_groups: Option<Vec<String>>,
}

/// What is to be explained: an action with a subscription, or with a product and a subscriber where none exists yet.
#[derive(InputObject)]
pub struct ExplainInput {
    /// What would be done.
    pub action: SubscriptionAction,
    /// With which subscription.
    pub subscription: Option<ID>,
    /// About which product, where a subscription would begin.
    pub product: Option<ID>,
    /// For whom, where a subscription would begin.
    pub subscriber: Option<SubscriberBy>,
    /// The successor product of a migration.
    pub successor: Option<ID>,
    /// First day of a subscription that would begin; today when left out.
    pub from: Option<Date>,
    /// In another phase than today's.
    pub phase: Option<PhaseKey>,
    /// For another caller: for auditors, stewards and the transformation office only.
    #[graphql(name = "as")]
    pub another: Option<ExplainAs>,
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

    /// What the rules would say to an action, exactly as the mutation would decide now, and the ways out of a refusal. Needs
    /// a token (any role); nothing is done and nothing recorded.
    async fn explain(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "What is to be explained.")] input: ExplainInput,
    ) -> Result<Decision> {
        let reading = reading(context);
        let own = reading.signed_in()?;
        let caller = input.another.as_ref().map(|another| somebody(reading, own, another)).transpose()?;
        let caller = caller.as_ref().unwrap_or(own);
        let mut ground = reading.ground()?;
        if let Some(phase) = input.phase {
            ground.phase = phases::from_key(phase.into());
        }
        let action = access::Action::from(input.action);
        let is_migration = action == access::Action::MigrateSubscription;
        let is_about_something_new = input.product.is_some() || input.subscriber.is_some() || input.from.is_some();
        if input.successor.is_some() && !is_migration {
            return Err(Error::bad_input(
                "input.successor",
                "successor gehört nur zu MIGRATE_SUBSCRIPTION. Bitte weglassen.",
                "successor goes with MIGRATE_SUBSCRIPTION only. Please leave it out.",
            ));
        }
        match (&input.subscription, action.is_beginning()) {
            (Some(id), false) if !is_about_something_new => {
                existing(reading, &ground, own, caller, id, &input).await.map(Decision)
            }
            (None, true) => beginning(&ground, caller, action, &input).map(Decision),
            (_, is_beginning) => Err(wrong_ground(is_beginning)),
        }
    }
}

fn somebody(reading: &Reading, own: &access::Caller, another: &ExplainAs) -> Result<access::Caller> {
    use access::Role::{Auditor, Steward, TransformationOffice};
    if ![Auditor, Steward, TransformationOffice].iter().any(|role| own.is(*role)) {
        return Err(Error::new(
            Code::Forbidden,
            "Für andere fragen können Revision, Katalogverantwortung und Transformationsbüro. Ohne as wird das eigene Token erklärt.",
            "Auditors, stewards and the transformation office can ask for others. Without as your own token is explained.",
        )
        .with("rule", "no-rule-permits"));
    }
    let subject = another.subject.clone().unwrap_or_default();
    check_text("input.as.subject", &subject, 255)?;
    let snapshot = &reading.snapshot;
    let municipality = another.municipality.as_ref().and_then(|ags| snapshot.municipality_by_ags(&ags.0));
    let provider = another.provider.as_ref().and_then(|key| snapshot.provider_by_key(key));
    let keys = another.customer_groups.as_deref().unwrap_or_default();
    let groups = snapshot.customer_groups.iter().filter(|(_, group)| keys.contains(&group.row.key));
    Ok(access::Caller {
        issuer: own.issuer.clone(),
        subject,
        roles: another.role.role().into_iter().collect(),
        municipality: municipality.map(|at| snapshot.municipalities[at].row.id),
        provider: provider.map(|at| snapshot.providers[at].row.id),
        customer_groups: groups.map(|(_, group)| group.row.id).collect(),
    })
}

async fn existing(
    reading: &Reading,
    ground: &Ground<'_>,
    own: &access::Caller,
    caller: &access::Caller,
    id: &ID,
    input: &ExplainInput,
) -> Result<Arc<access::Decision>> {
    let row = row_id("input.subscription", "ProductSubscription", id)?;
    let scope = Scope::of(Some(own), &reading.snapshot);
    let row = scope.find(reading.db(), row).await?.ok_or_else(|| Error::not_found(id))?;
    let successor = input.successor.as_ref().map(|id| product(ground, "input.successor", id)).transpose()?;
    Ok(ground.engine.decide(&ground.existing(caller, input.action.into(), &row, successor)?))
}

fn beginning(
    ground: &Ground<'_>,
    caller: &access::Caller,
    action: access::Action,
    input: &ExplainInput,
) -> Result<Arc<access::Decision>> {
    let (Some(id), Some(subscriber)) = (&input.product, &input.subscriber) else { return Err(wrong_ground(true)) };
    let at = product(ground, "input.product", id)?;
    let subscriber = subscriber.find(ground.snapshot)?;
    let from = input.from.map_or(ground.today, |from| from.0);
    check_not_past("input.from", from, ground.today)?;
    Ok(match ground.permit_beginning(caller, action, subscriber, at, from) {
        Ok(permit) => permit.decision().clone(),
        Err((_, refused)) => refused,
    })
}

fn product(ground: &Ground<'_>, field: &str, id: &ID) -> Result<At<catalogue::Product>> {
    let row = row_id(field, "Product", id)?;
    ground.snapshot.products.find(row).ok_or_else(|| Error::not_found(id))
}

fn wrong_ground(is_beginning: bool) -> Error {
    match is_beginning {
        true => Error::bad_input(
            "input.product",
            "Für diese Aktion bitte product und subscriber angeben, aber keine subscription.",
            "For this action please give product and subscriber, but no subscription.",
        ),
        false => Error::bad_input(
            "input.subscription",
            "Für diese Aktion bitte nur subscription angeben: die Kennung eines Bezugs.",
            "For this action please give subscription alone: the id of a subscription.",
        ),
    }
}
