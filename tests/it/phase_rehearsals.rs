//! A rehearsal tells what a change of phase would mean, and it turns out so.

use std::collections::BTreeSet;

use entity::product_subscription::{Awaits, Matter, State};
use itkatalog::{access::Outcome, policies};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, OTHER, Row, id_of, step},
    auditor, land, municipality, nodes, provider, steward, token, transformation_office,
};

const REHEARSE: &str = "query($to: PhaseKey!, $first: Int!, $after: String) { rehearsePhaseChange(to: $to) { from to impossible
    differences { effect municipalities before { role action relation productKind outcome approvers } after { phase outcome approvers } }
    openRequests(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node { possible decidersBefore decidersAfter subscription { id version } } } }
    exceptions { id } } }";

async fn rehearse(app: &TestApp, token: &str, to: &str) -> Value {
    app.data_as(token, REHEARSE, json!({ "to": to, "first": 100 })).await["rehearsePhaseChange"].clone()
}

fn open(row: &mut Row) {
    row.state = State::Requested;
    row.open_matter = Some(Matter::Request);
    row.awaits = Some(Awaits::Approval);
    row.asked_in = Some(entity::phase::Key::Foundation);
    // Older than all sample data.
    row.created_at = "2026-01-01T00:00:00Z".parse().unwrap();
    row.expires_at = "2026-12-31T00:00:00Z".parse().ok();
}

on_both_databases! {
    async fn every_difference_is_one_between_the_two_columns_of_the_table(app: TestApp) {
        let engine = policies::embedded().unwrap();
        for to in ["PREPARATION", "INTEGRATION", "STEADY_STATE"] {
            let told = rehearse(app, &transformation_office(), to).await;
            assert_eq!((&told["from"], &told["to"]), (&json!("FOUNDATION"), &json!(to)));
            let told: BTreeSet<String> = told["differences"].as_array().unwrap().iter().map(|difference| {
                let before = &difference["before"];
                assert!(difference["after"]["phase"] == to && difference["municipalities"].as_i64().unwrap() <= 427);
                format!("{} {} {} {} {}", before["role"], before["action"], before["relation"], before["productKind"], difference["effect"])
            }).collect();
            let of = |phase: &str| engine.matrix().iter().filter(|cell| <&str>::from(cell.phase) == phase).collect::<Vec<_>>();
            let expected: BTreeSet<String> = of("FOUNDATION").into_iter().zip(of(to)).filter_map(|(before, after)| {
                let effect = match (before.outcome, after.outcome) {
                    (Outcome::Deny, Outcome::Deny) | (Outcome::Allow, Outcome::Allow) => return None,
                    (Outcome::Deny, _) => "GAINED",
                    (_, Outcome::Deny) => "LOST",
                    (Outcome::AllowWithApproval, Outcome::Allow) => "EASED",
                    (Outcome::Allow, _) => "RESTRICTED",
                    _ if before.approvers == after.approvers => return None,
                    _ => "OTHER_APPROVERS",
                };
                let role = before.role.map_or("ANONYMOUS", Into::into);
                let relation = if before.is_own { "OWN" } else { "FOREIGN" };
                Some(format!("\"{role}\" \"{}\" \"{relation}\" \"{}\" \"{effect}\"", <&str>::from(before.action), <&str>::from(before.kind)))
            }).collect();
            assert!(!expected.is_empty());
            assert_eq!(told, expected, "{to}");
        }
    }

    async fn what_becomes_impossible_is_told_first_and_turns_out_to_be(app: TestApp) {
        // Asked in the phase that comes again, so it is not one that another phase left open.
        let row = app.subscription(AACHEN, INITIAL, |row| {
            open(row);
            row.asked_in = Some(entity::phase::Key::Preparation);
        });
        let row = row.await;
        let told = rehearse(app, &steward(), "PREPARATION").await;
        let waiting = nodes(&told["openRequests"]);
        assert_eq!(waiting[0]["subscription"]["id"], id_of(&row));
        assert_eq!((&waiting[0]["possible"], &waiting[0]["decidersAfter"]), (&json!(false), &json!([])));
        assert_eq!(waiting[0]["decidersBefore"], json!(["ACCOUNT_MANAGER", "STEWARD"]));
        assert!(told["impossible"].as_i64().unwrap() >= 1);
        app.enter_phase("PREPARATION").await;
        for token in [steward(), account_manager("kgst-st-2"), provider("zentral-nrw"), transformation_office()] {
            assert_eq!(app.refused(&token, "approveSubscription", step(&id_of(&row), 1, json!({}))).await["code"], "FORBIDDEN");
        }
    }

    async fn other_deciders_are_told_and_turn_out_to_be_the_ones(app: TestApp) {
        let (mine, other) = (app.subscription(AACHEN, INITIAL, open).await, app.subscription(AACHEN, OTHER, open).await);
        let told = rehearse(app, &auditor(), "STEADY_STATE").await;
        assert_eq!(told["impossible"], 0, "the steward decides what an earlier phase left open");
        let find = |row: &Row| nodes(&told["openRequests"]).into_iter().find(|node| node["subscription"]["id"] == id_of(row)).unwrap();
        assert_eq!((&find(&mine)["decidersBefore"], &find(&mine)["decidersAfter"]), (&json!(["ACCOUNT_MANAGER", "STEWARD"]), &json!(["STEWARD"])));
        assert_eq!((&find(&other)["decidersBefore"], &find(&other)["decidersAfter"]), (&json!(["PROVIDER", "STEWARD"]), &json!(["STEWARD"])));
        app.enter_phase("STEADY_STATE").await;
        assert_eq!(app.refused(&account_manager("kgst-st-2"), "approveSubscription", step(&id_of(&mine), 1, json!({}))).await["code"], "FORBIDDEN");
        assert_eq!(app.done(&steward(), "approveSubscription", step(&id_of(&mine), 1, json!({}))).await["state"], "APPROVED");
    }

    async fn an_auditor_of_one_municipality_is_told_of_its_own_requests_only(app: TestApp) {
        let (own, other) = (app.subscription(AACHEN, INITIAL, open).await, app.subscription(KLEVE, INITIAL, open).await);
        let auditor = token(json!({ "roles": ["auditor"], "municipality": AACHEN }));
        let waiting = nodes(&rehearse(app, &auditor, "STEADY_STATE").await["openRequests"]);
        let has = |row: &Row| waiting.iter().any(|node| node["subscription"]["id"] == id_of(row));
        assert_eq!((has(&own), has(&other)), (true, false));
    }

    async fn pages_of_a_rehearsal_lose_nothing_and_it_writes_nothing(app: TestApp) {
        let events = "{ auditEvents(first: 100) { edges { node { sequence } } } }";
        let before = app.data_as(&auditor(), events, json!({})).await;
        let all = rehearse(app, &steward(), "STEADY_STATE").await["openRequests"]["totalCount"].as_u64().unwrap();
        let (mut seen, mut after) = (BTreeSet::new(), Value::Null);
        loop {
            let page = app.data_as(&steward(), REHEARSE, json!({ "to": "STEADY_STATE", "first": 37, "after": after })).await["rehearsePhaseChange"]["openRequests"].clone();
            seen.extend(nodes(&page).iter().map(|node| node["subscription"]["id"].as_str().unwrap().to_owned()));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false { break; }
        }
        assert!(all > 37);
        assert_eq!(seen.len() as u64, all);
        assert_eq!(app.data("{ currentPhase { key } }", json!({})).await["currentPhase"]["key"], "FOUNDATION");
        assert_eq!(app.data_as(&auditor(), events, json!({})).await, before);
    }

    async fn only_those_who_plan_phases_rehearse_them(app: TestApp) {
        for token in [municipality(KLEVE), provider("krzn"), account_manager("kgst-st-2"), land()] {
            let answer = app.ask_as(&token, REHEARSE, json!({ "to": "INTEGRATION", "first": 1 })).await;
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "FORBIDDEN");
        }
        let answer = app.ask(REHEARSE, json!({ "to": "INTEGRATION", "first": 1 })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        let answer = app.ask_as(&steward(), REHEARSE, json!({ "to": "FOUNDATION", "first": 1 })).await;
        let extensions = &answer.body["errors"][0]["extensions"];
        assert_eq!((&extensions["code"], &extensions["field"]), (&json!("BAD_USER_INPUT"), &json!("to")));
    }
}
