//! From files to policies that are known to be sound. Everything that is wrong is told, each with its file and line.

use std::{
    collections::HashMap,
    fmt::{self, Write},
    str::FromStr,
    sync::Arc,
};

use cedar_policy::{
    ActionConstraint, Effect, Policy, PolicyId, PolicySet, Schema, ValidationError, ValidationMode, Validator,
};
use miette::Diagnostic;
use strum::VariantArray;

use super::{Duty, Role, Rule, cases, decision::Reserved, policies::Policies};

/// What the policies may speak about.
pub const SCHEMA: &str = include_str!("../../policies/itkatalog.cedarschema");

/// What may stand before a policy. A misspelt `@approved_by` would let happen at once what should wait.
const ANNOTATIONS: [&str; 6] = ["id", "text_de", "text_en", "source", "approved_by", "confirmed_by"];

/// A file of policies (`*.cedar`) or of cases (`allow/ACTION.json`, `deny/ACTION.json`).
#[derive(Clone, Debug)]
pub struct File {
    /// Its name within the folder.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// Something that is wrong with the policies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// In which file.
    pub file: String,
    /// In which line, counted from 1; none where it is about the whole file.
    pub line: Option<usize>,
    /// What is wrong, and what to write instead where one can say.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.file, self.reason),
            None => write!(formatter, "{}: {}", self.file, self.reason),
        }
    }
}

impl File {
    /// A problem at an offset in bytes.
    pub(super) fn problem(&self, offset: usize, reason: impl Into<String>) -> Problem {
        let before = self.text.as_bytes().iter().take(offset);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        Problem { file: self.name.clone(), line: Some(line), reason: reason.into() }
    }
}

/// Reads and strictly validates policies, and asks them the cases if wanted. The problems are in the order of the files.
pub(super) fn read(files: &[File], asks_cases: bool) -> Result<(Policies, usize), Vec<Problem>> {
    let mut reader = Reader::default();
    for file in files.iter().filter(|file| file.name.ends_with(".cedar")) {
        reader.add(file);
    }
    reader.validate();
    let (cases, unreadable) = if asks_cases { cases::read(files) } else { Default::default() };
    reader.problems.extend(unreadable);
    let Reader { set, rules, places, mut problems } = reader;
    if problems.is_empty() && rules.is_empty() {
        problems.push(Problem {
            file: "*.cedar".to_owned(),
            line: None,
            reason: "there is no policy; so nobody could do anything".to_owned(),
        });
    }
    let policies = Policies::new(set, rules);
    if asks_cases && problems.is_empty() {
        // Only sound policies are asked: else one mistake would be told many times.
        let verdict = cases::check(&policies, &cases);
        problems.extend(verdict.failed);
        let has_case = |id: &PolicyId| verdict.deciding.contains::<str>(id.as_ref());
        problems.extend(places.iter().filter(|(id, _)| !has_case(id)).map(|(id, place)| place.without_case(id)));
    }
    problems.sort();
    if problems.is_empty() { Ok((policies, cases.len())) } else { Err(problems) }
}

/// Where a policy stands.
struct Place<'f> {
    file: &'f File,
    offset: usize,
    effect: Effect,
}

impl Place<'_> {
    fn without_case(&self, id: &PolicyId) -> Problem {
        let folder = if self.effect == Effect::Permit { "allow" } else { "deny" };
        let reason = format!("{id} decides no case; add one to {folder}/ACTION.json whose rule it is");
        self.file.problem(self.offset, reason)
    }
}

#[derive(Default)]
struct Reader<'f> {
    set: PolicySet,
    rules: HashMap<PolicyId, Arc<Rule>>,
    places: HashMap<PolicyId, Place<'f>>,
    problems: Vec<Problem>,
}

impl<'f> Reader<'f> {
    fn add(&mut self, file: &'f File) {
        let parsed = match PolicySet::from_str(&file.text) {
            Ok(parsed) => parsed,
            Err(errors) => {
                return self
                    .problems
                    .extend(errors.iter().map(|error| file.problem(offset(error).unwrap_or(0), told(error))));
            }
        };
        for template in parsed.templates() {
            let offset = file.text.find(&template.to_string()).unwrap_or(0);
            self.problems.push(
                file.problem(offset, "?principal and ?resource are not used here; name a role, or look at the context"),
            );
        }
        // Cedar numbers the policies of a text; in that order each is looked for after the one before.
        let mut policies: Vec<&Policy> = parsed.policies().collect();
        policies.sort_by_key(|policy| number(policy.id()));
        let mut end = 0;
        for policy in policies {
            let text = policy.to_string();
            let offset = file.text[end..].find(&text).map_or(end, |found| end + found);
            end = (offset + text.len()).min(file.text.len());
            self.add_policy(policy, Place { file, offset, effect: policy.effect() });
        }
    }

    fn add_policy(&mut self, policy: &Policy, place: Place<'f>) {
        let mut wrong = Vec::new();
        let rule = rule(policy, &mut wrong);
        // A policy without a good name is validated too, under its place.
        let own_id = PolicyId::new(&rule.id);
        let is_known = self.places.get(&own_id);
        if let Some(known) = is_known.filter(|_| !rule.id.is_empty()) {
            wrong.push(format!(
                "the id {} is used twice, first in {}; every policy needs its own",
                rule.id,
                known.file.problem(known.offset, "").to_string().trim_end_matches(": ")
            ));
        }
        let id = if rule.id.is_empty() || is_known.is_some() {
            PolicyId::new(format!("{} at {}", place.file.name, place.offset))
        } else {
            own_id
        };
        self.problems.extend(wrong.into_iter().map(|reason| place.file.problem(place.offset, reason)));
        if let Err(error) = self.set.add(policy.new_id(id.clone())) {
            self.problems.push(place.file.problem(place.offset, error.to_string()));
        }
        self.rules.insert(id.clone(), Arc::new(rule));
        self.places.insert(id, place);
    }

    fn validate(&mut self) {
        let schema = match Schema::from_cedarschema_str(SCHEMA) {
            Ok((schema, _)) => schema,
            Err(error) => {
                let file = "itkatalog.cedarschema".to_owned();
                return self.problems.push(Problem { file, line: None, reason: error.to_string() });
            }
        };
        let validation = Validator::new(schema).validate(&self.set, ValidationMode::Strict);
        for error in validation.validation_errors() {
            if let Some(place) = self.places.get(error.policy_id()) {
                let reason = match error {
                    // Cedar would propose the word that looks most alike, which is seldom what was meant.
                    ValidationError::UnrecognizedActionId(_) => {
                        format!("{error}; actions are: {}", cases::names().collect::<Vec<_>>().join(", "))
                    }
                    _ => told(error),
                };
                self.problems.push(place.file.problem(offset(error).unwrap_or(place.offset), reason));
            }
        }
    }
}

/// The number that Cedar gave a policy: `policy12` is the 13th of its text.
fn number(id: &PolicyId) -> usize {
    AsRef::<str>::as_ref(id).trim_start_matches("policy").parse().unwrap_or(usize::MAX)
}

/// Where Cedar's finger points.
fn offset(error: &dyn Diagnostic) -> Option<usize> {
    error.labels()?.next().map(|label| label.offset())
}

/// What Cedar says, with what it saw and its advice, on one line.
fn told(error: &dyn Diagnostic) -> String {
    let mut text = error.to_string();
    let label = error.labels().and_then(|mut labels| labels.next()).and_then(|label| label.label().map(str::to_owned));
    let help = error.help().map(|help| help.to_string());
    for more in [label, help].into_iter().flatten() {
        // Writing to a string does not fail.
        let _ = write!(text, "; {more}");
    }
    text.replace('\n', " ")
}

/// The rule of a policy, as far as it can be read.
fn rule(policy: &Policy, wrong: &mut Vec<String>) -> Rule {
    for (name, _) in policy.annotations().filter(|(name, _)| !ANNOTATIONS.contains(name)) {
        wrong.push(format!("@{name} means nothing here; possible are: @{}", ANNOTATIONS.join(", @")));
    }
    let mut text = |key: &str| match policy.annotation(key).map(str::trim) {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => {
            wrong.push(format!("a policy has no @{key}; write @{key}(\"…\") before it"));
            String::new()
        }
    };
    let (id, de, en, source) = (text("id"), text("text_de"), text("text_en"), text("source"));
    check_id(&id, wrong);
    let approved_by = roles(policy, "approved_by", wrong);
    let confirmed_by = roles(policy, "confirmed_by", wrong);
    if !approved_by.is_empty() && !confirmed_by.is_empty() {
        wrong.push(format!("{id}: either @approved_by or @confirmed_by, not both"));
    }
    let rule = Rule { id, de, en, source, approved_by, confirmed_by };
    if rule.needs_approval() && (policy.effect() == Effect::Forbid || is_about_duty(policy)) {
        wrong.push(format!("{}: nothing waits for a decision here; leave out @approved_by and @confirmed_by", rule.id));
    }
    rule
}

fn check_id(id: &str, wrong: &mut Vec<String>) {
    let is_kebab = |id: &str| {
        id.split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
    };
    if Reserved::new().rules().iter().any(|rule| rule.id == id) {
        wrong.push(format!("the id {id} is reserved for what the program itself refuses; choose another"));
    } else if !id.is_empty() && !is_kebab(id) {
        let words: Vec<String> = id
            .split(|letter: char| !letter.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        wrong.push(format!("the id {id} is not in kebab-case; write {}", words.join("-")));
    }
}

fn roles(policy: &Policy, key: &str, wrong: &mut Vec<String>) -> Vec<Role> {
    let names = policy.annotation(key).into_iter().flat_map(|names| names.split(','));
    let role = |name: &str| {
        let role = Role::from_str(name.trim()).ok();
        if role.is_none() {
            let known: Vec<&str> = Role::VARIANTS.iter().map(Into::into).collect();
            wrong.push(format!("@{key}: “{}” is no role; roles are: {}", name.trim(), known.join(", ")));
        }
        role
    };
    names.filter_map(role).collect()
}

/// Whether a policy names an action that is about no subscription.
fn is_about_duty(policy: &Policy) -> bool {
    let actions = match policy.action_constraint() {
        ActionConstraint::Any => Vec::new(),
        ActionConstraint::In(actions) => actions,
        ActionConstraint::Eq(action) => vec![action],
    };
    actions.iter().any(|action| Duty::from_str(action.id().unescaped()).is_ok())
}
