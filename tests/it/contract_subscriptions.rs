//! The documents about subscriptions that users send, unchanged, against the sample data.

use serde_json::{Value, json};

use crate::support::{
    Answer, TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, reason},
    auditor, municipality, nodes, post, provider, steward,
};

const OWN_SUBSCRIPTIONS: &str = include_str!("contract/05-own-subscriptions.graphql");
const REQUEST: &str = include_str!("contract/06-request-subscription.graphql");
const DECIDE: &str = include_str!("contract/07-decide-subscription.graphql");
const ACTIVATE_CHANGE_TERMINATE: &str = include_str!("contract/08-activate-change-terminate.graphql");
const EXPLAIN: &str = include_str!("contract/09-explain.graphql");
const POLICY_MATRIX: &str = include_str!("contract/10-policy-matrix.graphql");

/// Runs one of several operations of a document.
async fn run(app: &TestApp, token: &str, operation: &str, input: Value) -> Value {
    let body =
        json!({ "query": ACTIVATE_CHANGE_TERMINATE, "operationName": operation, "variables": { "input": input } });
    let request = post().header("authorization", format!("Bearer {token}"));
    let answer: Answer = app.send(request, body.to_string()).await;
    assert_eq!(answer.body.get("errors"), None, "{operation}: {}", answer.body);
    let field = format!("{}{}", operation[..1].to_lowercase(), &operation[1..]);
    let payload = answer.body["data"][field].clone();
    assert_eq!(payload["errors"], json!([]), "{operation}");
    payload["subscription"].clone()
}

on_both_databases! {
    async fn a_municipality_sees_its_own_subscriptions_and_what_it_may_do(app: TestApp) {
        let data = app.data_as(&municipality(AACHEN), OWN_SUBSCRIPTIONS, json!({ "ags": AACHEN })).await;
        assert_eq!(data["viewer"]["municipality"]["name"], "Aachen");
        assert_eq!(data["municipality"]["annualCost"]["currency"], "EUR");
        let subscriptions = nodes(&data["municipality"]["subscriptions"]);
        assert!(subscriptions.len() > 10);
        assert_eq!(data["municipality"]["subscriptions"]["totalCount"], subscriptions.len());
        for subscription in &subscriptions {
            let actions: Vec<_> = subscription["permissions"].as_array().unwrap().iter().map(|one| one["action"].clone()).collect();
            assert_eq!(actions, [
                "APPROVE_SUBSCRIPTION", "REJECT_SUBSCRIPTION", "CONFIRM_SUBSCRIPTION", "WITHDRAW_SUBSCRIPTION", "ACTIVATE_SUBSCRIPTION",
                "CHANGE_SUBSCRIPTION", "TERMINATE_SUBSCRIPTION", "REVOKE_TERMINATION", "MIGRATE_SUBSCRIPTION",
            ]);
            assert!(!nodes(&subscription["history"]).is_empty());
            let keys: Vec<_> = subscription.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys[..4], ["id", "state", "version", "quantity"], "in the order of the document");
        }
        let active = subscriptions.iter().find(|subscription| subscription["state"] == "ACTIVE").unwrap();
        let terminate = active["permissions"].as_array().unwrap().iter().find(|one| one["action"] == "TERMINATE_SUBSCRIPTION").unwrap();
        assert_eq!((&terminate["allowed"], &terminate["rule"]["id"]), (&json!(true), &json!("own-municipality-gives-notice")));
        let other = app.ask_as(&municipality(KLEVE), OWN_SUBSCRIPTIONS, json!({ "ags": AACHEN })).await.body;
        assert_eq!((&other["data"]["municipality"]["annualCost"], &other["data"]["municipality"]["subscriptions"]), (&Value::Null, &Value::Null));
        assert!(other["errors"].as_array().unwrap().iter().all(|error| error["extensions"]["code"] == "FORBIDDEN"));
    }

    async fn a_request_goes_its_way_through_all_documents(app: TestApp) {
        let (town, manager) = (municipality(AACHEN), account_manager("kgst-st-2"));
        let mut input = app.request_of(AACHEN, INITIAL).await;
        input["quantity"] = json!(1);
        let first = app.data_as(&town, REQUEST, json!({ "input": input })).await["requestSubscription"].clone();
        assert_eq!((&first["subscription"]["state"], &first["subscription"]["subscriber"]["ags"]), (&json!("REQUESTED"), &json!(AACHEN)));
        let again = app.data_as(&town, REQUEST, json!({ "input": input })).await["requestSubscription"].clone();
        assert_eq!(again["subscription"], first["subscription"]);
        let mut other = input.clone();
        other["quantity"] = json!(2);
        let other = app.data_as(&town, REQUEST, json!({ "input": other })).await["requestSubscription"].clone();
        assert_eq!(other["errors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
        let foreign = app.data_as(&municipality(KLEVE), REQUEST, json!({ "input": input })).await["requestSubscription"].clone();
        assert_eq!(foreign["errors"][0]["code"], "FORBIDDEN");
        assert!(foreign["decision"]["rule"]["id"].is_string() && foreign["decision"]["waysOut"].as_array().unwrap().len() > 1);
        assert_eq!(app.ask(REQUEST, json!({ "input": input })).await.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");

        let id = first["subscription"]["id"].as_str().unwrap();
        let approve = |version: i64, key: &str| json!({ "approve": {
            "subscription": id, "version": version, "agreedFrom": "2027-01-01", "reason": reason("APPROVED"), "idempotencyKey": key } });
        let own = app.data_as(&town, DECIDE, approve(1, "k0")).await["approveSubscription"].clone();
        assert_eq!(own["errors"][0]["code"], "FORBIDDEN");
        let approved = app.data_as(&manager, DECIDE, approve(1, "k2")).await["approveSubscription"].clone();
        assert_eq!((&approved["subscription"]["state"], &approved["subscription"]["version"], &approved["errors"]), (&json!("APPROVED"), &json!(2), &json!([])));
        let late = app.data_as(&manager, DECIDE, approve(1, "k3")).await["approveSubscription"].clone();
        assert_eq!((&late["errors"][0]["code"], &late["subscription"]["version"]), (&json!("CONFLICT"), &json!(2)));

        let step = |version: i64, more: Value| crate::support::acts::step(id, version, more);
        let active = run(app, &provider("zentral-nrw"), "ActivateSubscription", step(2, json!({ "on": "2026-11-23" }))).await;
        assert_eq!((&active["state"], &active["activeSince"]), (&json!("ACTIVE"), &json!("2026-11-23")));
        let changed = run(app, &town, "ChangeSubscription", step(3, json!({ "quantity": 4 }))).await;
        assert_eq!(changed["pendingChange"]["quantity"], 4);
        assert_eq!(run(app, &manager, "RejectSubscription", step(4, json!({}))).await["version"], 5);
        let ended = run(app, &town, "TerminateSubscription", step(5, json!({ "on": "2030-12-31" }))).await;
        assert_eq!((&ended["state"], &ended["endsOn"]), (&json!("TERMINATING"), &json!("2030-12-31")));
        assert_eq!(run(app, &town, "RevokeTermination", step(6, json!({}))).await["version"], 7);
        assert_eq!(run(app, &town, "WithdrawSubscription", step(7, json!({}))).await["state"], "TERMINATING");
        let asked = app.done(&manager, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        let confirm = crate::support::acts::next(&asked, json!({ "accept": true }));
        assert_eq!(run(app, &town, "ConfirmSubscription", confirm).await["state"], "APPROVED");
        let mut interest = app.request_of(AACHEN, INITIAL).await;
        interest.as_object_mut().unwrap().retain(|name, _| !["quantity", "from"].contains(&name.as_str()));
        assert_eq!(run(app, &town, "DeclareInterest", interest).await["state"], "INTEREST");
    }

    async fn explain_answers_for_the_caller_and_for_others(app: TestApp) {
        let product = app.product_id(INITIAL).await;
        let input = json!({ "action": "REQUEST_SUBSCRIPTION", "product": product, "subscriber": { "municipality": { "ags": AACHEN } }, "phase": "PREPARATION" });
        let said = app.data_as(&municipality(AACHEN), EXPLAIN, json!({ "input": input })).await["explain"].clone();
        assert_eq!((&said["allowed"], &said["phase"], &said["rule"]["id"]), (&json!(false), &json!("PREPARATION"), &json!("no-rule-permits")));
        let phases: Vec<_> = said["waysOut"].as_array().unwrap().iter().filter(|way| way["kind"] == "PHASE").map(|way| way["phase"].clone()).collect();
        assert_eq!(phases, ["FOUNDATION", "INTEGRATION", "STEADY_STATE"]);
        let asked = app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        for (subject, allowed) in [("m", true), ("municipality-05334002", false)] {
            let input = json!({ "action": "APPROVE_SUBSCRIPTION", "subscription": asked["id"], "as": { "role": "ACCOUNT_MANAGER", "subject": subject, "customerGroups": ["kgst-st-2"] } });
            let said = app.data_as(&auditor(), EXPLAIN, json!({ "input": input })).await["explain"].clone();
            assert_eq!(said["allowed"], allowed);
        }
        for action in ["REPORT_CONTRACT", "REQUEST_FOR_MANY"] {
            let input = json!({ "action": action, "product": product, "subscriber": { "municipality": { "ags": AACHEN } } });
            app.data_as(&steward(), EXPLAIN, json!({ "input": input })).await;
        }
        let input = json!({ "action": "MIGRATE_SUBSCRIPTION", "subscription": asked["id"] });
        app.data_as(&steward(), EXPLAIN, json!({ "input": input })).await;
    }

    async fn the_policy_matrix_has_every_cell_and_names_rule_and_source(app: TestApp) {
        let cells = app.data(POLICY_MATRIX, json!({})).await["policyMatrix"].as_array().unwrap().clone();
        assert_eq!(cells.len(), 4 * 13 * 4 * 11);
        assert!(cells.iter().all(|cell| cell["rule"]["id"].is_string() && cell["rule"]["source"].is_string()));
        let of = |phase: &str, role: &str, action: &str, relation: &str, kind: &str| {
            let found = cells.iter().find(|cell| {
                cell["phase"] == phase && cell["role"] == role && cell["action"] == action && cell["relation"] == relation && cell["productKind"] == kind
            });
            found.unwrap()
        };
        let request = of("FOUNDATION", "MUNICIPALITY", "REQUEST_SUBSCRIPTION", "OWN", "INITIAL");
        assert_eq!((&request["outcome"], &request["approvers"]), (&json!("ALLOW_WITH_APPROVAL"), &json!(["ACCOUNT_MANAGER", "STEWARD"])));
        assert!(request["rule"]["source"].as_str().unwrap().starts_with("S1, "));
        assert_eq!(of("FOUNDATION", "ANONYMOUS", "REQUEST_SUBSCRIPTION", "FOREIGN", "INITIAL")["rule"]["id"], "no-rule-permits");
        assert_eq!(of("STEADY_STATE", "MUNICIPALITY", "TERMINATE_SUBSCRIPTION", "OWN", "NOT_JOINED")["outcome"], "ALLOW");
        assert!(cells.iter().all(|cell| cell["role"] != "STEWARD" || cell["relation"] == "FOREIGN"));
    }
}
