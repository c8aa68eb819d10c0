//! One decision at a terminal: the same engine as in the service, asked about a case as those beside the policies.

use std::fmt::Write;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::json;
use strum::VariantArray;

use crate::{
    access::{
        Action, Caller, Change, Duty, Engine, Matter, Offer, Phase, ProductKind, Role, Rule, Situation, Standing,
        Subscribed, WayOut,
    },
    cli::{language_of_terminal, languages},
    text::Language,
};

/// A case: who asks for what, in which circumstances.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What is to be done.
    #[arg(long, value_parser = actions(), ignore_case = true)]
    action: Asked,
    /// Who asks; left out: nobody known.
    #[arg(long, value_parser = words::<Role>(), ignore_case = true)]
    role: Option<Role>,
    /// It is the caller's own.
    #[arg(long)]
    own: bool,
    /// The phase that rules.
    #[arg(long, value_parser = words::<Phase>(), ignore_case = true)]
    phase: Phase,
    /// The product's kind; of a migration the successor's.
    #[arg(long, value_parser = words::<ProductKind>(), ignore_case = true)]
    product: Option<ProductKind>,
    /// What is decided by an approval, rejection or confirmation.
    #[arg(long, value_parser = words::<Matter>(), ignore_case = true)]
    matter: Option<Matter>,
    /// The subscription is an existing contract that was reported.
    #[arg(long)]
    reported: bool,
    /// The product is being phased out.
    #[arg(long)]
    phase_out: bool,
    /// The caller is who asked.
    #[arg(long)]
    asked: bool,
    /// Somebody of the caller's own organisation asked.
    #[arg(long)]
    asked_by_organisation: bool,
    /// What is open was asked in an earlier phase.
    #[arg(long)]
    from_earlier_phase: bool,
    /// The product, its provider, or everything is frozen.
    #[arg(long)]
    frozen: bool,
    /// In which language; by LC_ALL, LC_MESSAGES or LANG when left out.
    #[arg(long, value_parser = languages())]
    language: Option<Language>,
    /// Print JSON, for scripts.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Action(Action),
    Duty(Duty),
}

/// What came out, of an action or of a duty.
struct Outcome {
    is_allowed: bool,
    approvers: Vec<Role>,
    rule: std::sync::Arc<Rule>,
    ways_out: Vec<WayOut>,
}

/// Decides and tells.
pub fn run(engine: &Engine, asked: &Arguments) -> Result<String, String> {
    let outcome = match asked.action {
        Asked::Action(action) => decide(engine, &situation(asked, action)?),
        Asked::Duty(duty) => decide_duty(engine, asked, duty)?,
    };
    if asked.json { Ok(format!("{:#}\n", as_json(asked, &outcome))) } else { Ok(as_text(asked, &outcome)) }
}

fn situation(asked: &Arguments, action: Action) -> Result<Situation, String> {
    let kind = asked.product.ok_or("--product is missing: what kind of product is it about?")?;
    let mut situation = Situation { is_frozen: asked.frozen, ..Situation::legal(action, asked.phase, kind) };
    if asked.phase_out {
        situation.offer = Offer::PhaseOut;
    }
    match &mut situation.subscription {
        Some(subscribed) => describe(asked, subscribed)?,
        None if asked.reported
            || asked.asked
            || asked.asked_by_organisation
            || asked.matter.is_some()
            || asked.from_earlier_phase =>
        {
            return Err("--reported, --asked, --asked-by-organisation, --matter and --from-earlier-phase tell of a subscription that exists; \
                        with this action there is none yet"
                .to_owned());
        }
        None => {}
    }
    let Some(role) = asked.role else { return Ok(situation) };
    let is_own = asked.own && role.has_organisation();
    Ok(situation.asked_as(role, if is_own { Standing::Own } else { Standing::Foreign }))
}

fn describe(asked: &Arguments, subscribed: &mut Subscribed) -> Result<(), String> {
    subscribed.is_reported = asked.reported;
    subscribed.asked_by_caller = asked.asked;
    subscribed.asked_by_organisation = asked.asked_by_organisation;
    let Some(open) = &mut subscribed.open else {
        return match asked.matter.is_some() || asked.from_earlier_phase {
            true => Err("--matter and --from-earlier-phase: with this action nothing is open".to_owned()),
            false => Ok(()),
        };
    };
    open.matter = asked.matter.unwrap_or(open.matter);
    if asked.from_earlier_phase {
        let earlier = Phase::VARIANTS.iter().rev().find(|phase| **phase < asked.phase);
        open.asked_in = *earlier.ok_or("--from-earlier-phase: there is no phase before PREPARATION")?;
    }
    Ok(())
}

fn decide(engine: &Engine, situation: &Situation) -> Outcome {
    let decision = engine.explain_anew(situation);
    let approvers = decision.approval.map(|approval| approval.approvers).unwrap_or_default();
    Outcome { is_allowed: decision.is_allowed, approvers, rule: decision.rule, ways_out: decision.ways_out }
}

fn decide_duty(engine: &Engine, asked: &Arguments, duty: Duty) -> Result<Outcome, String> {
    if asked.product.is_some() {
        return Err("--product: this action is about no product; leave it out".to_owned());
    }
    let somebody = uuid::Uuid::nil();
    let caller = Caller {
        issuer: String::new(),
        subject: String::new(),
        roles: asked.role.into_iter().collect(),
        municipality: Some(somebody),
        provider: Some(somebody),
        customer_groups: vec![somebody],
    };
    Ok(match engine.duty(&caller, duty, asked.own, asked.phase) {
        Ok(permit) => {
            Outcome { is_allowed: true, approvers: Vec::new(), rule: permit.rule().clone(), ways_out: Vec::new() }
        }
        Err(rule) => {
            Outcome { is_allowed: false, approvers: Vec::new(), rule, ways_out: engine.who_may(duty, asked.phase) }
        }
    })
}

fn as_text(asked: &Arguments, outcome: &Outcome) -> String {
    let is_german = asked.language.unwrap_or_else(language_of_terminal) == Language::De;
    let say = |de: &'static str, en: &'static str| if is_german { de } else { en };
    let approvers: Vec<&str> = outcome.approvers.iter().map(Into::into).collect();
    let mut text = match (outcome.is_allowed, approvers.is_empty()) {
        (false, _) => say("Abgelehnt.\n", "Refused.\n").to_owned(),
        (true, true) => say("Erlaubt, sofort wirksam.\n", "Allowed, takes effect at once.\n").to_owned(),
        (true, false) => format!(
            "{} {}.\n",
            say("Erlaubt, sobald zustimmt:", "Allowed, once agreed to by:"),
            approvers.join(say(" oder ", " or "))
        ),
    };
    let rule = &outcome.rule;
    let sentence = if is_german { &rule.de } else { &rule.en };
    // Writing to a string does not fail.
    let _ = writeln!(text, "\n{:<8}{}\n{:<8}{sentence}", say("Regel", "Rule"), rule.id, "");
    let _ = writeln!(text, "{:<8}{}", say("Quelle", "Source"), rule.source);
    if !outcome.ways_out.is_empty() {
        let _ = writeln!(text, "\n{}", say("Jedes davon für sich würde genügen:", "Each of these by itself would do:"));
        for way in &outcome.ways_out {
            let _ = writeln!(text, "* {}", if is_german { &way.de } else { &way.en });
        }
    }
    text
}

fn as_json(asked: &Arguments, outcome: &Outcome) -> serde_json::Value {
    let action: &str = match asked.action {
        Asked::Action(action) => action.into(),
        Asked::Duty(duty) => duty.into(),
    };
    let approvers: Vec<&str> = outcome.approvers.iter().map(Into::into).collect();
    let rule = &outcome.rule;
    let ways_out: Vec<_> = outcome.ways_out.iter().map(way_out).collect();
    json!({
        "action": action,
        "phase": <&str>::from(asked.phase),
        "allowed": outcome.is_allowed,
        "approvers": approvers,
        "rule": { "id": rule.id, "de": rule.de, "en": rule.en, "source": rule.source },
        "waysOut": ways_out,
    })
}

/// As in GraphQL: the kind, and what it would be changed to.
fn way_out(way: &WayOut) -> serde_json::Value {
    let (kind, to) = match way.change {
        Change::Phase(phase) => ("PHASE", Some(<&str>::from(phase).to_owned())),
        Change::Role(role) => ("ROLE", Some(<&str>::from(role).to_owned())),
        Change::Approval => ("APPROVAL", None),
        Change::Date(day) => ("DATE", Some(day.to_string())),
        Change::Joining => ("JOINING", None),
        Change::Product(id) => ("PRODUCT", Some(id.to_string())),
        Change::Unfreeze => ("UNFREEZE", None),
    };
    json!({ "kind": kind, "to": to, "de": way.de, "en": way.en })
}

/// One of the words of an enumeration; another is refused with all that are possible.
fn words<T>() -> impl TypedValueParser<Value = T>
where
    T: VariantArray + Copy + Send + Sync + std::str::FromStr<Err = strum::ParseError>,
    &'static str: for<'t> From<&'t T>,
{
    let names: Vec<&'static str> = T::VARIANTS.iter().map(Into::into).collect();
    PossibleValuesParser::new(names).try_map(|name| name.parse())
}

fn actions() -> impl TypedValueParser<Value = Asked> {
    let of_subscriptions = Action::VARIANTS.iter().map(<&'static str>::from);
    let names: Vec<&'static str> = of_subscriptions.chain(Duty::VARIANTS.iter().map(Into::into)).collect();
    PossibleValuesParser::new(names).try_map(|name| match name.parse() {
        Ok(action) => Ok(Asked::Action(action)),
        Err(_) => name.parse().map(Asked::Duty),
    })
}
