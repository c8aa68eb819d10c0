//! How far providers and municipalities have joined: dated levels that follow each other.

use entity::portfolio_registration;
use sea_orm::{ActiveModelTrait, IntoActiveModel, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, KLEVE, reason},
    auditor, land, municipality, provider, steward, transformation_office,
};

const PROVIDER: &str = "mutation($input: JoinProviderInput!) { joinProvider(input: $input) { joining { level since resolution sample } errors { code rule path message nextStep } } }";
const MUNICIPALITY: &str = "mutation($input: JoinMunicipalityInput!) { joinMunicipality(input: $input) { joining { level since resolution } errors { code rule path nextStep } } }";

fn input(more: Value) -> Value {
    let key = Uuid::new_v4().to_string();
    let mut input = json!({ "reason": reason("DECISION"), "idempotencyKey": key });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

async fn provider_as(app: &TestApp, token: &str, key: &str, level: &str, since: &str, more: Value) -> Value {
    let mut asked = input(json!({ "provider": { "key": key }, "level": level, "since": since }));
    asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    app.data_as(token, PROVIDER, json!({ "input": asked })).await["joinProvider"].clone()
}

async fn joins(app: &TestApp, key: &str, level: &str, since: &str, more: Value) -> Value {
    provider_as(app, &transformation_office(), key, level, since, more).await
}

async fn town_as(app: &TestApp, token: &str, ags: &str, level: &str, since: &str) -> Value {
    let asked =
        input(json!({ "municipality": { "ags": ags }, "level": level, "since": since, "resolution": "Rat 7/2026" }));
    app.data_as(token, MUNICIPALITY, json!({ "input": asked })).await["joinMunicipality"].clone()
}

/// A registration of a provider's whole portfolio, with so many rows refused.
async fn registered(app: &TestApp, key: &str, at: &str, rejected: i64) {
    let snapshot = app.server.live().snapshot();
    let provider = &snapshot.providers[snapshot.provider_by_key(key).unwrap()];
    let total = provider.products.len() as i64;
    let row = portfolio_registration::Model {
        id: Uuid::new_v4(),
        provider_id: provider.row.id,
        at: at.parse().unwrap(),
        total,
        digest: "0".repeat(64),
        added: total,
        changed: 0,
        unchanged: 0,
        missing: 0,
        rejected,
    };
    row.into_active_model().insert(app.server.database().connection()).await.unwrap();
}

async fn version(app: &TestApp) -> i64 {
    app.server.live().snapshot().version
}

on_both_databases! {
    async fn a_provider_joins_from_a_day_on_and_its_products_become_requestable(app: TestApp) {
        let told = "{ provider(by: {key: \"kdn\"}) { joining joiningDetails { since resolution sample } } }";
        assert_eq!(app.data(told, json!({})).await["provider"]["joining"], "NOT_JOINED");
        let town = municipality(AACHEN);
        let request = app.request_of(AACHEN, ("kdn", "BAS-04")).await;
        assert_eq!(app.refused(&town, "requestSubscription", request.clone()).await["code"], "FORBIDDEN");
        registered(app, "kdn", "2026-11-20T09:00:00Z", 0).await;
        let joined = joins(app, "kdn", "PORTFOLIO", "2026-11-23", json!({ "resolution": "VV 12/2026" })).await;
        assert_eq!(joined, json!({ "joining": { "level": "PORTFOLIO", "since": "2026-11-23", "resolution": "VV 12/2026", "sample": false }, "errors": [] }));
        assert_eq!(app.data(told, json!({})).await["provider"], json!({ "joining": "PORTFOLIO", "joiningDetails": { "since": "2026-11-23", "resolution": "VV 12/2026", "sample": false } }));
        assert_ne!(app.act(&town, "requestSubscription", request).await["errors"][0]["rule"], "no-rule-permits");
        let event = app.events().await.into_iter().rfind(|event| event.action == "JOIN_PROVIDER").unwrap();
        assert!(event.before.is_none() && event.after.unwrap().to_string().contains("PORTFOLIO"));
        // A later level follows; a future one does not hold yet.
        assert_eq!(joins(app, "kdn", "JOINED", "2027-01-01", json!({})).await["errors"], json!([]));
        assert_eq!(app.data(told, json!({})).await["provider"]["joining"], "PORTFOLIO");
        assert_eq!(app.at("2027-01-02T09:00:00Z").await.data(told, json!({})).await["provider"]["joining"], "JOINED");
    }

    async fn the_same_again_changes_nothing_and_the_past_is_corrected_with_a_reason_only(app: TestApp) {
        assert_eq!(joins(app, "kdn", "SINGLE_PRODUCTS", "2026-11-10", json!({})).await["errors"], json!([]));
        let before = version(app).await;
        assert_eq!(joins(app, "kdn", "SINGLE_PRODUCTS", "2026-11-10", json!({})).await["errors"], json!([]));
        assert_eq!(version(app).await, before, "the same again");
        for (level, since, path) in [
            ("JOINED", "2026-11-10", "since"),
            ("JOINED", "2026-11-09", "since"),
            ("SINGLE_PRODUCTS", "2026-11-20", "level"),
        ] {
            let refused = joins(app, "kdn", level, since, json!({})).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!("BAD_USER_INPUT"), &json!(["input", path])), "{refused}");
        }
        let corrected = joins(app, "kdn", "JOINED", "2026-11-09", json!({ "correction": true, "resolution": "VV 13/2026" })).await;
        assert_eq!(corrected["joining"], json!({ "level": "JOINED", "since": "2026-11-09", "resolution": "VV 13/2026", "sample": false }));
        assert_eq!(joins(app, "kdn", "NOT_JOINED", "2026-11-12", json!({})).await["errors"], json!([]));
        let refused = joins(app, "kdn", "SINGLE_PRODUCTS", "2026-11-09", json!({ "correction": true })).await;
        assert_eq!(refused["errors"][0]["path"], json!(["input", "since"]), "not before the level before");
        let event = app.events().await.pop().unwrap();
        assert_eq!((event.action.as_str(), event.rule.as_deref()), ("JOIN_PROVIDER", Some("transformation-office-records-joining")));
        app.verify().await.unwrap();
    }

    async fn a_municipality_joins_and_the_key_sent_again_answers_the_same(app: TestApp) {
        let office = transformation_office();
        let asked = json!({ "input": input(json!({ "municipality": { "ags": KLEVE }, "level": "JOINED", "since": "2026-11-23", "resolution": "Rat 7/2026" })) });
        let joined = app.data_as(&office, MUNICIPALITY, asked.clone()).await;
        assert_eq!(joined["joinMunicipality"], json!({ "joining": { "level": "JOINED", "since": "2026-11-23", "resolution": "Rat 7/2026" }, "errors": [] }));
        let before = app.events().await.len();
        assert_eq!(app.data_as(&office, MUNICIPALITY, asked.clone()).await, joined);
        assert_eq!(app.events().await.len(), before);
        let mut other = asked;
        other["input"]["level"] = json!("NOT_JOINED");
        assert_eq!(app.data_as(&office, MUNICIPALITY, other).await["joinMunicipality"]["errors"][0]["code"], "IDEMPOTENCY_KEY_REUSED");
        let told = "{ municipality(by: {ags: \"05154036\"}) { joining } }";
        assert_eq!(app.data(told, json!({})).await["municipality"]["joining"], "JOINED");
        let refused = town_as(app, &office, AACHEN, "PORTFOLIO", "2026-11-23").await;
        assert_eq!(refused["errors"][0]["path"], json!(["input", "level"]));
    }

    async fn a_portfolio_that_is_not_reviewed_does_not_join(app: TestApp) {
        registered(app, "kdn", "2026-11-20T09:00:00Z", 0).await;
        app.execute("UPDATE products SET lifecycle = 'IN_REVIEW' WHERE external_id = 'BAS-04' AND provider_id = (SELECT id FROM providers WHERE key = 'kdn')").await.unwrap();
        let refused = joins(app, "kdn", "PORTFOLIO", "2026-11-23", json!({})).await;
        assert_eq!((&refused["joining"], &refused["errors"][0]["path"]), (&Value::Null, &json!(["input", "level"])));
        assert!(refused["errors"][0]["message"].as_str().unwrap().contains("1 Leistungen"), "{refused}");
        assert_eq!(joins(app, "kdn", "SINGLE_PRODUCTS", "2026-11-23", json!({})).await["errors"], json!([]));
    }

    async fn a_portfolio_that_was_not_registered_as_a_whole_does_not_join(app: TestApp) {
        let refused = |payload: Value, word: &str| {
            let error = &payload["errors"][0];
            assert_eq!((&payload["joining"], &error["path"]), (&Value::Null, &json!(["input", "level"])));
            assert!(error["message"].as_str().unwrap().contains(word) && error["nextStep"].is_string(), "{error}");
        };
        refused(joins(app, "kdn", "PORTFOLIO", "2026-11-23", json!({})).await, "nicht als Ganzes angemeldet");
        registered(app, "kdn", "2026-11-20T09:00:00Z", 2).await;
        refused(joins(app, "kdn", "PORTFOLIO", "2026-11-23", json!({})).await, "2 Zeilen abgewiesen");
        registered(app, "kdn", "2026-11-21T09:00:00Z", 0).await;
        assert_eq!(joins(app, "kdn", "PORTFOLIO", "2026-11-23", json!({})).await["errors"], json!([]), "the last one counts");
    }

    async fn only_the_transformation_office_records_a_joining(app: TestApp) {
        for token in [municipality(AACHEN), provider("kdn"), account_manager("kgst-st-2"), steward(), land(), auditor()] {
            for refused in [provider_as(app, &token, "kdn", "JOINED", "2026-11-23", json!({})).await, town_as(app, &token, AACHEN, "JOINED", "2026-11-23").await] {
                assert_eq!((&refused["errors"][0]["code"], &refused["joining"]), (&json!("FORBIDDEN"), &Value::Null));
                assert_eq!((&refused["errors"][0]["rule"], &refused["errors"][0]["nextStep"]), (&json!("no-rule-permits"), &json!("Das Transformationsbüro kann es.")));
            }
        }
        let asked = input(json!({ "provider": { "key": "kdn" }, "level": "JOINED", "since": "2026-11-23" }));
        let answer = app.ask(PROVIDER, json!({ "input": asked })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert_eq!(app.data("{ provider(by: {key: \"kdn\"}) { joining } }", json!({})).await["provider"]["joining"], "NOT_JOINED");
    }

    async fn wrong_input_of_a_joining_is_told_by_its_place(app: TestApp) {
        for (key, level, since, more, code, path) in [
            ("nobody", "JOINED", "2026-11-23", json!({}), "NOT_FOUND", json!(["input", "provider"])),
            ("zentral-nrw", "JOINED", "2026-11-23", json!({}), "BAD_USER_INPUT", json!(["input", "provider"])),
            ("kdn", "MERGED", "2026-11-23", json!({}), "BAD_USER_INPUT", json!(["input", "level"])),
            ("kdn", "NOT_JOINED", "2026-11-23", json!({}), "BAD_USER_INPUT", json!(["input", "level"])),
            ("kdn", "JOINED", "2016-11-22", json!({}), "BAD_USER_INPUT", json!(["input", "since"])),
            ("kdn", "JOINED", "2036-11-24", json!({}), "BAD_USER_INPUT", json!(["input", "since"])),
            ("kdn", "JOINED", "2026-11-23", json!({ "resolution": "x".repeat(201) }), "BAD_USER_INPUT", json!(["input", "resolution"])),
            ("kdn", "JOINED", "2026-11-23", json!({ "correction": true }), "BAD_USER_INPUT", json!(["input", "correction"])),
            ("kdn", "JOINED", "2026-11-23", json!({ "idempotencyKey": "" }), "BAD_USER_INPUT", json!(["input", "idempotencyKey"])),
        ] {
            let refused = joins(app, key, level, since, more).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!(code), &path), "{refused}");
        }
        let refused = town_as(app, &transformation_office(), "05999999", "JOINED", "2026-11-23").await;
        assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!("NOT_FOUND"), &json!(["input", "municipality"])));
    }
}
