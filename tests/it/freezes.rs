//! While something is frozen, only the transformation office changes subscriptions; giving notice stays possible.

use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, STANDARD, id_of, next, reason, step},
    auditor, land, municipality, nodes, provider, steward, transformation_office,
};

const FREEZE: &str = "mutation($input: FreezeInput!) { freeze(input: $input) { freeze { id message from until lifted product { id } provider { key } } errors { code rule path message nextStep } } }";
const UNFREEZE: &str =
    "mutation($input: UnfreezeInput!) { unfreeze(input: $input) { freeze { lifted } errors { code path } } }";

/// Freezes something.
pub async fn freeze(app: &TestApp, token: &str, scope: Value, more: Value) -> Value {
    let key = sea_orm::prelude::Uuid::new_v4().to_string();
    let mut input = json!({ "scope": scope, "message": "Umstellung der Verträge", "reason": reason("MIGRATION"), "idempotencyKey": key });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.data_as(token, FREEZE, json!({ "input": input })).await["freeze"].clone()
}

async fn unfreeze(app: &TestApp, token: &str, freeze: &Value, key: &str) -> Value {
    let input = json!({ "freeze": freeze["freeze"]["id"], "reason": reason("OTHER"), "idempotencyKey": key });
    app.data_as(token, UNFREEZE, json!({ "input": input })).await["unfreeze"].clone()
}

on_both_databases! {
    async fn a_freeze_stops_everything_but_notice_until_it_is_lifted(app: TestApp) {
        let town = municipality(AACHEN);
        let row = app.subscription(AACHEN, INITIAL, |_| {}).await;
        let frozen = freeze(app, &transformation_office(), json!({ "provider": { "key": "zentral-nrw" } }), json!({})).await;
        assert_eq!((&frozen["errors"], &frozen["freeze"]["provider"]["key"], &frozen["freeze"]["from"]), (&json!([]), &json!("zentral-nrw"), &json!("2026-11-23")));
        let request = app.request_of(AACHEN, INITIAL).await;
        let refused = app.act(&town, "requestSubscription", request.clone()).await;
        assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["rule"]), (&json!("FORBIDDEN"), &json!("frozen")));
        let kinds: Vec<_> = refused["decision"]["waysOut"].as_array().unwrap().iter().map(|way| way["kind"].clone()).collect();
        assert_eq!(kinds, ["UNFREEZE", "PRODUCT"], "another provider offers the same standard");
        assert_eq!(app.refused(&town, "changeSubscription", step(&id_of(&row), 1, json!({ "quantity": 2 }))).await["rule"], "frozen");
        let available = "{ availableProducts(municipality: {ags: \"05334002\"}, first: 1, includeUnavailable: true, where: {provider: {eq: \"zentral-nrw\"}, name: {contains: \"E-Akte\"}}) { edges { node { status reason { code } } } } }";
        let seen = nodes(&app.data(available, json!({})).await["availableProducts"]);
        assert_eq!(seen[0], json!({ "status": "UNAVAILABLE", "reason": { "code": "FROZEN" } }));
        // Another provider's products, and notice, are as before.
        assert_eq!(app.done(&town, "requestSubscription", app.request_of(AACHEN, STANDARD).await).await["state"], "REQUESTED");
        assert_eq!(app.done(&town, "terminateSubscription", step(&id_of(&row), 1, json!({ "on": "2028-12-31" }))).await["state"], "TERMINATING");
        assert_eq!(app.data("{ freezes { message } }", json!({})).await["freezes"], json!([{ "message": "Umstellung der Verträge" }]));
        let lifted = unfreeze(app, &transformation_office(), &frozen, "u1").await;
        assert_eq!(lifted, json!({ "freeze": { "lifted": true }, "errors": [] }));
        assert_eq!(unfreeze(app, &transformation_office(), &frozen, "u1").await, lifted, "the same again");
        assert_eq!(unfreeze(app, &transformation_office(), &frozen, "u2").await["errors"][0]["code"], "CONFLICT");
        assert_eq!(app.done(&town, "requestSubscription", request).await["state"], "REQUESTED");
        let events = "{ auditEvents(first: 100, where: {subject: \"office\"}) { edges { node { action rule { id source } } } } }";
        let rule = json!({ "id": "transformation-office-freezes", "source": "OURS" });
        let told = nodes(&app.data_as(&auditor(), events, json!({})).await["auditEvents"]);
        assert_eq!(told, [json!({ "action": "UNFREEZE", "rule": rule }), json!({ "action": "FREEZE", "rule": rule })]);
    }

    async fn a_freeze_holds_for_its_days_and_its_scope(app: TestApp) {
        let (town, office) = (municipality(AACHEN), transformation_office());
        freeze(app, &office, json!({ "everything": true }), json!({ "from": "2026-11-24", "until": "2026-11-30" })).await;
        assert_eq!(app.done(&town, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await["state"], "REQUESTED");
        let product = app.product_id(INITIAL).await;
        freeze(app, &office, json!({ "product": product }), json!({ "until": "2026-11-23" })).await;
        assert_eq!(app.refused(&town, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await["rule"], "frozen");
        assert_eq!(app.done(&town, "requestSubscription", app.request_of(AACHEN, ("zentral-nrw", "BAS-04")).await).await["state"], "REQUESTED");
    }

    async fn notice_takes_the_place_of_what_nobody_can_decide_while_frozen(app: TestApp) {
        let (town, office) = (municipality(AACHEN), transformation_office());
        let (changing, ending) = (app.subscription(AACHEN, INITIAL, |_| {}).await, app.subscription(AACHEN, INITIAL, |_| {}).await);
        let pending = app.done(&town, "changeSubscription", step(&id_of(&changing), 1, json!({ "quantity": 5 }))).await;
        let asked = app.done(&account_manager("kgst-st-2"), "terminateSubscription", step(&id_of(&ending), 1, json!({ "on": "2028-12-31" }))).await;
        freeze(app, &office, json!({ "everything": true }), json!({})).await;
        let ended = app.done(&town, "terminateSubscription", next(&pending, json!({ "on": "2028-12-31" }))).await;
        assert_eq!((&ended["state"], &ended["pendingChange"], &ended["quantity"]), (&json!("TERMINATING"), &Value::Null, &json!(1)));
        assert_eq!(app.done(&town, "confirmSubscription", next(&asked, json!({ "accept": true }))).await["state"], "TERMINATING");
    }

    async fn only_the_transformation_office_freezes(app: TestApp) {
        for token in [municipality(AACHEN), provider("zentral-nrw"), steward(), land(), auditor()] {
            let refused = freeze(app, &token, json!({ "everything": true }), json!({})).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["freeze"]), (&json!("FORBIDDEN"), &Value::Null));
            assert_eq!((&refused["errors"][0]["rule"], &refused["errors"][0]["nextStep"]), (&json!("no-rule-permits"), &json!("Das Transformationsbüro kann es.")));
            let unknown = json!({ "freeze": { "id": "RnJlZXplOjAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw" } });
            assert_eq!(unfreeze(app, &token, &unknown, "x").await["errors"][0]["code"], "FORBIDDEN");
        }
        assert_eq!(app.data("{ freezes { message } }", json!({})).await["freezes"], json!([]));
    }

    async fn wrong_input_of_a_freeze_is_told_by_its_place(app: TestApp) {
        for (scope, more, path) in [
            (json!({ "everything": false }), json!({}), json!(["input", "scope", "everything"])),
            (json!({ "product": "x" }), json!({}), json!(["input", "scope", "product"])),
            (json!({ "provider": { "key": "nobody" } }), json!({}), json!(["input", "scope", "provider"])),
            (json!({ "everything": true }), json!({ "message": " " }), json!(["input", "message"])),
            (json!({ "everything": true }), json!({ "message": "x".repeat(501) }), json!(["input", "message"])),
            (json!({ "everything": true }), json!({ "from": "2026-11-22" }), json!(["input", "from"])),
            (json!({ "everything": true }), json!({ "until": "2199-01-01" }), json!(["input", "until"])),
            (json!({ "everything": true }), json!({ "from": "2026-12-02", "until": "2026-12-01" }), json!(["input", "until"])),
        ] {
            let refused = freeze(app, &transformation_office(), scope, more).await;
            assert_eq!(refused["errors"][0]["path"], path, "{refused}");
        }
    }
}
