//! One request for several municipalities: each has its own and confirms it itself; one report tells of all.

use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, NOT_JOINED, OTHER, STANDARD, next, reason},
    auditor, land, municipality, nodes, provider, steward, token, transformation_office,
};

const REQUEST: &str = "mutation($input: RequestForManyInput!) { requestForMany(input: $input) {
    report { id dryRun total requested valid rejected rows { index municipality { ags } outcome subscription { id state version }
        decision { action allowed needsApproval approvers phase rule { id } waysOut { kind phase role date product { id } } }
        errors { code path rule } } }
    errors { code path message nextStep } } }";
/// StädteRegion Aachen, and three of its towns.
const DISTRICT: &str = "05334000";
const TOWNS: [&str; 3] = [AACHEN, "05334004", "05334008"];

async fn many(app: &TestApp, product: (&str, &str), ags: &[&str], more: Value) -> Value {
    let rows: Vec<Value> = ags.iter().map(|ags| json!({ "municipality": { "ags": ags }, "quantity": 2 })).collect();
    let key = sea_orm::prelude::Uuid::new_v4().to_string();
    let mut input = json!({
        "product": app.product_id(product).await, "from": "2027-01-01", "rows": rows, "reason": reason("NEED"), "idempotencyKey": key,
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

async fn request(app: &TestApp, token: &str, input: &Value) -> Value {
    app.data_as(token, REQUEST, json!({ "input": input })).await["requestForMany"].clone()
}

async fn subscriptions(app: &TestApp) -> Value {
    app.data_as(&steward(), "{ subscriptions(first: 1) { totalCount } }", json!({})).await["subscriptions"]["totalCount"].clone()
}

fn outcomes(payload: &Value) -> Vec<&str> {
    payload["report"]["rows"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect()
}

on_both_databases! {
    async fn a_kreis_asks_for_its_towns_and_each_confirms_its_own(app: TestApp) {
        let district = municipality(DISTRICT);
        let input = many(app, INITIAL, &TOWNS, json!({})).await;
        let payload = request(app, &district, &input).await;
        assert_eq!(payload["errors"], json!([]));
        let report = &payload["report"];
        assert_eq!((&report["total"], &report["requested"], &report["rejected"]), (&json!(3), &json!(3), &json!(0)));
        assert_eq!(report["rows"][0]["decision"]["approvers"], json!(["MUNICIPALITY"]));
        let first = report["rows"][0]["subscription"].clone();
        assert_eq!((&first["state"], &first["version"]), (&json!("REQUESTED"), &json!(1)));
        assert_eq!(request(app, &district, &input).await, payload, "the same again");
        assert_eq!(app.done(&municipality(AACHEN), "confirmSubscription", next(&first, json!({ "accept": true }))).await["state"], "APPROVED");
        let second = report["rows"][1]["subscription"].clone();
        assert_eq!(app.done(&municipality(TOWNS[1]), "confirmSubscription", next(&second, json!({ "accept": false }))).await["state"], "REJECTED");
        assert_eq!(app.refused(&municipality(TOWNS[1]), "confirmSubscription", next(&report["rows"][2]["subscription"], json!({ "accept": true }))).await["code"], "NOT_FOUND");
        // The Kreis follows what became of it, and sees nothing else of its towns.
        let list = "query($where: SubscriptionFilter) { subscriptions(first: 100, where: $where, orderBy: [{field: CREATED_AT}]) { edges { node { state collectiveRequest subscriber { ... on Municipality { ags } } } } } }";
        let seen = nodes(&app.data_as(&district, list, json!({ "where": { "collectiveRequest": { "eq": report["id"] } } })).await["subscriptions"]);
        let mut states: Vec<_> = seen.iter().map(|node| (node["subscriber"]["ags"].as_str().unwrap(), node["state"].as_str().unwrap())).collect();
        states.sort_unstable();
        assert_eq!(states, [(AACHEN, "APPROVED"), (TOWNS[1], "REJECTED"), (TOWNS[2], "REQUESTED")]);
        assert!(seen.iter().all(|node| node["collectiveRequest"] == report["id"]));
        let all = nodes(&app.data_as(&district, list, json!({ "where": { "municipality": { "eq": AACHEN } } })).await["subscriptions"]);
        assert_eq!(all.len(), 1);
        let other = nodes(&app.data_as(&municipality(KLEVE), list, json!({ "where": { "collectiveRequest": { "eq": report["id"] } } })).await["subscriptions"]);
        assert_eq!(other.len(), 0);
        // It goes on to see it, whoever changes it afterwards.
        let active = app.done(&provider("zentral-nrw"), "activateSubscription", crate::support::acts::step(first["id"].as_str().unwrap(), 2, json!({ "on": "2026-11-23" }))).await;
        app.done(&municipality(AACHEN), "changeSubscription", next(&active, json!({ "quantity": 9 }))).await;
        let again = nodes(&app.data_as(&district, list, json!({ "where": { "collectiveRequest": { "eq": report["id"] } } })).await["subscriptions"]);
        assert_eq!(again.len(), 3);
        let third = report["rows"][2]["subscription"].clone();
        assert_eq!(app.done(&district, "withdrawSubscription", next(&third, json!({}))).await["state"], "WITHDRAWN");
    }

    async fn one_unknown_municipality_is_named_and_nothing_is_written(app: TestApp) {
        let before = subscriptions(app).await;
        let input = many(app, INITIAL, &[AACHEN, "05999999", "05334004"], json!({})).await;
        let payload = request(app, &municipality(DISTRICT), &input).await;
        assert_eq!((outcomes(&payload), &payload["report"]["id"]), (vec!["VALID", "REJECTED", "VALID"], &Value::Null));
        assert_eq!(payload["report"]["rows"][1]["errors"], json!([{ "code": "NOT_FOUND", "path": ["input", "rows", "1", "municipality"], "rule": null }]));
        assert_eq!(subscriptions(app).await, before);
        let input = many(app, INITIAL, &[AACHEN, "05999999", AACHEN, "05334004"], json!({ "onError": "ACCEPT_VALID" })).await;
        let payload = request(app, &municipality(DISTRICT), &input).await;
        assert_eq!(outcomes(&payload), ["REQUESTED", "REJECTED", "REJECTED", "REQUESTED"]);
        assert_eq!(payload["report"]["rows"][2]["errors"][0]["code"], "BAD_USER_INPUT", "the same town twice");
        assert_eq!(request(app, &municipality(DISTRICT), &input).await, payload, "the same again");
    }

    async fn a_dry_run_answers_the_same_and_writes_nothing(app: TestApp) {
        let before = subscriptions(app).await;
        let events = "{ auditEvents(first: 100) { edges { node { sequence } } } }";
        let recorded = app.data_as(&auditor(), events, json!({})).await;
        let input = many(app, INITIAL, &[AACHEN, KLEVE], json!({ "dryRun": true })).await;
        let payload = request(app, &municipality(DISTRICT), &input).await;
        assert_eq!((outcomes(&payload), &payload["report"]["dryRun"]), (vec!["VALID", "REJECTED"], &json!(true)));
        assert_eq!(payload["report"]["rows"][1]["errors"], json!([{ "code": "FORBIDDEN", "path": ["input", "rows", "1"], "rule": "no-rule-permits" }]));
        assert_eq!((subscriptions(app).await, app.data_as(&auditor(), events, json!({})).await), (before, recorded));
    }

    async fn the_report_says_what_explain_says(app: TestApp) {
        const EXPLAIN: &str = "query($input: ExplainInput!) { explain(input: $input) {
            action allowed needsApproval approvers phase rule { id } waysOut { kind phase role date product { id } } } }";
        let callers = [
            municipality(DISTRICT), municipality(AACHEN), municipality("05154000"), provider("zentral-nrw"), account_manager("kgst-st-2"),
            account_manager("kgst-st-4"), steward(), transformation_office(), land(), auditor(), token(json!({ "roles": ["municipality"] })),
        ];
        let mut allowed = 0;
        for phase in ["PREPARATION", "FOUNDATION", "INTEGRATION", "STEADY_STATE"] {
            app.enter_phase(phase).await;
            for product in [INITIAL, STANDARD, OTHER, NOT_JOINED] {
                for caller in &callers {
                    let input = many(app, product, &[AACHEN], json!({})).await;
                    let asked = json!({ "action": "REQUEST_FOR_MANY", "product": input["product"], "subscriber": { "municipality": { "ags": AACHEN } }, "from": "2027-01-01" });
                    let said = app.data_as(caller, EXPLAIN, json!({ "input": asked })).await["explain"].clone();
                    let done = request(app, caller, &input).await["report"]["rows"][0].clone();
                    assert_eq!(done["decision"], said, "{phase} {product:?}");
                    assert_eq!(said["allowed"] == true, done["outcome"] == "REQUESTED", "{phase} {product:?}: {done}");
                    allowed += i32::from(said["allowed"] == true);
                }
            }
        }
        // The Kreis and the account manager, from the founding on, for each kind that the town could request itself.
        assert_eq!(allowed, 2 * 3 * 3);
    }

    async fn what_is_wrong_with_all_of_it_is_told_by_its_place(app: TestApp) {
        let none: [&str; 0] = [];
        let unknown = "UHJvZHVjdDowMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA";
        for (ags, more, code, path) in [
            (none.as_slice(), json!({}), "BAD_USER_INPUT", json!(["input", "rows"])),
            (&[AACHEN; 501], json!({}), "BAD_USER_INPUT", json!(["input", "rows"])),
            (&[AACHEN], json!({ "product": "x" }), "BAD_USER_INPUT", json!(["input", "product"])),
            (&[AACHEN], json!({ "product": unknown }), "NOT_FOUND", json!(["input", "product"])),
            (&[AACHEN], json!({ "from": "2026-11-22" }), "BAD_USER_INPUT", json!(["input", "from"])),
            (&[AACHEN], json!({ "idempotencyKey": "" }), "BAD_USER_INPUT", json!(["input", "idempotencyKey"])),
            (&[AACHEN], json!({ "reason": { "code": "NEED", "text": "\u{0}" } }), "BAD_USER_INPUT", json!(["input", "reason", "text"])),
        ] {
            let payload = request(app, &municipality(DISTRICT), &many(app, INITIAL, ags, more).await).await;
            assert_eq!((&payload["errors"][0]["code"], &payload["errors"][0]["path"], &payload["report"]), (&json!(code), &path, &Value::Null), "{payload}");
        }
        for (more, path) in [
            (json!({ "rows": [{ "municipality": { "ags": AACHEN }, "quantity": 0 }] }), json!(["input", "rows", "0", "quantity"])),
        ] {
            let payload = request(app, &municipality(DISTRICT), &many(app, INITIAL, &[AACHEN], more).await).await;
            assert_eq!(payload["report"]["rows"][0]["errors"][0]["path"], path, "{payload}");
        }
        let answer = app.ask(REQUEST, json!({ "input": many(app, INITIAL, &[AACHEN], json!({})).await })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }

    async fn a_whole_customer_group_is_asked_for_at_once(app: TestApp) {
        let group = "{ customerGroups { key memberCount members(first: 100) { edges { node { ags } } } } }";
        let groups = app.data(group, json!({})).await["customerGroups"].clone();
        let group = groups.as_array().unwrap().iter().find(|group| group["key"] == "kgst-st-6").unwrap().clone();
        let ags: Vec<String> = nodes(&group["members"]).iter().map(|node| node["ags"].as_str().unwrap().to_owned()).collect();
        let ags: Vec<&str> = ags.iter().map(String::as_str).collect();
        let payload = request(app, &account_manager("kgst-st-6"), &many(app, INITIAL, &ags, json!({})).await).await;
        assert_eq!((&payload["report"]["requested"], ags.len() > 50), (&json!(ags.len()), true), "{}", payload["errors"]);
        let query = "query($where: AuditFilter) { auditEvents(first: 100, where: $where) { edges { node { entity { id } } } } }";
        let events = nodes(&app.data_as(&auditor(), query, json!({ "where": { "action": "REQUEST_FOR_MANY" } })).await["auditEvents"]);
        assert_eq!(events.len(), ags.len().min(100), "an event for each");
    }
}
