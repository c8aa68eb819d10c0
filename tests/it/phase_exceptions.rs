//! For one provider or product another phase can rule; every decision that this changes says so.

use serde_json::{Value, json};

use crate::support::{
    TestApp,
    acts::{AACHEN, INITIAL, OTHER, STANDARD, id_of, reason, step},
    auditor, municipality, nodes, token,
};

const PROPOSE: &str = "mutation($input: ProposePhaseChangeInput!) { proposePhaseChange(input: $input) { proposal { id to until product { id } provider { key } } errors { code path } } }";
const CONFIRM: &str = "mutation($input: ConfirmPhaseChangeInput!) { confirmPhaseChange(input: $input) { phase { key } exception { id phase from until endedAt product { id } provider { key } } errors { code path } } }";
const EXPLAIN: &str = "query($input: ExplainInput!) { explain(input: $input) { allowed needsApproval phase rule { id } phaseException { id phase provider { key } } } }";

fn office(name: &str) -> String {
    token(json!({ "roles": ["transformation_office"], "sub": name, "exp": 1_900_000_000 }))
}

async fn propose(app: &TestApp, more: Value) -> Value {
    let key = sea_orm::prelude::Uuid::new_v4().to_string();
    let mut input = json!({ "reason": reason("DECISION"), "idempotencyKey": key });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.data_as(&office("one"), PROPOSE, json!({ "input": input })).await["proposePhaseChange"].clone()
}

async fn confirm(app: &TestApp, proposal: &Value) -> Value {
    let key = sea_orm::prelude::Uuid::new_v4().to_string();
    let input = json!({ "proposal": proposal["proposal"]["id"], "idempotencyKey": key });
    app.data_as(&office("two"), CONFIRM, json!({ "input": input })).await["confirmPhaseChange"].clone()
}

/// An exception, proposed and confirmed.
pub async fn except(app: &TestApp, more: Value) -> Value {
    let proposal = propose(app, more).await;
    assert_eq!(proposal["errors"], json!([]));
    let confirmed = confirm(app, &proposal).await;
    assert_eq!(confirmed["errors"], json!([]));
    confirmed["exception"].clone()
}

async fn explain(app: &TestApp, product: (&str, &str), more: Value) -> Value {
    let mut asked = json!({ "action": "REQUEST_SUBSCRIPTION", "product": app.product_id(product).await, "subscriber": { "municipality": { "ags": AACHEN } } });
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.data_as(&municipality(AACHEN), EXPLAIN, json!({ "input": asked })).await["explain"].clone()
}

on_both_databases! {
    async fn an_exception_rules_one_provider_and_every_decision_that_it_changes_names_it(app: TestApp) {
        let exception = except(app, json!({ "to": "INTEGRATION", "scope": { "provider": { "key": "zentral-nrw" } } })).await;
        assert_eq!((&exception["phase"], &exception["from"], &exception["provider"]["key"]), (&json!("INTEGRATION"), &json!("2026-11-23"), &json!("zentral-nrw")));
        let said = explain(app, INITIAL, json!({})).await;
        assert_eq!((&said["needsApproval"], &said["phase"], &said["phaseException"]["id"]), (&json!(false), &json!("INTEGRATION"), &exception["id"]));
        assert_eq!(app.act(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await["subscription"]["state"], "APPROVED");
        // Elsewhere the current phase rules.
        let other = explain(app, STANDARD, json!({})).await;
        assert_eq!((&other["needsApproval"], &other["phase"], &other["phaseException"]), (&json!(true), &json!("FOUNDATION"), &Value::Null));
        let asked = explain(app, INITIAL, json!({ "phase": "PREPARATION" })).await;
        assert_eq!((&asked["allowed"], &asked["phaseException"]), (&json!(false), &Value::Null), "who asks for a phase is told about that one");
        let row = app.subscription(AACHEN, INITIAL, |_| {}).await;
        let permissions = "query($id: ID!) { subscription(id: $id) { permissions { action needsApproval phaseException { phase } } } }";
        let seen = app.data_as(&municipality(AACHEN), permissions, json!({ "id": id_of(&row) })).await["subscription"]["permissions"].clone();
        assert!(seen.as_array().unwrap().iter().all(|permission| permission["phaseException"]["phase"] == "INTEGRATION"), "{seen}");
        let changed = app.act(&municipality(AACHEN), "changeSubscription", step(&id_of(&row), 1, json!({ "quantity": 4 }))).await;
        assert_eq!((&changed["decision"]["phase"], &changed["subscription"]["quantity"]), (&json!("INTEGRATION"), &json!(4)));
        let list = app.data("{ currentPhase { key } phaseExceptions { id phase until provider { key } product { id } } }", json!({})).await;
        assert_eq!(list["currentPhase"]["key"], "FOUNDATION");
        assert_eq!(list["phaseExceptions"], json!([{ "id": exception["id"], "phase": "INTEGRATION", "until": null, "provider": { "key": "zentral-nrw" }, "product": null }]));
        let events = nodes(&app.data_as(&auditor(), "{ auditEvents(first: 5, where: {subject: \"two\"}) { edges { node { action after } } } }", json!({})).await["auditEvents"]);
        assert_eq!((&events[0]["action"], &events[0]["after"]["phase"]), (&json!("CONFIRM_PHASE_CHANGE"), &json!("INTEGRATION")));
    }

    async fn what_a_municipality_can_have_follows_the_exception(app: TestApp) {
        let product = app.product_id(OTHER).await;
        let seen = async || {
            let query = "{ availableProducts(municipality: {ags: \"05334002\"}, first: 5, includeUnavailable: true, where: {provider: {eq: \"regioit\"}, name: {contains: \"Umwelt\"}}) { edges { node { status reason { code } } } } }";
            nodes(&app.data(query, json!({})).await["availableProducts"])[0].clone()
        };
        assert_eq!(seen().await["status"], "AVAILABLE");
        except(app, json!({ "to": "PREPARATION", "scope": { "product": product } })).await;
        assert_eq!(seen().await, json!({ "status": "INTEREST_ONLY", "reason": { "code": "PHASE_TOO_EARLY" } }));
    }

    async fn an_exception_for_a_product_goes_before_one_for_its_provider_and_ends_on_its_day_or_by_another(app: TestApp) {
        let product = app.product_id(INITIAL).await;
        let of_provider = except(app, json!({ "to": "INTEGRATION", "scope": { "provider": { "key": "zentral-nrw" } } })).await;
        except(app, json!({ "to": "STEADY_STATE", "scope": { "product": product }, "until": "2026-11-24" })).await;
        assert_eq!(explain(app, INITIAL, json!({})).await["phase"], "STEADY_STATE");
        let later = app.at("2026-11-25T09:00:00Z").await;
        let town = token(json!({ "roles": ["municipality"], "municipality": AACHEN, "exp": 1_900_000_000 }));
        let asked = json!({ "action": "REQUEST_SUBSCRIPTION", "product": product, "subscriber": { "municipality": { "ags": AACHEN } } });
        let said = later.data_as(&town, EXPLAIN, json!({ "input": asked })).await["explain"].clone();
        assert_eq!((&said["phase"], &said["phaseException"]["id"]), (&json!("INTEGRATION"), &of_provider["id"]));
        // Another one for the same takes its place; the current phase ends it.
        let third = except(app, json!({ "to": "PREPARATION", "scope": { "product": product } })).await;
        assert_eq!(explain(app, INITIAL, json!({})).await["phaseException"]["id"], third["id"]);
        let ended = except(app, json!({ "to": "FOUNDATION", "scope": { "product": product } })).await;
        assert_eq!((&ended["id"], ended["endedAt"].is_string()), (&third["id"], true));
        assert_eq!(explain(app, INITIAL, json!({})).await["phaseException"]["id"], of_provider["id"]);
    }

    async fn a_proposal_does_not_hold_once_somebody_else_changed_the_phase(app: TestApp) {
        let exception = propose(app, json!({ "to": "INTEGRATION", "scope": { "provider": { "key": "krzn" } } })).await;
        let change = propose(app, json!({ "to": "INTEGRATION", "overrideOpenCriteria": true })).await;
        assert_eq!(confirm(app, &change).await["phase"]["key"], "INTEGRATION");
        let late = confirm(app, &exception).await;
        assert_eq!(late["errors"], json!([{ "code": "CONFLICT", "path": ["input", "proposal"] }]));
        assert_eq!(app.data("{ phaseExceptions { id } }", json!({})).await["phaseExceptions"], json!([]));
    }

    async fn an_exception_that_came_and_went_voids_older_proposals_and_open_ones_are_listed(app: TestApp) {
        let (scope, list) = (json!({ "provider": { "key": "krzn" } }), "{ phaseChangeProposals { id provider { key } } }");
        let old = propose(app, json!({ "to": "STEADY_STATE", "scope": scope })).await;
        assert_eq!(app.data_as(&office("two"), list, json!({})).await["phaseChangeProposals"], json!([{ "id": old["proposal"]["id"], "provider": { "key": "krzn" } }]));
        // The next moment: the clock of these tests stands still.
        let later = app.at("2026-11-23T10:00:00Z").await;
        except(&later, json!({ "to": "INTEGRATION", "scope": scope })).await;
        except(&later, json!({ "to": "FOUNDATION", "scope": scope })).await;
        assert_eq!(confirm(&later, &old).await["errors"], json!([{ "code": "CONFLICT", "path": ["input", "proposal"] }]));
        let answer = app.ask_as(&municipality(AACHEN), list, json!({})).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }

    async fn wrong_exceptions_are_told_by_their_place(app: TestApp) {
        let provider = json!({ "provider": { "key": "krzn" } });
        for (more, code, path) in [
            (json!({ "to": "FOUNDATION", "scope": provider }), "BAD_USER_INPUT", json!(["input", "to"])),
            (json!({ "to": "INTEGRATION", "scope": { "provider": { "key": "nobody" } } }), "NOT_FOUND", json!(["input", "scope", "provider"])),
            (json!({ "to": "INTEGRATION", "scope": { "product": "x" } }), "BAD_USER_INPUT", json!(["input", "scope", "product"])),
            (json!({ "to": "INTEGRATION", "scope": provider, "until": "2026-11-22" }), "BAD_USER_INPUT", json!(["input", "until"])),
            (json!({ "to": "INTEGRATION", "scope": provider, "until": "2099-01-01" }), "BAD_USER_INPUT", json!(["input", "until"])),
            (json!({ "to": "INTEGRATION", "overrideOpenCriteria": true, "until": "2026-12-31" }), "BAD_USER_INPUT", json!(["input", "until"])),
        ] {
            let refused = propose(app, more.clone()).await;
            assert_eq!((&refused["errors"], &refused["proposal"]), (&json!([{ "code": code, "path": path }]), &Value::Null), "{more}");
        }
        except(app, json!({ "to": "INTEGRATION", "scope": provider })).await;
        let refused = propose(app, json!({ "to": "FOUNDATION", "scope": provider, "until": "2026-12-31" })).await;
        assert_eq!(refused["errors"], json!([{ "code": "BAD_USER_INPUT", "path": ["input", "until"] }]));
    }
}
