//! The audit trail: who reads it, and what it tells.

use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, KLEVE},
    auditor, fingerprint, land, municipality, nodes, provider, steward, token, transformation_office,
};

const AUDIT: &str = include_str!("contract/14-audit.graphql");

async fn read(app: &TestApp, token: &str, variables: Value) -> Value {
    app.data_as(token, AUDIT, variables).await["auditEvents"].clone()
}

on_both_databases! {
    async fn auditors_read_who_did_what_when_why_and_by_which_rule(app: TestApp) {
        let subscription = app.some_events().await;
        let events = nodes(&read(app, &auditor(), json!({ "first": 10 })).await);
        let actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["APPROVE_SUBSCRIPTION", "REQUEST_SUBSCRIPTION", "REQUEST_SUBSCRIPTION", "LOAD_SAMPLE_DATA", "LOAD_REFERENCE_DATA"]);
        let approval = &events[0];
        assert_eq!(approval["actor"], json!({ "subject": "steward", "roles": ["STEWARD"], "organisation": null }));
        assert_eq!(approval["entity"], json!({ "id": subscription["id"], "__typename": "ProductSubscription" }));
        assert_eq!((&approval["before"]["state"], &approval["after"]["state"]), (&json!("REQUESTED"), &json!("APPROVED")));
        assert_eq!(approval["reason"], json!({ "code": "OTHER", "text": "Probe", "reference": "Ratsbeschluss 12/2026" }));
        assert_eq!(approval["rule"]["id"], "steward-approves-portfolio");
        assert_eq!(approval["previousHash"], events[1]["hash"]);
        // Loading data, changes and refusals: every event names the policies that are in force.
        let named = app.data_as(&auditor(), "{ auditEvents(first: 100) { edges { node { policies } } } }", json!({})).await;
        let named: Vec<_> = named["auditEvents"]["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]["policies"]).collect();
        assert_eq!(named.len(), events.len());
        assert!(named.iter().all(|policies| **policies == json!(fingerprint())), "{named:?}");
        let refused = &events[1];
        assert_eq!((&refused["entity"]["__typename"], &refused["rule"]["id"]), (&json!("Product"), &json!("no-rule-permits")));
        assert!(refused["after"]["begin"]["subscriber"]["municipality"].is_string(), "what was asked: {}", refused["after"]);
        assert_eq!((&events[4]["sequence"], &events[4]["previousHash"]), (&json!(1), &json!("0".repeat(64))));
        assert_eq!(events[4]["actor"]["subject"], "seed");
    }

    async fn nobody_else_reads_the_trail(app: TestApp) {
        for token in [municipality(AACHEN), provider("zentral-nrw"), account_manager("kgst-st-2"), steward(), transformation_office(), land()] {
            let answer = app.ask_as(&token, AUDIT, json!({ "first": 1 })).await;
            assert_eq!(answer.body["errors"][0]["extensions"]["code"], "FORBIDDEN");
        }
        assert_eq!(app.ask(AUDIT, json!({ "first": 1 })).await.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        app.some_events().await;
        let of = |ags: &str| token(json!({ "roles": ["auditor"], "municipality": ags }));
        assert_eq!(nodes(&read(app, &of(AACHEN), json!({ "first": 10 })).await).len(), 2, "of its subscriptions only");
        assert_eq!(nodes(&read(app, &of(KLEVE), json!({ "first": 10 })).await).len(), 0);
    }

    async fn pages_and_filters_of_the_trail_lose_nothing(app: TestApp) {
        let subscription = app.some_events().await;
        let mut seen = Vec::new();
        let mut after = Value::Null;
        loop {
            let page = read(app, &auditor(), json!({ "first": 2, "after": after })).await;
            seen.extend(nodes(&page).iter().map(|event| event["sequence"].as_i64().unwrap()));
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false { break; }
        }
        assert_eq!(seen, [5, 4, 3, 2, 1]);
        let count = async |filter: Value| nodes(&read(app, &auditor(), json!({ "first": 100, "where": filter })).await).len();
        assert_eq!(count(json!({ "outcome": "REFUSED" })).await, 1);
        assert_eq!(count(json!({ "action": "REQUEST_SUBSCRIPTION" })).await, 2);
        assert_eq!(count(json!({ "subject": "steward" })).await, 1);
        assert_eq!(count(json!({ "entity": subscription["id"] })).await, 2);
        assert_eq!(count(json!({ "rule": "no-rule-permits" })).await, 1);
        assert_eq!(count(json!({ "from": "2026-11-23T09:00:00Z" })).await, 5);
        assert_eq!(count(json!({ "before": "2026-11-23T09:00:00Z" })).await, 0);
        for (filter, field) in [(json!({ "entity": "x" }), "where.entity"), (json!({ "subject": "a\0" }), "where.subject"), (json!({ "rule": "x".repeat(256) }), "where.rule")] {
            let answer = app.ask_as(&auditor(), AUDIT, json!({ "first": 1, "where": filter })).await;
            assert_eq!(answer.body["errors"][0]["extensions"]["field"], field);
        }
    }
}
