//! From a situation to a decision, and from a decision to the permit that a write needs.

use std::sync::{Arc, OnceLock};

use quick_cache::sync::Cache;
use strum::VariantArray;
use uuid::Uuid;

use super::{
    Action, Cell, DutyCell, File, Offer, Phase, Problem, Role, Rule, Situation, Standing, WayOut, matrix,
    policies::{Answer, Policies, Question},
    reading, ways_out,
};

/// Decisions that are kept. A decision depends on its situation alone, and the situations that occur are few.
const KEPT_DECISIONS: usize = 20_000;

/// Whose decision something waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Any one of these.
    pub approvers: Vec<Role>,
    /// The subscriber confirms what another asked on its behalf.
    pub is_confirmation: bool,
}

/// What the rules say to a situation, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// The phase that ruled.
    pub phase: Phase,
    /// The exception by which it ruled, where another phase is the current one.
    pub exception: Option<Uuid>,
    /// Whether it may be done.
    pub is_allowed: bool,
    /// Whose decision it then waits for.
    pub approval: Option<Approval>,
    /// The rule that decided; there always is one.
    pub rule: Arc<Rule>,
    /// The role that a permit was given to.
    pub role: Option<Role>,
    /// Of a refusal: what would allow it, each by itself.
    pub ways_out: Vec<WayOut>,
}

/// The right to do one thing, given by the rules. Only this room can make one, and a write takes it by value.
#[derive(Debug)]
pub struct Permit {
    decision: Arc<Decision>,
}

impl Permit {
    /// What was permitted.
    pub fn action(&self) -> Action {
        self.decision.action
    }

    /// The decision behind it.
    pub fn decision(&self) -> &Arc<Decision> {
        &self.decision
    }

    /// Whose decision it waits for.
    pub fn approval(&self) -> Option<&Approval> {
        self.decision.approval.as_ref()
    }
}

/// Rules outside of the policies. Their ids are reserved, so that a decision always names a rule.
#[derive(Debug)]
pub(super) struct Reserved {
    no_rule_permits: Arc<Rule>,
    organisation_missing: Arc<Rule>,
    two_people: Arc<Rule>,
    legal_step: Arc<Rule>,
    lifecycle: Arc<Rule>,
    not_offered: Arc<Rule>,
    provider_merged: Arc<Rule>,
    municipality_dissolved: Arc<Rule>,
    interest_only: Arc<Rule>,
}

/// The rules, ready to be asked.
pub struct Engine {
    pub(super) policies: Policies,
    reserved: Reserved,
    decisions: Cache<Situation, Arc<Decision>>,
    matrix: OnceLock<Vec<Cell>>,
    pub(super) duties: OnceLock<Vec<DutyCell>>,
    cases: usize,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Engine").field("reserved", &self.reserved).finish_non_exhaustive()
    }
}

impl Engine {
    /// Of files with policies and cases, strictly validated. The error tells everything that is wrong.
    pub fn read(files: &[File]) -> Result<Self, Vec<Problem>> {
        reading::read(files, true).map(|(policies, cases)| Self::new(policies, cases))
    }

    /// The same of files whose cases were decided before, and are not asked again.
    pub fn read_known(files: &[File]) -> Result<Self, Vec<Problem>> {
        reading::read(files, false).map(|(policies, cases)| Self::new(policies, cases))
    }

    fn new(policies: Policies, cases: usize) -> Self {
        let (decisions, reserved) = (Cache::new(KEPT_DECISIONS), Reserved::new());
        Self { policies, reserved, decisions, matrix: OnceLock::new(), duties: OnceLock::new(), cases }
    }

    /// How many policies there are, and how many cases they have decided as those say.
    pub fn counts(&self) -> (usize, usize) {
        (self.policies.len(), self.cases)
    }

    /// Decides, and for a refusal looks for the ways out. Equal situations are decided once.
    pub fn decide(&self, situation: &Situation) -> Arc<Decision> {
        if let Some(known) = self.decisions.get(situation) {
            return known;
        }
        let decision = Arc::new(self.explain_anew(situation));
        self.decisions.insert(*situation, decision.clone());
        decision
    }

    /// Decides without remembering, and for a refusal looks for the ways out.
    pub fn explain_anew(&self, situation: &Situation) -> Decision {
        let mut decision = self.judge(situation);
        if !decision.is_allowed {
            decision.ways_out = ways_out::find(self, situation);
        }
        decision
    }

    /// Decides; a permit to go on with, or the refusal.
    pub fn permit(&self, situation: &Situation) -> Result<Permit, Arc<Decision>> {
        let decision = self.decide(situation);
        if decision.is_allowed { Ok(Permit { decision }) } else { Err(decision) }
    }

    /// The roles in which somebody other than who asked could do it.
    pub fn deciders(&self, situation: &Situation) -> Vec<Role> {
        ways_out::deciders(self, situation)
    }

    /// A decision that was made and written earlier, by its rule. For answering a repeated request as before.
    pub fn recall(&self, action: Action, phase: Phase, rule: &str) -> Decision {
        // Rules come and go; what they let in stays.
        let rule = self.rule(rule);
        let approval = approval(&rule);
        let (exception, role, ways_out) = (None, None, Vec::new());
        Decision { action, phase, exception, is_allowed: true, approval, rule, role, ways_out }
    }

    /// The rule of an id; for a rule that is gone one that says so.
    pub fn rule(&self, id: &str) -> Arc<Rule> {
        let known = self.policies.rule(id).or_else(|| self.reserved.rules().into_iter().find(|rule| rule.id == id));
        known.cloned().unwrap_or_else(|| Arc::new(Rule::gone(id)))
    }

    /// Names this set of policies: SHA-256 over all of them, in hexadecimal.
    pub fn fingerprint(&self) -> &str {
        self.policies.fingerprint()
    }

    /// Every phase, role, action, relation and kind of product, each with its outcome. Made when first asked for: most
    /// processes never are.
    pub fn matrix(&self) -> &[Cell] {
        self.matrix.get_or_init(|| matrix::cells(self, false))
    }

    /// The same cells while the product is frozen. Computed anew: nobody asks for them but the table.
    pub fn frozen_matrix(&self) -> Vec<Cell> {
        matrix::cells(self, true)
    }

    /// Decides without remembering, and without looking for ways out. The order: four eyes, who may, what the state allows, what the product allows.
    pub fn judge(&self, situation: &Situation) -> Decision {
        let refused = |rule: &Arc<Rule>| Decision {
            action: situation.action,
            phase: situation.phase,
            exception: situation.exception,
            is_allowed: false,
            approval: None,
            rule: rule.clone(),
            role: None,
            ways_out: Vec::new(),
        };
        if situation.is_own_decision() {
            return refused(&self.reserved.two_people);
        }
        let (rule, role) = match self.best(situation) {
            Ok(permitted) => permitted,
            Err(rule) => return refused(&rule),
        };
        if !situation.is_legal_step() {
            return refused(&self.reserved.legal_step);
        }
        if !situation.fits_lifecycle() {
            return refused(match situation.offer {
                Offer::Elsewhere => &self.reserved.not_offered,
                Offer::Merged => &self.reserved.provider_merged,
                Offer::Dissolved => &self.reserved.municipality_dissolved,
                _ => &self.reserved.lifecycle,
            });
        }
        if situation.is_for_requesters && !self.could_request(situation) {
            return refused(&self.reserved.interest_only);
        }
        let mut approval = approval(&rule);
        if let Some(Approval { approvers, is_confirmation }) = &mut approval {
            // Who could never decide is not named: a provider that takes a product is in no customer group, and has no
            // municipality to confirm anything on its behalf. What nobody could decide is not let in.
            approvers.retain(|approver| self.could_decide(situation, role, *is_confirmation, *approver));
            if approvers.is_empty() {
                return refused(&self.reserved.no_rule_permits);
            }
        }
        Decision { is_allowed: true, approval, role, ..refused(&rule) }
    }

    /// Whether the municipality itself could request what others ask for it.
    fn could_request(&self, situation: &Situation) -> bool {
        let single = Situation { action: Action::RequestSubscription, is_for_requesters: false, ..*situation };
        self.judge(&single.asked_as(Role::Municipality, Standing::Own)).is_allowed
    }

    /// Whether somebody in a role could decide what the caller is about to ask: the same rules, asked one step ahead.
    fn could_decide(&self, situation: &Situation, asker: Option<Role>, is_confirmation: bool, approver: Role) -> bool {
        let Some(asked) = situation.asked(asker, is_confirmation, approver) else { return true };
        self.judge(&asked).is_allowed
    }

    /// The best permit among the caller's roles, or the rule that refuses.
    fn best(&self, situation: &Situation) -> Result<(Arc<Rule>, Option<Role>), Arc<Rule>> {
        let mut best: Option<(Arc<Rule>, Role)> = None;
        let mut forbidden = None;
        let mut misses_organisation = false;
        for role in Role::VARIANTS {
            let Some(standing) = situation.standings[*role as usize] else { continue };
            match self.policies.ask(&Question::of(situation, Some(*role), standing)) {
                Answer::Permitted(rule) => {
                    if best.as_ref().is_none_or(|(known, _)| known.needs_approval() && !rule.needs_approval()) {
                        best = Some((rule, *role));
                    }
                }
                Answer::Forbidden(rule) => forbidden = Some(rule),
                Answer::Nothing => {}
            }
            misses_organisation |= standing == Standing::Missing;
        }
        if best.is_none() && situation.standings.iter().all(Option::is_none) {
            // Nobody known: the policies are asked all the same, so that a rule for everybody would count.
            return match self.policies.ask(&Question::of(situation, None, Standing::Foreign)) {
                Answer::Permitted(rule) => Ok((rule, None)),
                Answer::Forbidden(rule) => Err(rule),
                Answer::Nothing => Err(self.reserved.no_rule_permits.clone()),
            };
        }
        match (best, forbidden) {
            (Some((rule, role)), _) => Ok((rule, Some(role))),
            (None, Some(rule)) => Err(rule),
            (None, None) if misses_organisation => Err(self.reserved.organisation_missing.clone()),
            (None, None) => Err(self.reserved.no_rule_permits.clone()),
        }
    }
}

fn approval(rule: &Rule) -> Option<Approval> {
    let is_confirmation = !rule.confirmed_by.is_empty();
    let approvers = if is_confirmation { &rule.confirmed_by } else { &rule.approved_by };
    (!approvers.is_empty()).then(|| Approval { approvers: approvers.clone(), is_confirmation })
}

impl Reserved {
    /// All of them.
    pub(super) fn rules(&self) -> [&Arc<Rule>; 9] {
        [
            &self.no_rule_permits,
            &self.organisation_missing,
            &self.two_people,
            &self.legal_step,
            &self.lifecycle,
            &self.not_offered,
            &self.provider_merged,
            &self.municipality_dissolved,
            &self.interest_only,
        ]
    }

    pub(super) fn new() -> Self {
        let rule = |id: &str, de: &str, en: &str| {
            Arc::new(Rule {
                id: id.to_owned(),
                de: de.to_owned(),
                en: en.to_owned(),
                source: "OURS".to_owned(),
                approved_by: Vec::new(),
                confirmed_by: Vec::new(),
            })
        };
        Self {
            no_rule_permits: rule(
                "no-rule-permits",
                "Keine Regel erlaubt das; was nicht erlaubt ist, ist abgelehnt.",
                "No rule permits it; what is not permitted is refused.",
            ),
            organisation_missing: rule(
                "organisation-missing",
                "Das Token nennt zu seiner Rolle keine Organisation, die es im Katalog gibt; so gibt die Rolle kein Recht.",
                "The token names no organisation in the catalogue for its role; so the role gives no right.",
            ),
            two_people: rule(
                "two-people",
                "Wer etwas beantragt hat, kann es nicht selbst genehmigen oder bestätigen.",
                "Whoever asked can't approve or confirm it.",
            ),
            legal_step: rule(
                "legal-step",
                "Der Stand des Bezugs lässt diesen Schritt nicht zu.",
                "The state of the subscription does not let this step happen.",
            ),
            lifecycle: rule(
                "lifecycle",
                "Der Lebenszyklus der Leistung lässt das nicht zu.",
                "The lifecycle of the product does not let this happen.",
            ),
            not_offered: rule(
                "not-offered",
                "Die Leistung wird diesem Bezieher nicht angeboten.",
                "The product is not offered to this subscriber.",
            ),
            interest_only: rule(
                "interest-only",
                "Die Kommune selbst könnte die Leistung nicht anfragen, nur Interesse bekunden; andere für sie auch nicht.",
                "The municipality itself could not request the product, only declare interest; nor can others for it.",
            ),
            provider_merged: rule(
                "provider-merged",
                "Der Anbieter der Leistung ist in einem anderen aufgegangen; weiter geht es mit dessen Leistungen.",
                "The product's provider has gone into another one; it goes on with the products of that one.",
            ),
            municipality_dissolved: rule(
                "municipality-dissolved",
                "Die Kommune ist in einer anderen aufgegangen; Neues gibt es nur noch für diese, siehe mergedInto.",
                "The municipality has gone into another one; what is new is for that one only, see mergedInto.",
            ),
        }
    }
}
