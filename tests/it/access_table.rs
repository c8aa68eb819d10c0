//! The rules as a table: compared with the page that people review, and with the design's own table, cell by cell.

use itkatalog::{
    access::{Action, Caller, Cell, Duty, Outcome, Phase, ProductKind, Role},
    policies,
};
use strum::VariantArray;

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
    let engine = policies::embedded().unwrap();
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
fn a_freeze_leaves_notice_to_everybody_and_all_else_to_the_transformation_office() {
    let engine = policies::embedded().unwrap();
    let frozen = engine.frozen_matrix();
    assert_eq!(frozen.len(), engine.matrix().len());
    for (usual, cell) in engine.matrix().iter().zip(&frozen) {
        let place = |cell: &Cell| (cell.phase, cell.role, cell.action, cell.is_own, cell.kind);
        assert_eq!(place(usual), place(cell));
        let is_as_usual = cell.role == Some(Role::TransformationOffice) || cell.action == Action::TerminateSubscription;
        if is_as_usual {
            let outcome = |cell: &Cell| (cell.outcome, cell.approvers.clone(), cell.rule.id.clone());
            assert_eq!(outcome(usual), outcome(cell), "{cell:?}");
        } else {
            assert_eq!((cell.outcome, cell.rule.id.as_str()), (Outcome::Deny, "frozen"), "{cell:?}");
        }
    }
}

/// Who may do what is about no subscription, in every phase: letters as above, `+` only for its own.
const DUTIES: &str = "
freeze                  T
unfreeze                T
propose_phase_change    T
confirm_phase_change    T
rehearse_phase_change   STU
register_portfolio      P+
save_product            P+
submit_product          P+
phase_out_product       P+
retire_product          P+
revert_product          P+
mark_products_seen      S
review_products         S
save_standard_product   S
match_product           SP+
review_overlaps         SP+
dismiss_overlap         S
confirm_overlap         S
save_product_relations  SP+
join_provider           T
join_municipality       T
merge_providers         T
import_municipalities   SL
follow_area_change      ST
save_customer_group     S
save_contact            SA+P+
assign_contact          SA+P+
hand_over_contacts      SA+P+
confirm_contact         SA+P+
erase_contact           S
export_contact          S
list_stale_contacts     SA+
read_contact_person     SA+P+M+
save_webhook            L
rotate_webhook_secret   L
delete_webhook          L
replay_webhook          L
send_test_webhook       L
start_export            MPASTLU
cancel_export           MPASTLU
";

#[test]
fn every_duty_is_what_the_design_says() {
    let engine = policies::embedded().unwrap();
    assert_eq!(engine.duties().len(), Duty::VARIANTS.len() * 4 * (3 * 2 + 4 + 1));
    for cell in engine.duties() {
        let name = <&str>::from(cell.duty).to_lowercase();
        let line = DUTIES.lines().find(|line| line.split_whitespace().next() == Some(&name)).unwrap();
        let who = line.split_whitespace().nth(1).unwrap();
        let is_permitted = cell.role.is_some_and(|role| {
            let place = who.find(letter_of_role(role));
            place.is_some_and(|place| cell.is_own || !who[place + 1..].starts_with('+'))
        });
        assert_eq!((cell.permitted_by.is_some(), cell.forbidden_by.is_some()), (is_permitted, false), "{cell:?}");
    }
}

fn caller(roles: &[Role]) -> Caller {
    let (issuer, subject) = ("issuer".to_owned(), "subject".to_owned());
    Caller { issuer, subject, roles: roles.to_vec(), municipality: None, provider: None, customer_groups: Vec::new() }
}

#[test]
fn of_several_roles_one_that_may_suffices_for_a_duty_and_a_refusal_names_its_rule() {
    let engine = policies::embedded().unwrap();
    let ask = |roles: &[Role]| engine.duty(&caller(roles), Duty::Freeze, false, Phase::Integration);
    assert_eq!(ask(&[Role::Land, Role::TransformationOffice]).unwrap().rule().id, "transformation-office-freezes");
    assert_eq!(ask(&[Role::Land]).unwrap_err().id, "no-rule-permits");
    assert_eq!(ask(&[]).unwrap_err().id, "no-rule-permits");
    assert_eq!(ask(&[Role::Municipality]).unwrap_err().id, "organisation-missing");
    let who: Vec<String> = engine.who_may(Duty::Freeze, Phase::Integration).into_iter().map(|way| way.en).collect();
    assert_eq!(who, ["The transformation office can do it."]);
    assert_eq!(engine.rule("transformation-office-changes-phase").source, "OURS");
}

#[test]
fn there_is_one_cell_for_every_combination_and_it_names_a_rule() {
    let engine = policies::embedded().unwrap();
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
fn a_source_is_a_document_and_a_passage_or_says_that_it_is_ours() {
    let engine = policies::embedded().unwrap();
    let of_duties = engine.duties().iter().filter_map(|cell| cell.permitted_by.as_ref());
    for rule in engine.matrix().iter().map(|cell| &cell.rule).chain(of_duties) {
        let is_reference = rule.source.split_once(", ").is_some_and(|(document, passage)| {
            ["S0", "S1", "S2", "S3", "S4"].contains(&document)
                && (passage.contains("Absatz") || passage.contains("Absätze"))
        });
        assert!(rule.source == "OURS" || is_reference, "{}: {}", rule.id, rule.source);
        // A theme in a few words may stand beside the passage; a sentence of the document may not.
        assert!(
            rule.source.split_whitespace().count() <= 16 && !rule.source.contains(['„', '“', '"']),
            "{}",
            rule.source
        );
    }
}

#[test]
fn the_page_that_is_checked_in_is_what_the_policies_say() {
    // All cases are asked here, of the rules that are compiled in.
    let engine = policies::check(None).unwrap();
    let stale = "src/graphql/rights.json is stale: run `cargo run -- policy rights > rights.json` and put it there";
    assert!(
        itkatalog::graphql::rights::page(&engine).unwrap() == include_str!("../../src/graphql/rights.json"),
        "{stale}"
    );
    let page = engine.decision_table();
    let stale = "policies/decision_table.md is stale: run `cargo run -- policy matrix > policies/decision_table.md`";
    assert!(page == include_str!("../../policies/decision_table.md"), "{stale}");
}
