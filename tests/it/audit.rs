//! The audit trail: who reads it, what it tells, and that nothing in it can be changed unnoticed.

use entity::audit_event;
use itkatalog::audit::{self, Verdict};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::{
    Backend, TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, next},
    auditor, land, municipality, nodes, provider, steward, token, transformation_office,
};

const AUDIT: &str = include_str!("contract/14-audit.graphql");

async fn read(app: &TestApp, token: &str, variables: Value) -> Value {
    app.data_as(token, AUDIT, variables).await["auditEvents"].clone()
}

/// A request that is approved, and one that is refused.
async fn some_events(app: &TestApp) -> Value {
    let town = municipality(AACHEN);
    let asked = app.done(&town, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
    app.refused(&town, "requestSubscription", app.request_of(KLEVE, INITIAL).await).await;
    app.done(&steward(), "approveSubscription", next(&asked, json!({}))).await
}

async fn verdict(app: &TestApp) -> Verdict {
    audit::verify(app.server.database().connection()).await.unwrap()
}

async fn execute(app: &TestApp, statement: &str) -> Result<sea_orm::ExecResult, sea_orm::DbErr> {
    app.server.database().connection().execute_unprepared(statement).await
}

/// What somebody with all rights on the database could do.
async fn unprotect(app: &TestApp) {
    let statements: &[&str] = match app.database.backend {
        Backend::Sqlite => &["DROP TRIGGER audit_events_no_update", "DROP TRIGGER audit_events_no_delete"],
        Backend::Postgres => &["ALTER TABLE audit_events DISABLE TRIGGER ALL"],
    };
    for statement in statements {
        execute(app, statement).await.unwrap();
    }
}

on_both_databases! {
    async fn auditors_read_who_did_what_when_why_and_by_which_rule(app: TestApp) {
        let subscription = some_events(app).await;
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
        some_events(app).await;
        let of = |ags: &str| token(json!({ "roles": ["auditor"], "municipality": ags }));
        assert_eq!(nodes(&read(app, &of(AACHEN), json!({ "first": 10 })).await).len(), 2, "of its subscriptions only");
        assert_eq!(nodes(&read(app, &of(KLEVE), json!({ "first": 10 })).await).len(), 0);
    }

    async fn pages_and_filters_of_the_trail_lose_nothing(app: TestApp) {
        let subscription = some_events(app).await;
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

    async fn the_database_refuses_to_rewrite_the_trail(app: TestApp) {
        some_events(app).await;
        for statement in [
            "UPDATE audit_events SET subject = 'somebody' WHERE sequence = 3",
            "UPDATE audit_events SET rule = NULL WHERE sequence = 3",
            "UPDATE audit_events SET reason_text = 'other' WHERE sequence = 3",
            "UPDATE audit_events SET after = '{}' WHERE sequence = 3",
            "DELETE FROM audit_events WHERE sequence = 5",
            "DELETE FROM audit_events",
        ] {
            let error = execute(app, statement).await.unwrap_err().to_string();
            assert!(error.contains("append-only"), "{statement}: {error}");
        }
        // What has to be erased can be: the chain holds its digest.
        execute(app, "UPDATE audit_events SET reason_text = NULL, salt = NULL, before = NULL, after = NULL WHERE sequence = 3").await.unwrap();
        assert!(matches!(verdict(app).await, Verdict::Holds { events: 5, .. }));
    }

    async fn a_walk_along_the_chain_finds_what_was_done_to_it(app: TestApp) {
        some_events(app).await;
        assert!(matches!(verdict(app).await, Verdict::Holds { events: 5, .. }));
        unprotect(app).await;
        for (statement, back, sequence) in [
            ("UPDATE audit_events SET subject = 'x' WHERE sequence = 3", "UPDATE audit_events SET subject = 'municipality-05334002' WHERE sequence = 3", 3),
            ("UPDATE audit_events SET reason_text = 'x' WHERE sequence = 4", "UPDATE audit_events SET reason_text = 'Probe' WHERE sequence = 4", 4),
            ("UPDATE audit_events SET sequence = 9 WHERE sequence = 2", "UPDATE audit_events SET sequence = 2 WHERE sequence = 9", 2),
            ("UPDATE record_heads SET audit_hash = 'x' || audit_hash", "UPDATE record_heads SET audit_hash = substr(audit_hash, 2)", 6),
        ] {
            execute(app, statement).await.unwrap();
            assert!(matches!(verdict(app).await, Verdict::BreaksAt { sequence: at, .. } if at == sequence), "{statement}: {:?}", verdict(app).await);
            execute(app, back).await.unwrap();
            assert!(matches!(verdict(app).await, Verdict::Holds { events: 5, .. }), "{back}");
        }
        execute(app, "DELETE FROM audit_events WHERE sequence = 5").await.unwrap();
        assert!(matches!(verdict(app).await, Verdict::BreaksAt { sequence: 5, .. }), "the last one cut off");
        let db = app.server.database().connection();
        assert_eq!(audit_event::Entity::find().count(db).await.unwrap(), 4);
    }
}
