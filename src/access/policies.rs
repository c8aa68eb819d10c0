//! The policies of Cedar: read, validated, and asked about one role at a time.

use std::{collections::HashMap, str::FromStr, sync::Arc};

use cedar_policy::{
    Authorizer, Context, Entities, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet, Request,
    RestrictedExpression, Schema, ValidationMode, Validator,
};

use sha2::{Digest, Sha256};

use super::{Offer, Role, Situation, Standing, situation::Matter};

/// What the policies may speak about.
const SCHEMA: &str = include_str!("../../policies/itkatalog.cedarschema");

/// The policies, a file for each action.
const FILES: [(&str, &str); 15] = [
    ("declare_interest.cedar", include_str!("../../policies/declare_interest.cedar")),
    ("request_subscription.cedar", include_str!("../../policies/request_subscription.cedar")),
    ("report_contract.cedar", include_str!("../../policies/report_contract.cedar")),
    ("approve_subscription.cedar", include_str!("../../policies/approve_subscription.cedar")),
    ("reject_subscription.cedar", include_str!("../../policies/reject_subscription.cedar")),
    ("confirm_subscription.cedar", include_str!("../../policies/confirm_subscription.cedar")),
    ("withdraw_subscription.cedar", include_str!("../../policies/withdraw_subscription.cedar")),
    ("activate_subscription.cedar", include_str!("../../policies/activate_subscription.cedar")),
    ("change_subscription.cedar", include_str!("../../policies/change_subscription.cedar")),
    ("terminate_subscription.cedar", include_str!("../../policies/terminate_subscription.cedar")),
    ("revoke_termination.cedar", include_str!("../../policies/revoke_termination.cedar")),
    ("migrate_subscription.cedar", include_str!("../../policies/migrate_subscription.cedar")),
    ("request_for_many.cedar", include_str!("../../policies/request_for_many.cedar")),
    ("four_eyes.cedar", include_str!("../../policies/four_eyes.cedar")),
    ("freeze.cedar", include_str!("../../policies/freeze.cedar")),
];

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
}

impl Policies {
    /// Reads and strictly validates the policies of this program.
    pub(super) fn embedded() -> Result<Self, String> {
        Self::read(&FILES)
    }

    /// Reads and strictly validates policies. The error names the file and the reason.
    pub(super) fn read(files: &[(&str, &str)]) -> Result<Self, String> {
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).map_err(|error| format!("policies: schema: {error}"))?;
        let mut set = PolicySet::new();
        let mut rules = HashMap::new();
        for (file, text) in files {
            let parsed = PolicySet::from_str(text).map_err(|error| format!("policies: {file}: {error}"))?;
            for policy in parsed.policies() {
                let rule = rule(policy).map_err(|error| format!("policies: {file}: {error}"))?;
                let id = PolicyId::new(&rule.id);
                set.add(policy.new_id(id.clone())).map_err(|error| format!("policies: {file}: {error}"))?;
                rules.insert(id, Arc::new(rule));
            }
        }
        let validation = Validator::new(schema).validate(&set, ValidationMode::Strict);
        match validation.validation_errors().next() {
            Some(error) => Err(format!("policies: {error}")),
            None => {
                let fingerprint = fingerprint(&set);
                Ok(Self { set, entities: Entities::empty(), authorizer: Authorizer::new(), rules, fingerprint })
            }
        }
    }

    /// SHA-256 over all policies, in hexadecimal: another one means that other rules decide.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The rule with this id.
    pub(super) fn rule(&self, id: &str) -> Option<&Arc<Rule>> {
        self.rules.get(&PolicyId::new(id))
    }

    /// Asks about one role; `None` is nobody known. Of several permits the one without approval goes first.
    pub(super) fn ask(&self, situation: &Situation, role: Option<Role>, standing: Standing) -> Answer {
        let Ok(request) = request(situation, role, standing) else { return Answer::Nothing };
        let response = self.authorizer.is_authorized(&request, &self.set, &self.entities);
        // INVARIANT: a policy that errs is skipped by Cedar, also one that forbids; so any error denies.
        if let Some(error) = response.diagnostics().errors().next() {
            tracing::error!(%error, "a policy could not be evaluated; the decision is no");
            return Answer::Nothing;
        }
        let mut reasons: Vec<&Arc<Rule>> =
            response.diagnostics().reason().filter_map(|id| self.rules.get(id)).collect();
        reasons.sort_by_key(|rule| (rule.needs_approval(), &rule.id));
        match (response.decision(), reasons.first()) {
            (cedar_policy::Decision::Allow, Some(rule)) => Answer::Permitted(Arc::clone(rule)),
            (cedar_policy::Decision::Deny, Some(rule)) => Answer::Forbidden(Arc::clone(rule)),
            (_, None) => Answer::Nothing,
        }
    }
}

fn request(situation: &Situation, role: Option<Role>, standing: Standing) -> Result<Request, String> {
    let uid = |kind: &str, name: &str| {
        let kind = EntityTypeName::from_str(kind).map_err(|error| error.to_string())?;
        Ok::<_, String>(EntityUid::from_type_name_and_id(kind, EntityId::new(name)))
    };
    let subscribed = situation.subscription.as_ref();
    let open = subscribed.and_then(|subscribed| subscribed.open);
    let matter = open.map_or(Matter::Request, |open| open.matter);
    let truth = RestrictedExpression::new_bool;
    let context = Context::from_pairs([
        ("phase".into(), RestrictedExpression::new_entity_uid(uid("Phase", situation.phase.into())?)),
        ("own".into(), truth(standing == Standing::Own)),
        ("matter".into(), RestrictedExpression::new_entity_uid(uid("Matter", matter.into())?)),
        ("reported".into(), truth(subscribed.is_some_and(|subscribed| subscribed.is_reported))),
        ("phaseOut".into(), truth(matches!(situation.offer, Offer::PhaseOut | Offer::Retired | Offer::Merged))),
        ("asked".into(), truth(subscribed.is_some_and(|subscribed| subscribed.asked_by_caller))),
        ("askedByOrganisation".into(), truth(subscribed.is_some_and(|subscribed| subscribed.asked_by_organisation))),
        ("fromEarlierPhase".into(), truth(open.is_some_and(|open| open.asked_in < situation.phase))),
        ("frozen".into(), truth(situation.is_frozen)),
    ]);
    let context = context.map_err(|error| error.to_string())?;
    let request = Request::new(
        uid("Role", role.map_or("ANONYMOUS", Into::into))?,
        uid("Action", situation.action.into())?,
        uid("ProductKind", situation.kind.into())?,
        context,
        None,
    );
    request.map_err(|error| error.to_string())
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

fn rule(policy: &Policy) -> Result<Rule, String> {
    let text = |key: &str| match policy.annotation(key) {
        Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(format!("a policy has no @{key}: {policy}")),
    };
    let roles = |key: &str| match policy.annotation(key) {
        None => Ok(Vec::new()),
        Some(names) => names
            .split(',')
            .map(|name| Role::from_str(name.trim()).map_err(|_| format!("@{key}: “{name}” is no role")))
            .collect::<Result<Vec<_>, _>>(),
    };
    let rule = Rule {
        id: text("id")?,
        de: text("text_de")?,
        en: text("text_en")?,
        source: text("source")?,
        approved_by: roles("approved_by")?,
        confirmed_by: roles("confirmed_by")?,
    };
    if !rule.approved_by.is_empty() && !rule.confirmed_by.is_empty() {
        return Err(format!("{}: either @approved_by or @confirmed_by, not both", rule.id));
    }
    Ok(rule)
}
