//! The phase changes when two people of the transformation office say so.

use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, reason},
    auditor, land, municipality, nodes, provider, steward, token, transformation_office,
};

const CHANGE_PHASE: &str = include_str!("contract/11-change-phase.graphql");

fn office(subject: &str) -> String {
    token(json!({ "roles": ["transformation_office"], "sub": subject }))
}

fn propose(to: &str, key: &str) -> Value {
    json!({ "to": to, "reason": reason("DECISION"), "overrideOpenCriteria": true, "idempotencyKey": key })
}

async fn send(app: &TestApp, token: &str, operation: &str, variables: Value) -> Value {
    let body = json!({ "query": CHANGE_PHASE, "operationName": operation, "variables": variables }).to_string();
    let request = crate::support::post().header("authorization", format!("Bearer {token}"));
    let answer = app.send(request, body).await;
    assert_eq!(answer.body.get("errors"), None, "{}", answer.body);
    answer.body["data"].as_object().unwrap().values().next().unwrap().clone()
}

async fn proposed(app: &TestApp, token: &str, input: Value) -> Value {
    send(app, token, "ProposePhaseChange", json!({ "propose": input })).await
}

async fn confirmed(app: &TestApp, token: &str, proposal: &Value, key: &str) -> Value {
    let input = json!({ "proposal": proposal["proposal"]["id"], "idempotencyKey": key });
    send(app, token, "ConfirmPhaseChange", json!({ "confirm": input })).await
}

async fn current(app: &TestApp) -> Value {
    app.data("{ currentPhase { key startedAt } phases { key state endedAt } }", json!({})).await
}

on_both_databases! {
    async fn one_proposes_and_another_confirms(app: TestApp) {
        let proposal = proposed(app, &office("one"), propose("INTEGRATION", "p1")).await;
        assert_eq!(proposal["errors"], json!([]));
        assert_eq!((&proposal["proposal"]["to"], &proposal["proposal"]["proposedBy"]), (&json!("INTEGRATION"), &json!("one")));
        assert_eq!(proposal["proposal"]["expiresAt"], "2027-02-21T09:00:00.000000Z");
        assert_eq!(proposed(app, &office("one"), propose("INTEGRATION", "p1")).await, proposal, "the same again");
        let own = confirmed(app, &office("one"), &proposal, "c1").await;
        assert_eq!((&own["errors"][0]["code"], &own["phase"]), (&json!("FORBIDDEN"), &Value::Null));
        assert_eq!(current(app).await["currentPhase"]["key"], "FOUNDATION");
        let other = confirmed(app, &office("two"), &proposal, "c2").await;
        assert_eq!(other, json!({ "phase": { "key": "INTEGRATION", "startedAt": "2026-11-23" }, "errors": [] }));
        assert_eq!(confirmed(app, &office("two"), &proposal, "c2").await, other, "the same again");
        let now = current(app).await;
        assert_eq!(now["currentPhase"]["key"], "INTEGRATION");
        assert_eq!(now["phases"][1], json!({ "key": "FOUNDATION", "state": "DONE", "endedAt": "2026-11-23" }));
        // The very next decision is one of the new phase.
        let asked = app.act(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        assert_eq!(asked["subscription"]["state"], "APPROVED");
        let again = confirmed(app, &office("three"), &proposal, "c3").await;
        assert_eq!(again["errors"][0]["code"], "CONFLICT");
        let query = "{ auditEvents(first: 10) { edges { node { action outcome entity { __typename } reason { code } rule { id } } } } }";
        let events = nodes(&app.data_as(&auditor(), query, json!({})).await["auditEvents"]);
        let told: Vec<_> = events.iter().map(|event| (event["action"].as_str().unwrap(), event["outcome"].as_str().unwrap())).collect();
        assert_eq!(told[1..4], [("CONFIRM_PHASE_CHANGE", "COMMITTED"), ("CONFIRM_PHASE_CHANGE", "REFUSED"), ("PROPOSE_PHASE_CHANGE", "COMMITTED")]);
        assert_eq!((&events[1]["rule"]["id"], &events[3]["rule"]["id"]), (&json!("transformation-office-changes-phase"), &json!("transformation-office-changes-phase")));
        assert_eq!((&events[1]["entity"]["__typename"], &events[3]["reason"]["code"]), (&json!("TransformationPhase"), &json!("DECISION")));
    }

    async fn open_criteria_refuse_unless_they_are_overridden(app: TestApp) {
        let mut input = propose("INTEGRATION", "p1");
        input["overrideOpenCriteria"] = json!(false);
        let refused = proposed(app, &office("one"), input.clone()).await;
        assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!("BAD_USER_INPUT"), &json!(["input", "overrideOpenCriteria"])));
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains("decken dessen Kosten"), "{refused}");
        input["to"] = json!("PREPARATION");
        assert_eq!(proposed(app, &office("one"), input.clone()).await["errors"], json!([]), "a step back needs no criteria");
        input["to"] = json!("FOUNDATION");
        input["idempotencyKey"] = json!("p2");
        assert_eq!(proposed(app, &office("one"), input).await["errors"][0]["path"], json!(["input", "to"]));
    }

    async fn a_proposal_holds_for_its_phase_and_its_time(app: TestApp) {
        let (first, second) = (proposed(app, &office("one"), propose("INTEGRATION", "p1")).await, proposed(app, &office("one"), propose("STEADY_STATE", "p2")).await);
        assert_eq!(confirmed(app, &office("two"), &first, "c1").await["errors"], json!([]));
        let late = confirmed(app, &office("two"), &second, "c2").await;
        assert_eq!((&late["errors"][0]["code"], &late["errors"][0]["path"]), (&json!("CONFLICT"), &json!(["input", "proposal"])));
        let third = proposed(app, &office("one"), propose("STEADY_STATE", "p3")).await;
        use sea_orm::ConnectionTrait;
        app.server.database().connection().execute_unprepared("UPDATE phase_proposals SET expires_at = proposed_at").await.unwrap();
        assert_eq!(confirmed(app, &office("two"), &third, "c3").await["errors"][0]["code"], "EXPIRED");
        assert_eq!(current(app).await["currentPhase"]["key"], "INTEGRATION");
    }

    async fn of_many_confirmations_at_once_one_enters_the_phase(app: TestApp) {
        let proposal = proposed(app, &office("one"), propose("INTEGRATION", "p1")).await;
        let people: Vec<String> = (0..10).map(|number| office(&format!("person-{number}"))).collect();
        let outcomes = futures_util::future::join_all(people.iter().map(|person| confirmed(app, person, &proposal, "c"))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome["errors"] == json!([])).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| outcome["errors"][0]["code"] == "CONFLICT").count(), 9);
        let phases = entity::phase::Entity::find().all(app.server.database().connection()).await.unwrap();
        assert_eq!(phases.iter().filter(|phase| phase.state == entity::phase::State::Current).count(), 1);
    }

    async fn nobody_else_changes_the_phase(app: TestApp) {
        let proposal = proposed(app, &office("one"), propose("INTEGRATION", "p1")).await;
        for token in [municipality(AACHEN), provider("zentral-nrw"), account_manager("kgst-st-2"), steward(), land(), auditor(), token(json!({ "roles": ["king"] }))] {
            let refused = proposed(app, &token, propose("INTEGRATION", "x")).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["proposal"]), (&json!("FORBIDDEN"), &Value::Null));
            assert_eq!(confirmed(app, &token, &proposal, "x").await["errors"][0]["code"], "FORBIDDEN");
        }
        let body = json!({ "query": CHANGE_PHASE, "operationName": "ProposePhaseChange", "variables": { "propose": propose("INTEGRATION", "x") } });
        let answer = app.send(crate::support::post(), body.to_string()).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert_eq!(current(app).await["currentPhase"]["key"], "FOUNDATION");
    }

    async fn wrong_input_is_told_by_its_place(app: TestApp) {
        let mut input = propose("INTEGRATION", "p1");
        input["reason"]["text"] = json!(" ");
        assert_eq!(proposed(app, &transformation_office(), input.clone()).await["errors"][0]["path"], json!(["input", "reason", "text"]));
        input = propose("INTEGRATION", "");
        assert_eq!(proposed(app, &transformation_office(), input).await["errors"][0]["path"], json!(["input", "idempotencyKey"]));
        for (id, code) in [("x", "BAD_USER_INPUT"), ("UGhhc2VDaGFuZ2VQcm9wb3NhbDowMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA", "NOT_FOUND")] {
            let outcome = confirmed(app, &transformation_office(), &json!({ "proposal": { "id": id } }), "c").await;
            assert_eq!((&outcome["errors"][0]["code"], &outcome["errors"][0]["path"]), (&json!(code), &json!(["input", "proposal"])));
        }
    }
}
