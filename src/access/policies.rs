//! The policies of Cedar, asked about one role at a time.

use std::{collections::HashMap, str::FromStr, sync::Arc};

use cedar_policy::{
    Authorizer, Context, Entities, EntityId, EntityTypeName, EntityUid, PolicyId, PolicySet, Request,
    RestrictedExpression,
};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::{Offer, Phase, ProductKind, Role, Situation, Standing, situation::Matter};

/// A rule that decides: a policy, or one of those that lie outside of the policies and have reserved ids.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Kebab-case, stable for ever.
    pub id: String,
    /// What it says, in German.
    pub de: String,
    /// What it says, in English.
    pub en: String,
    /// Founding document and passage, or `OURS`.
    pub source: String,
    /// Who must approve what it permits.
    pub approved_by: Vec<Role>,
    /// Who must confirm what it permits.
    pub confirmed_by: Vec<Role>,
}

impl Rule {
    /// A rule that stood in the policies once and does not any more.
    pub(super) fn gone(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            de: "Diese Regel gibt es nicht mehr.".to_owned(),
            en: "This rule does not exist any more.".to_owned(),
            source: "OURS".to_owned(),
            approved_by: Vec::new(),
            confirmed_by: Vec::new(),
        }
    }

    /// Whether what it permits waits for somebody's decision.
    pub fn needs_approval(&self) -> bool {
        !(self.approved_by.is_empty() && self.confirmed_by.is_empty())
    }
}

/// Answers that are remembered: the same question comes from many situations.
const MOST_ANSWERS: usize = 16_384;
/// Stack for evaluating all policies, in bytes; Cedar itself errs with less than 100 KiB.
const STACK_NEEDED: usize = 512 * 1024;

/// A question in the words of Cedar's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    /// What is to be done.
    pub(super) action: &'static str,
    /// Who asks; none for nobody known.
    pub(super) role: Option<Role>,
    /// The phase that rules.
    pub(super) phase: Phase,
    /// Whether it is the caller's own.
    pub(super) is_own: bool,
    /// About which product, with which facts; none for a duty, which is about no subscription.
    pub(super) product: Option<(ProductKind, Facts)>,
}

/// What policies about subscriptions can look at besides role, phase, kind of product, and whose own it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    pub(super) matter: Matter,
    pub(super) is_reported: bool,
    pub(super) is_phase_out: bool,
    pub(super) is_asked: bool,
    pub(super) is_asked_by_organisation: bool,
    pub(super) is_from_earlier_phase: bool,
    pub(super) is_frozen: bool,
}

/// What the policies say to one role.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// Yes, by this rule.
    Permitted(Arc<Rule>),
    /// No, because this rule forbids it.
    Forbidden(Arc<Rule>),
    /// No rule says yes, or a rule could not be evaluated.
    Nothing,
}

/// All policies, validated.
pub(super) struct Policies {
    set: PolicySet,
    entities: Entities,
    authorizer: Authorizer,
    rules: HashMap<PolicyId, Arc<Rule>>,
    fingerprint: String,
    answers: Cache<Question, Answer>,
}

impl Policies {
    /// Of a set that was validated, with the rule of each policy.
    pub(super) fn new(set: PolicySet, rules: HashMap<PolicyId, Arc<Rule>>) -> Self {
        let fingerprint = fingerprint(&set);
        let answers = Cache::new(MOST_ANSWERS);
        Self { set, entities: Entities::empty(), authorizer: Authorizer::new(), rules, fingerprint, answers }
    }

    /// SHA-256 over all policies, in hexadecimal: another one means that other rules decide.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The rule with this id.
    pub(super) fn rule(&self, id: &str) -> Option<&Arc<Rule>> {
        self.rules.get(&PolicyId::new(id))
    }

    /// How many policies there are.
    pub(super) fn len(&self) -> usize {
        self.rules.len()
    }

    /// Asks about one role. Of several permits the one without approval goes first.
    pub(super) fn ask(&self, question: &Question) -> Answer {
        if let Some(known) = self.answers.get(question) {
            return known;
        }
        let Ok(request) = question.request() else { return Answer::Nothing };
        // Cedar errs where a thread has little stack left, and an error denies: who asks from deep inside gets a stack for it.
        let decide = || self.authorizer.is_authorized(&request, &self.set, &self.entities);
        let response = stacker::maybe_grow(STACK_NEEDED, STACK_NEEDED, decide);
        // INVARIANT: a policy that errs is skipped by Cedar, also one that forbids; so any error denies.
        if let Some(error) = response.diagnostics().errors().next() {
            tracing::error!(%error, "a policy could not be evaluated; the decision is no");
            return Answer::Nothing;
        }
        let mut reasons: Vec<&Arc<Rule>> =
            response.diagnostics().reason().filter_map(|id| self.rules.get(id)).collect();
        reasons.sort_by_key(|rule| (rule.needs_approval(), &rule.id));
        let answer = match (response.decision(), reasons.first()) {
            (cedar_policy::Decision::Allow, Some(rule)) => Answer::Permitted(Arc::clone(rule)),
            (cedar_policy::Decision::Deny, Some(rule)) => Answer::Forbidden(Arc::clone(rule)),
            (_, None) => Answer::Nothing,
        };
        self.answers.insert(*question, answer.clone());
        answer
    }
}

impl Question {
    /// What a situation comes to for one role.
    pub(super) fn of(situation: &Situation, role: Option<Role>, standing: Standing) -> Self {
        Self {
            action: situation.action.into(),
            role,
            phase: situation.phase,
            is_own: standing == Standing::Own,
            product: Some((situation.kind, Facts::of(situation))),
        }
    }

    fn request(&self) -> Result<Request, String> {
        let truth = RestrictedExpression::new_bool;
        let phase = RestrictedExpression::new_entity_uid(uid("Phase", self.phase.into())?);
        let mut context = vec![("phase".to_owned(), phase), ("own".to_owned(), truth(self.is_own))];
        let resource = match self.product {
            None => uid("Catalogue", "CATALOGUE")?,
            Some((kind, facts)) => {
                let matter = RestrictedExpression::new_entity_uid(uid("Matter", facts.matter.into())?);
                context.extend([
                    ("matter".to_owned(), matter),
                    ("reported".to_owned(), truth(facts.is_reported)),
                    ("phaseOut".to_owned(), truth(facts.is_phase_out)),
                    ("asked".to_owned(), truth(facts.is_asked)),
                    ("askedByOrganisation".to_owned(), truth(facts.is_asked_by_organisation)),
                    ("fromEarlierPhase".to_owned(), truth(facts.is_from_earlier_phase)),
                    ("frozen".to_owned(), truth(facts.is_frozen)),
                ]);
                uid("ProductKind", kind.into())?
            }
        };
        let principal = uid("Role", self.role.map_or("ANONYMOUS", Into::into))?;
        let context = Context::from_pairs(context).map_err(|error| error.to_string())?;
        let request = Request::new(principal, uid("Action", self.action)?, resource, context, None);
        request.map_err(|error| error.to_string())
    }
}

impl Facts {
    fn of(situation: &Situation) -> Self {
        let subscribed = situation.subscription.as_ref();
        let open = subscribed.and_then(|subscribed| subscribed.open);
        Self {
            matter: open.map_or(Matter::Request, |open| open.matter),
            is_reported: subscribed.is_some_and(|subscribed| subscribed.is_reported),
            is_phase_out: matches!(situation.offer, Offer::PhaseOut | Offer::Retired | Offer::Merged),
            is_asked: subscribed.is_some_and(|subscribed| subscribed.asked_by_caller),
            is_asked_by_organisation: subscribed.is_some_and(|subscribed| subscribed.asked_by_organisation),
            is_from_earlier_phase: open.is_some_and(|open| open.asked_in != situation.phase),
            is_frozen: situation.is_frozen,
        }
    }
}

fn uid(kind: &str, name: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(name)))
}

/// Files, their order, and comments between policies don't count; every letter of a policy does.
fn fingerprint(set: &PolicySet) -> String {
    let mut texts: Vec<(String, String)> =
        set.policies().map(|policy| (policy.id().to_string(), policy.to_string())).collect();
    texts.sort();
    let mut hash = Sha256::new();
    for (id, text) in texts {
        for part in [id, text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    base16ct::lower::encode_string(&hash.finalize())
}
