//! Rights that are about no subscription: the same policies decide, asked about the catalogue as a whole.

use std::sync::Arc;

use strum::VariantArray;

use super::{
    Caller, Change, Engine, Phase, Role, Rule, WayOut,
    policies::{Answer, Policies, Question},
    ways_out,
};

/// What can be done that is about no subscription.
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
pub enum Duty {
    /// Freeze a product, a provider, or everything.
    Freeze,
    /// Lift a freeze.
    Unfreeze,
    /// Propose to enter another phase.
    ProposePhaseChange,
    /// Confirm a proposal: the phase changes.
    ConfirmPhaseChange,
    /// Try out what another phase would change.
    RehearsePhaseChange,
    /// Register a whole portfolio.
    RegisterPortfolio,
    /// Save one product.
    SaveProduct,
    /// Give a product that is being written to the review.
    SubmitProduct,
    /// Let a published product take no new subscriptions from a day on.
    PhaseOutProduct,
    /// Take a published product out of the catalogue's offers.
    RetireProduct,
    /// Bring back what a product was in an earlier version.
    RevertProduct,
    /// Accept products into the catalogue, or return them.
    ReviewProducts,
    /// Note that changes of published products were seen.
    MarkProductsSeen,
    /// Make or change a standard product.
    SaveStandardProduct,
    /// Say which standard product a product implements.
    MatchProduct,
    /// See which products of different providers are probably the same.
    ReviewOverlaps,
    /// Decide that two products are different things.
    DismissOverlap,
    /// Decide that two products are the same.
    ConfirmOverlap,
    /// Say what a product requires, replaces and excludes.
    SaveProductRelations,
    /// Record how far a provider has joined.
    JoinProvider,
    /// Record how far a municipality has joined.
    JoinMunicipality,
    /// Merge providers into another one.
    MergeProviders,
    /// Bring in the whole directory of municipalities, with its area changes.
    ImportMunicipalities,
    /// Let subscriptions follow an area change to the successor.
    FollowAreaChange,
    /// Make or change a customer group.
    SaveCustomerGroup,
    /// Make or change a contact.
    SaveContact,
    /// Say what a contact is responsible for.
    AssignContact,
    /// Give everything that a contact is responsible for to another.
    HandOverContacts,
    /// Confirm that a contact is right.
    ConfirmContact,
    /// Remove a person from a contact.
    EraseContact,
    /// Read everything that is stored about a contact's person.
    ExportContact,
    /// List contacts that have to be looked after.
    ListStaleContacts,
    /// Read who the person behind a contact is.
    ReadContactPerson,
    /// Make or change a webhook.
    SaveWebhook,
    /// Make another secret for a webhook.
    RotateWebhookSecret,
    /// Remove a webhook.
    DeleteWebhook,
    /// Send changes to a webhook again.
    ReplayWebhook,
    /// Send a test message to a webhook.
    SendTestWebhook,
    /// Have everything of one kind written into a file.
    StartExport,
    /// Give an export up.
    CancelExport,
}

/// The right to fulfil one duty. Only this room can make one.
#[derive(Debug)]
pub struct DutyPermit {
    duty: Duty,
    rule: Arc<Rule>,
}

impl DutyPermit {
    /// What was permitted.
    pub fn duty(&self) -> Duty {
        self.duty
    }

    /// The rule that permitted it.
    pub fn rule(&self) -> &Arc<Rule> {
        &self.rule
    }
}

/// What the policies say to one role about one duty.
#[derive(Clone, Debug)]
pub struct DutyCell {
    /// What is to be done.
    pub duty: Duty,
    /// The phase that rules.
    pub phase: Phase,
    /// Who asks; none for a caller without a role.
    pub role: Option<Role>,
    /// Whether it is the caller's own.
    pub is_own: bool,
    /// The rule that permits.
    pub permitted_by: Option<Arc<Rule>>,
    /// The rule that forbids, where one does.
    pub forbidden_by: Option<Arc<Rule>>,
}

/// All cells, in the order of the enumerations.
fn cells(policies: &Policies) -> Vec<DutyCell> {
    let mut cells = Vec::new();
    for duty in Duty::VARIANTS {
        for (role, is_own) in super::table::rows() {
            cells.extend(Phase::VARIANTS.iter().map(|phase| cell(policies, *duty, *phase, role, is_own)));
        }
    }
    cells
}

fn cell(policies: &Policies, duty: Duty, phase: Phase, role: Option<Role>, is_own: bool) -> DutyCell {
    let question = Question { action: duty.into(), role, phase, is_own, product: None };
    let (permitted_by, forbidden_by) = match policies.ask(&question) {
        // Nothing could wait for an approval here, so a permit that asks for one is none.
        Answer::Permitted(rule) => (Some(rule).filter(|rule| !rule.needs_approval()), None),
        Answer::Forbidden(rule) => (None, Some(rule)),
        Answer::Nothing => (None, None),
    };
    DutyCell { duty, phase, role, is_own, permitted_by, forbidden_by }
}

impl Engine {
    /// Every duty, role, relation and phase, with the rule that permits or forbids.
    pub fn duties(&self) -> &[DutyCell] {
        self.duties.get_or_init(|| cells(&self.policies))
    }

    /// A permit by the best of the caller's roles, or the rule that refuses.
    pub fn duty(&self, caller: &Caller, duty: Duty, is_own: bool, phase: Phase) -> Result<DutyPermit, Arc<Rule>> {
        let roles = Role::VARIANTS.iter().filter(|role| caller.is(**role));
        let mut asked: Vec<_> = roles.map(|role| (Some(*role), is_own && caller.acts_as(*role))).collect();
        if asked.is_empty() {
            asked.push((None, false));
        }
        let cells = || asked.iter().map(|(role, is_own)| self.duty_cell(duty, phase, *role, *is_own));
        if let Some(rule) = cells().find_map(|cell| cell.permitted_by) {
            return Ok(DutyPermit { duty, rule });
        }
        let misses_organisation =
            asked.iter().any(|(role, _)| role.is_some_and(|role| !caller.has_organisation_for(role)));
        Err(match cells().find_map(|cell| cell.forbidden_by) {
            Some(rule) => rule,
            None if misses_organisation => self.rule("organisation-missing"),
            None => self.rule("no-rule-permits"),
        })
    }

    /// Who may fulfil a duty in a phase, as ways out of a refusal.
    pub fn who_may(&self, duty: Duty, phase: Phase) -> Vec<WayOut> {
        let may = |role: &Role| {
            let cell = |is_own| self.duty_cell(duty, phase, Some(*role), is_own);
            [false, true].into_iter().any(|is_own| cell(is_own).permitted_by.is_some())
        };
        let way_out = |role: &Role| {
            let (de, en) = ways_out::who_can(*role);
            WayOut { change: Change::Role(*role), de: de.to_owned(), en: en.to_owned() }
        };
        Role::VARIANTS.iter().filter(|role| may(role)).map(way_out).collect()
    }

    fn duty_cell(&self, duty: Duty, phase: Phase, role: Option<Role>, is_own: bool) -> DutyCell {
        // Who has no organisation has no own.
        let is_own = is_own && role.is_some_and(Role::has_organisation);
        cell(&self.policies, duty, phase, role, is_own)
    }
}
