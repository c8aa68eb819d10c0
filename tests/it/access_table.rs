//! The rules as a table: compared with the page that people review, and with the design's own table, cell by cell.

use itkatalog::access::{Action, Cell, Engine, Outcome, Phase, ProductKind, Role};

/// Who may do what, as the design says it: action, kinds of product, phases, role, own or any, who must decide.
/// Letters: kinds N I S O, phases P F I S, roles M municipality, P provider, A account manager, S steward, T transformation
/// office, L Land; `+` own, `*` whoever.
const DESIGN: &str = "
declare_interest      NISO  PFI   M+ P+ A+
request_subscription  I     F     M+:AS P+:AS A+:M
request_subscription  I     IS    M+ P+ A+:M
request_subscription  S     F     M+:PS P+:PS A+:M
request_subscription  S     IS    M+ P+ A+:M
request_subscription  O     F     M+:PS P+:PS A+:M
request_subscription  O     I     M+:PS P+:PS A+:M
request_subscription  O     S     M+
report_contract       NISO  P     P+ L* T*
report_contract       NISO  F     P+ T*
report_contract       NISO  I     T*
approve_subscription  I     FI    A+ S*
approve_subscription  I     S     S*
approve_subscription  SO    FI    P+ S*
approve_subscription  SO    S     S*
approve_subscription  N     PFI   P+
reject_subscription   I     FI    A+ S*
reject_subscription   I     S     S*
reject_subscription   SO    FI    P+ S*
reject_subscription   SO    S     S*
reject_subscription   N     PFI   P+
confirm_subscription  NISO  PFIS  M+
activate_subscription NISO  FIS   P+ S*
change_subscription   I     F     M+:AS A+:M
change_subscription   SO    F     M+:PS A+:M
change_subscription   N     FI    M+:P A+:M
change_subscription   IS    I     M+ A+:M
change_subscription   O     I     M+:PS A+:M
change_subscription   NISO  S     M+
terminate_subscription NISO PS    M+
terminate_subscription NISO FI    M+ A+:M
revoke_termination    NISO  PFIS  M+:P
withdraw_subscription NISO  PFIS  M* P* A* S* T* L* U*
migrate_subscription  NISO  F     T*:M
migrate_subscription  NIO   I     P+:M T*:M
migrate_subscription  S     I     P+:M S*:M T*:M
migrate_subscription  NISO  S     S*:M
request_for_many      NISO  FIS   A+:M M+:M
";

fn letter_of_phase(phase: Phase) -> char {
    match phase {
        Phase::Preparation => 'P',
        Phase::Foundation => 'F',
        Phase::Integration => 'I',
        Phase::SteadyState => 'S',
    }
}

fn letter_of_kind(kind: ProductKind) -> char {
    match kind {
        ProductKind::NotJoined => 'N',
        ProductKind::Initial => 'I',
        ProductKind::Standard => 'S',
        ProductKind::Other => 'O',
    }
}

fn letter_of_role(role: Role) -> char {
    match role {
        Role::Municipality => 'M',
        Role::Provider => 'P',
        Role::AccountManager => 'A',
        Role::Steward => 'S',
        Role::TransformationOffice => 'T',
        Role::Land => 'L',
        Role::Auditor => 'U',
    }
}

/// Outcome and approvers of a cell, as the design says it.
fn designed(cell: &Cell) -> (Outcome, String) {
    let name = <&str>::from(cell.action).to_lowercase();
    for line in DESIGN.lines().filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let is_meant = words[0] == name
            && words[1].contains(letter_of_kind(cell.kind))
            && words[2].contains(letter_of_phase(cell.phase));
        let Some(role) = cell.role.filter(|_| is_meant) else { continue };
        for permit in &words[3..] {
            let (who, approvers) = permit.split_once(':').unwrap_or((permit, ""));
            if who.starts_with(letter_of_role(role)) && (cell.is_own || who.ends_with('*')) {
                let outcome = if approvers.is_empty() { Outcome::Allow } else { Outcome::AllowWithApproval };
                return (outcome, approvers.to_owned());
            }
        }
    }
    (Outcome::Deny, String::new())
}

#[test]
fn every_cell_is_what_the_design_says() {
    let engine = Engine::embedded().unwrap();
    let mut different = Vec::new();
    for cell in engine.matrix() {
        let approvers: String = cell.approvers.iter().map(|role| letter_of_role(*role)).collect();
        if (cell.outcome, approvers) != designed(cell) {
            different.push(format!("{cell:?}"));
        }
    }
    assert_eq!(different, Vec::<String>::new());
}

#[test]
fn there_is_one_cell_for_every_combination_and_it_names_a_rule() {
    let engine = Engine::embedded().unwrap();
    // Three roles have an organisation and so two relations, four have none; and nobody known.
    assert_eq!(engine.matrix().len(), 4 * 13 * 4 * (3 * 2 + 4 + 1));
    let mut keys: Vec<String> = engine
        .matrix()
        .iter()
        .map(|cell| format!("{:?}{:?}{:?}{:?}{}", cell.phase, cell.role, cell.action, cell.kind, cell.is_own))
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), engine.matrix().len());
    assert!(engine.matrix().iter().all(|cell| !cell.rule.id.is_empty() && !cell.rule.source.is_empty()));
    let denied = engine.matrix().iter().filter(|cell| cell.outcome == Outcome::Deny);
    assert!(denied.clone().count() > 1000 && denied.clone().all(|cell| cell.rule.id == "no-rule-permits"));
    assert!(engine.matrix().iter().any(|cell| cell.action == Action::RequestForMany));
}

#[test]
fn the_page_that_is_checked_in_is_what_the_policies_say() {
    let page = Engine::embedded().unwrap().decision_table();
    let stale = "policies/decision_table.md is stale: run `cargo run -- policy matrix > policies/decision_table.md`";
    assert!(page == include_str!("../../policies/decision_table.md"), "{stale}");
}
