//! Cases that a lawyer can read: who asks for what, in which circumstances, and which rule must decide.
//!
//! They are asked of the policies alone; what the state of a subscription or the lifecycle of a product allows is
//! another question.

use std::{collections::HashSet, str::FromStr};

use serde::{Deserialize, Deserializer};
use strum::VariantArray;

use super::{
    Action, Duty, Phase, ProductKind, Role,
    policies::{Answer, Facts, Policies, Question},
    reading::{File, Problem},
    situation::Matter,
};

/// A case as it stands in a file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    /// What it shows, in a sentence.
    because: String,
    /// Who asks: a role, or ANONYMOUS for nobody known.
    #[serde(deserialize_with = "asker")]
    role: Option<Role>,
    #[serde(default)]
    own: bool,
    phase: Phase,
    /// The product's kind; left out where the action is about no subscription.
    product: Option<ProductKind>,
    /// The rule that must decide.
    rule: String,
    /// Who must then approve or confirm.
    #[serde(default)]
    approvers: Vec<Role>,
    #[serde(default = "request")]
    matter: Matter,
    #[serde(default)]
    reported: bool,
    #[serde(default)]
    phase_out: bool,
    #[serde(default)]
    asked: bool,
    #[serde(default)]
    asked_by_organisation: bool,
    #[serde(default)]
    from_earlier_phase: bool,
    #[serde(default)]
    frozen: bool,
}

/// A case that can be asked.
pub(super) struct Asked<'f> {
    file: &'f File,
    /// Where it stands in its file, in bytes.
    offset: usize,
    is_allowed: bool,
    question: Question,
    case: Case,
}

/// What came out.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Cases that were decided otherwise.
    pub(super) failed: Vec<Problem>,
    /// Ids of the policies that decided a case as it said.
    pub(super) deciding: HashSet<String>,
}

/// Reads all cases, and tells what can't be read.
pub(super) fn read(files: &[File]) -> (Vec<Asked<'_>>, Vec<Problem>) {
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    for file in files.iter().filter(|file| file.name.ends_with(".json")) {
        match read_file(file) {
            Ok(found) => found.into_iter().for_each(|case| match case {
                Ok(case) => cases.push(case),
                Err(problem) => problems.push(problem),
            }),
            Err(problem) => problems.push(problem),
        }
    }
    (cases, problems)
}

fn read_file(file: &File) -> Result<Vec<Result<Asked<'_>, Problem>>, Problem> {
    let (folder, name) = file.name.trim_end_matches(".json").split_once('/').unwrap_or_default();
    let action = Action::from_str(name).map(Into::into);
    let (action, is_duty): (&'static str, bool) = match (action, Duty::from_str(name)) {
        (Ok(action), _) => (action, false),
        (Err(_), Ok(duty)) => (duty.into(), true),
        (Err(_), Err(_)) => {
            let known: Vec<String> = names().map(str::to_lowercase).collect();
            return Err(
                file.problem(0, format!("“{name}” is no action; files are named by one of: {}", known.join(", ")))
            );
        }
    };
    let cases: Vec<Case> = serde_json::from_str(&file.text).map_err(|error| Problem {
        file: file.name.clone(),
        line: Some(error.line()),
        reason: error.to_string(),
    })?;
    // Every case has exactly one key `because`; so the nth of them is where the nth case stands.
    let mut places = file
        .text
        .match_indices("\"because\"")
        .filter(|(at, key)| file.text[at + key.len()..].trim_start().starts_with(':'));
    let ask = |case: Case| {
        let offset = places.next().map_or(0, |(at, _)| at);
        let wrong = match (case.product, is_duty) {
            _ if case.because.trim().is_empty() => "because is empty; say in a sentence what the case shows",
            (Some(_), true) => "this action is about no product; leave out product",
            (None, false) => "product is missing: NOT_JOINED, INITIAL, STANDARD, or OTHER",
            _ => {
                let question = case.question(action);
                return Ok(Asked { file, offset, is_allowed: folder == "allow", question, case });
            }
        };
        Err(file.problem(offset, wrong))
    };
    Ok(cases.into_iter().map(ask).collect())
}

/// Asks all cases.
pub(super) fn check(policies: &Policies, cases: &[Asked<'_>]) -> Verdict {
    let mut verdict = Verdict::default();
    for asked in cases {
        let (is_allowed, rule, approvers) = match policies.ask(&asked.question) {
            Answer::Permitted(rule) => (true, rule.id.clone(), [&rule.approved_by[..], &rule.confirmed_by].concat()),
            Answer::Forbidden(rule) => (false, rule.id.clone(), Vec::new()),
            Answer::Nothing => (false, "no-rule-permits".to_owned(), Vec::new()),
        };
        let is_as_said =
            is_allowed == asked.is_allowed && rule == asked.case.rule && is_same(&approvers, &asked.case.approvers);
        if is_as_said {
            verdict.deciding.insert(rule);
            continue;
        }
        let expected = outcome(asked.is_allowed, &asked.case.rule, &asked.case.approvers);
        let found = outcome(is_allowed, &rule, &approvers);
        let reason = format!("“{}” should be {expected}, and is {found}", asked.case.because);
        verdict.failed.push(asked.file.problem(asked.offset, reason));
    }
    verdict
}

impl Case {
    fn question(&self, action: &'static str) -> Question {
        let facts = Facts {
            matter: self.matter,
            is_reported: self.reported,
            is_phase_out: self.phase_out,
            is_asked: self.asked,
            is_asked_by_organisation: self.asked_by_organisation,
            is_from_earlier_phase: self.from_earlier_phase,
            is_frozen: self.frozen,
        };
        let product = self.product.map(|kind| (kind, facts));
        Question { action, role: self.role, phase: self.phase, is_own: self.own, product }
    }
}

fn outcome(is_allowed: bool, rule: &str, approvers: &[Role]) -> String {
    let names: Vec<&str> = approvers.iter().map(Into::into).collect();
    match (is_allowed, names.is_empty()) {
        (false, _) => format!("denied by {rule}"),
        (true, true) => format!("allowed by {rule}"),
        (true, false) => format!("allowed by {rule} with approvers {}", names.join(", ")),
    }
}

/// The order of approvers does not matter.
fn is_same(one: &[Role], other: &[Role]) -> bool {
    let sorted = |roles: &[Role]| {
        let mut roles = roles.to_vec();
        roles.sort();
        roles
    };
    sorted(one) == sorted(other)
}

/// All actions that policies can speak about.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    Action::VARIANTS.iter().map(Into::into).chain(Duty::VARIANTS.iter().map(Into::into))
}

fn request() -> Matter {
    Matter::Request
}

fn asker<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Role>, D::Error> {
    let name = String::deserialize(deserializer)?;
    match (name.as_str(), Role::from_str(&name)) {
        ("ANONYMOUS", _) => Ok(None),
        (_, Ok(role)) => Ok(Some(role)),
        (_, Err(_)) => {
            let known: Vec<&str> = Role::VARIANTS.iter().map(Into::into).collect();
            let known = known.join(", ");
            Err(serde::de::Error::custom(format!("“{name}” is no role; roles are: {known}, and ANONYMOUS")))
        }
    }
}
