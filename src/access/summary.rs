//! Who may do one thing, in a few lines: what the descriptions of mutations end with.

use strum::VariantArray;

use super::{
    Action, Decision, Duty, Engine, Matter, Offer, Phase, ProductKind, Role, Situation, Standing,
    table::{self, Row},
};

/// What is permitted to one row of the table: for each phase the kinds of product, each with who must agree.
type Permitted = Vec<(Phase, Vec<(ProductKind, String)>)>;

/// Makes a situation one with another fact; none where it can't be, or is so already.
type Circumstance = fn(Situation) -> Option<Situation>;

/// Facts that give rights which the table does not show, and how they are called.
const CIRCUMSTANCES: [(&str, Circumstance); 5] = [
    ("if it asked itself", |situation| with(situation, |_, subscribed| subscribed.asked_by_caller = true)),
    ("for a reported contract", |situation| with(situation, |_, subscribed| subscribed.is_reported = true)),
    ("for a product in phase-out", |situation| with(situation, |offer, _| *offer = Offer::PhaseOut)),
    ("for what an earlier phase left open", |situation| {
        (situation.phase > Phase::Preparation).then_some(())?;
        with(situation, |_, subscribed| subscribed.open.iter_mut().for_each(|open| open.asked_in = Phase::Preparation))
    }),
    ("for a revocation", |situation| {
        with(situation, |_, subscribed| subscribed.open.iter_mut().for_each(|open| open.matter = Matter::Revocation))
    }),
];

fn with(mut situation: Situation, change: fn(&mut Offer, &mut super::Subscribed)) -> Option<Situation> {
    let before = situation;
    change(&mut situation.offer, situation.subscription.as_mut()?);
    (situation != before).then_some(situation)
}

impl Engine {
    /// Who may do something about subscriptions: a line for each role, and for each circumstance that gives more.
    pub fn summary(&self, action: Action) -> Vec<String> {
        // Who asked itself is a circumstance, also for a withdrawal.
        let usual = |phase: Phase, kind: ProductKind| {
            let mut situation = Situation::legal(action, phase, kind);
            situation.subscription.iter_mut().for_each(|subscribed| subscribed.asked_by_caller = false);
            situation
        };
        let base: Vec<(Row, Permitted)> = table::rows()
            .into_iter()
            .map(|row| (row, permitted(|phase, kind| Some(self.judge(&asked(usual(phase, kind), row))))))
            .collect();
        let mut lines = lines(&base, "");
        for (name, change) in CIRCUMSTANCES {
            let more = base.iter().filter_map(|(row, usually)| {
                let decide = |phase, kind| Some(self.judge(&asked(change(usual(phase, kind))?, *row)));
                let permitted = permitted(decide);
                gives_more(&permitted, usually).then_some((*row, permitted))
            });
            lines.extend(self::lines(&more.collect::<Vec<_>>(), name));
        }
        lines
    }

    /// Who may do something that is about no subscription.
    pub fn duty_summary(&self, duty: Duty) -> Vec<String> {
        let rows = table::rows().into_iter().map(|row| {
            let cells = self.duties().iter().filter(|cell| (cell.duty, cell.role, cell.is_own) == (duty, row.0, row.1));
            let any = || ProductKind::VARIANTS.iter().map(|kind| (*kind, String::new())).collect();
            (row, cells.filter(|cell| cell.permitted_by.is_some()).map(|cell| (cell.phase, any())).collect())
        });
        lines(&rows.collect::<Vec<_>>(), "")
    }
}

fn asked(situation: Situation, (role, is_own): Row) -> Situation {
    let standing = if is_own { Standing::Own } else { Standing::Foreign };
    role.map_or(situation, |role| situation.asked_as(role, standing))
}

fn permitted(decide: impl Fn(Phase, ProductKind) -> Option<Decision>) -> Permitted {
    let of_kind = |phase: Phase, kind: ProductKind| {
        let decision = decide(phase, kind).filter(|decision| decision.is_allowed)?;
        let approvers = decision.approval.map(|approval| approval.approvers).unwrap_or_default();
        let names: Vec<&str> = approvers.iter().map(Into::into).collect();
        Some((kind, names.join(" or ")))
    };
    let of_phase = |phase: &Phase| {
        let kinds: Vec<_> = ProductKind::VARIANTS.iter().filter_map(|kind| of_kind(*phase, *kind)).collect();
        (*phase, kinds)
    };
    Phase::VARIANTS.iter().map(of_phase).filter(|(_, kinds)| !kinds.is_empty()).collect()
}

/// Whether a phase and kind is among the one that is not among the other.
fn gives_more(one: &Permitted, other: &Permitted) -> bool {
    let is_in = |phase: Phase, kind: ProductKind| {
        other.iter().any(|(known, kinds)| *known == phase && kinds.iter().any(|(known, _)| *known == kind))
    };
    one.iter().any(|(phase, kinds)| kinds.iter().any(|(kind, _)| !is_in(*phase, *kind)))
}

/// A line for all rows that are permitted the same.
fn lines(rows: &[(Row, Permitted)], circumstance: &str) -> Vec<String> {
    let mut alike: Vec<(Vec<Row>, String)> = Vec::new();
    for (row, permitted) in rows.iter().filter(|(_, permitted)| !permitted.is_empty()) {
        let text = text(permitted);
        match alike.iter_mut().find(|(_, known)| *known == text) {
            Some((rows, _)) => rows.push(*row),
            None => alike.push((vec![*row], text)),
        }
    }
    let comma = if circumstance.is_empty() { "" } else { ", " };
    alike.into_iter().map(|(rows, text)| format!("{}{comma}{circumstance} – {text}", names(&rows))).collect()
}

fn names(rows: &[Row]) -> String {
    let is_both = |role: Role| rows.contains(&(Some(role), true)) && rows.contains(&(Some(role), false));
    let mut names: Vec<String> = Vec::new();
    for (role, is_own) in rows {
        let name: &str = role.map_or("ANONYMOUS", Into::into);
        names.push(match role.filter(|role| role.has_organisation() && !is_both(*role)) {
            Some(_) => format!("{name} ({})", if *is_own { "own" } else { "foreign" }),
            None => name.to_owned(),
        });
    }
    names.dedup();
    names.join(", ")
}

/// Phases in which the same holds are named together.
fn text(permitted: &Permitted) -> String {
    let mut alike: Vec<(Vec<&str>, String)> = Vec::new();
    for (phase, kinds) in permitted {
        let text = text_of_kinds(kinds);
        match alike.iter_mut().find(|(_, known)| *known == text) {
            Some((phases, _)) => phases.push(phase.into()),
            None => alike.push((vec![phase.into()], text)),
        }
    }
    let parts = alike.into_iter().map(|(phases, text)| {
        let is_every = phases.len() == Phase::VARIANTS.len();
        let phases = if is_every { "every phase".to_owned() } else { listed(&phases) };
        if text.is_empty() { phases } else { format!("{phases}: {text}") }
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// Kinds of product with the same approvers are named together; nothing where all are alike and nobody must agree.
fn text_of_kinds(kinds: &[(ProductKind, String)]) -> String {
    let mut alike: Vec<(Vec<&str>, &str)> = Vec::new();
    for (kind, approvers) in kinds {
        match alike.iter_mut().find(|(_, known)| known == approvers) {
            Some((kinds, _)) => kinds.push(kind.into()),
            None => alike.push((vec![kind.into()], approvers)),
        }
    }
    let is_mixed = alike.len() > 1;
    let parts = alike.into_iter().map(|(kinds, approvers)| {
        let is_any = kinds.len() == ProductKind::VARIANTS.len();
        let verb = if is_any || kinds.len() == 1 { "asks" } else { "ask" };
        let kinds = if is_any { String::new() } else { listed(&kinds) };
        match (approvers.is_empty(), is_mixed) {
            (true, false) => kinds,
            (true, true) => format!("{kinds} at once"),
            (false, _) => format!("{kinds} {verb} {approvers}").trim().to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// `A, B and C`.
fn listed(words: &[&str]) -> String {
    match words {
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => words.join(""),
    }
}
