//! Standard products are made by stewards, and matched by stewards and by providers for their own products.

use entity::{audit_event, change};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, KLEVE, OTHER, STANDARD},
    auditor, land, municipality, nodes, portfolio, provider, steward, token, transformation_office,
};

const SAVED: &str = "standardProduct { key name summary version category { key } }";
const MATCHED: &str = "product { version standardProduct { key } }";

fn chat(more: Value) -> Value {
    let mut input =
        json!({ "key": "chat-bot", "name": "Chatbot", "summary": "Antwortet auf Fragen.", "category": "bas" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

async fn last_event(app: &TestApp) -> audit_event::Model {
    let db = app.server.database().connection();
    audit_event::Entity::find().order_by_desc(audit_event::Column::Sequence).one(db).await.unwrap().unwrap()
}

async fn last_change(app: &TestApp) -> change::Model {
    let db = app.server.database().connection();
    change::Entity::find().order_by_desc(change::Column::Sequence).one(db).await.unwrap().unwrap()
}

fn category(app: &TestApp) -> String {
    app.server.live().snapshot().categories.iter().next().unwrap().1.row.key.clone()
}

on_both_databases! {
    async fn a_steward_makes_and_changes_a_standard_product(app: TestApp) {
        let category = category(app);
        let first = chat(json!({ "category": category, "idempotencyKey": "k1" }));
        let made = app.change(&steward(), "saveStandardProduct", first.clone(), SAVED).await;
        let shown = json!({ "key": "chat-bot", "name": "Chatbot", "summary": "Antwortet auf Fragen.", "version": 1, "category": { "key": category } });
        assert_eq!(made, json!({ "standardProduct": shown, "errors": [] }));
        assert_eq!(app.change(&steward(), "saveStandardProduct", first, SAVED).await, made, "the same again");
        let again = app.change(&steward(), "saveStandardProduct", chat(json!({ "category": category })), SAVED).await;
        assert_eq!((&again["errors"][0]["code"], &again["errors"][0]["path"]), (&json!("CONFLICT"), &json!(["input", "key"])));
        let other = chat(json!({ "category": category, "name": "Chatbot II", "version": 1 }));
        let changed = app.change(&steward(), "saveStandardProduct", other, SAVED).await["standardProduct"].clone();
        assert_eq!((&changed["name"], &changed["version"]), (&json!("Chatbot II"), &json!(2)), "the payload shows what was written");
        let (event, change) = (last_event(app).await, last_change(app).await);
        assert_eq!((event.action.as_str(), event.entity_type.as_deref()), ("SAVE_STANDARD_PRODUCT", Some("StandardProduct")));
        assert_eq!(event.rule.as_deref(), Some("steward-saves-standard-product"));
        let (before, after): (Value, Value) =
            (serde_json::from_str(event.before.as_ref().unwrap()).unwrap(), serde_json::from_str(event.after.as_ref().unwrap()).unwrap());
        assert_eq!((&before["name"], &after["name"], &after["version"]), (&json!("Chatbot"), &json!("Chatbot II"), &json!(2)));
        assert_eq!((change.kind, change.entity_version, Some(change.entity_id)), (change::Type::StandardProduct, Some(2), event.entity_id));
        let late = chat(json!({ "category": category, "version": 1 }));
        let late = app.change(&steward(), "saveStandardProduct", late, SAVED).await["errors"][0].clone();
        assert_eq!((&late["code"], &late["path"], &late["currentVersion"]), (&json!("CONFLICT"), &json!(["input", "version"]), &json!(2)));
    }

    async fn wrong_input_of_a_standard_product_is_told_by_its_place(app: TestApp) {
        let category = category(app);
        for (more, code, path) in [
            (json!({ "key": "Chat Bot" }), "BAD_USER_INPUT", "key"),
            (json!({ "key": "" }), "BAD_USER_INPUT", "key"),
            (json!({ "key": "-a" }), "BAD_USER_INPUT", "key"),
            (json!({ "key": "a".repeat(201) }), "BAD_USER_INPUT", "key"),
            (json!({ "name": " " }), "BAD_USER_INPUT", "name"),
            (json!({ "name": "a".repeat(201) }), "BAD_USER_INPUT", "name"),
            (json!({ "summary": "" }), "BAD_USER_INPUT", "summary"),
            (json!({ "summary": "a".repeat(501) }), "BAD_USER_INPUT", "summary"),
            (json!({ "category": "nothing" }), "NOT_FOUND", "category"),
            (json!({ "category": "a\u{0}" }), "BAD_USER_INPUT", "category"),
            (json!({ "version": 1 }), "NOT_FOUND", "key"),
            (json!({ "idempotencyKey": " " }), "BAD_USER_INPUT", "idempotencyKey"),
        ] {
            let mut input = chat(json!({ "category": category }));
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let refused = app.change(&steward(), "saveStandardProduct", input, SAVED).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!(code), &json!(["input", path])), "{more}");
            assert_eq!(refused["standardProduct"], Value::Null);
        }
    }

    async fn a_product_is_of_the_kind_standard_as_soon_as_it_is_matched(app: TestApp) {
        app.enter_phase("INTEGRATION").await;
        let town = municipality(AACHEN);
        let before = app.done(&town, "requestSubscription", app.request_of(AACHEN, OTHER).await).await;
        assert_eq!(before["state"], "REQUESTED", "another product waits for an approval in this phase");
        let product = app.product_id(OTHER).await;
        let input = json!({ "product": product, "version": 1, "standardProduct": "e-payment" });
        let matched = app.change(&provider(OTHER.0), "matchProduct", input, MATCHED).await;
        assert_eq!(matched, json!({ "product": { "version": 2, "standardProduct": { "key": "e-payment" } }, "errors": [] }));
        let (event, change) = (last_event(app).await, last_change(app).await);
        assert_eq!((event.action.as_str(), event.rule.as_deref()), ("MATCH_PRODUCT", Some("provider-matches-own-product")));
        let before: Value = serde_json::from_str(event.before.as_ref().unwrap()).unwrap();
        assert_eq!((&before["standardProductId"], &before["version"]), (&Value::Null, &json!(1)));
        assert_eq!((change.kind, change.entity_version), (change::Type::Product, Some(2)));
        let after = app.done(&municipality("05334004"), "requestSubscription", app.request_of("05334004", OTHER).await).await;
        assert_eq!(after["state"], "APPROVED", "what implements a standard product does not");
        let implementing = "{ standardProducts(first: 1, where: {key: {eq: \"e-payment\"}}) { edges { node { implementations(first: 100) { edges { node { id } } } } } } }";
        let found = nodes(&app.data(implementing, json!({})).await["standardProducts"])[0].clone();
        assert!(nodes(&found["implementations"]).contains(&json!({ "id": product })));
        let none = json!({ "product": product, "version": 2 });
        let none = app.change(&steward(), "matchProduct", none, MATCHED).await;
        assert_eq!(none["product"], json!({ "version": 3, "standardProduct": null }));
    }

    async fn two_changes_in_one_document_show_each_what_it_has_written(app: TestApp) {
        let product = app.product_id(OTHER).await;
        let change = |name: &str, version: i64, key: &str| format!(
            "{name}: matchProduct(input: {{product: \"{product}\", version: {version}, standardProduct: \"{key}\", reason: {{code: OTHER, text: \"x\"}}, idempotencyKey: \"{name}\"}}) {{ {MATCHED} errors {{ code }} }}"
        );
        let document = format!("mutation {{ {} {} }}", change("one", 1, "e-payment"), change("two", 2, "formularserver"));
        let data = app.data_as(&steward(), &document, json!({})).await;
        let shown = |version: i64, key: &str| json!({ "product": { "version": version, "standardProduct": { "key": key } }, "errors": [] });
        assert_eq!(data, json!({ "one": shown(2, "e-payment"), "two": shown(3, "formularserver") }));
    }

    async fn wrong_input_of_a_match_is_told_by_its_place(app: TestApp) {
        let product = app.product_id(STANDARD).await;
        let snapshot = app.server.live().snapshot();
        let at = snapshot.product_by_external_id(snapshot.provider_by_key(STANDARD.0).unwrap(), STANDARD.1).unwrap();
        let own = snapshot.standard_products[snapshot.products[at].standard_product.unwrap()].row.key.clone();
        let unknown = portfolio::id_of(sea_orm::prelude::Uuid::nil());
        for (more, code, path) in [
            (json!({ "product": "x" }), "BAD_USER_INPUT", "product"),
            (json!({ "product": unknown }), "NOT_FOUND", "product"),
            (json!({ "version": 7 }), "CONFLICT", "version"),
            (json!({ "standardProduct": "nothing" }), "NOT_FOUND", "standardProduct"),
            (json!({ "standardProduct": own }), "BAD_USER_INPUT", "standardProduct"),
        ] {
            let mut input = json!({ "product": product, "version": 1, "standardProduct": "e-payment" });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let refused = app.change(&steward(), "matchProduct", input, MATCHED).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!(code), &json!(["input", path])), "{more}");
            assert!(!refused["errors"][0]["nextStep"].as_str().unwrap().is_empty());
        }
    }

    async fn what_changes_standard_products_overlaps_and_relations_refuses_whom_no_rule_permits(app: TestApp) {
        let snapshot = app.server.live().snapshot();
        let other = snapshot.providers[snapshot.provider_by_key("krzn").unwrap()].products[0];
        let (own, other) = (app.product_id(OTHER).await, portfolio::id_of(snapshot.products[other].row.id));
        let cases = [
            ("saveStandardProduct", chat(json!({})), &[][..]),
            ("matchProduct", json!({ "product": own, "version": 99 }), &["own provider"][..]),
            ("dismissOverlap", json!({ "product": own, "other": other }), &[][..]),
            ("confirmOverlap", json!({ "product": own, "version": 99, "other": other, "otherVersion": 1, "standardProduct": "e-payment" }), &[][..]),
            ("saveProductRelations", json!({ "product": own, "version": 99, "requires": [], "replaces": [], "excludes": [] }), &["own provider"][..]),
        ];
        let callers = [
            ("no role", token(json!({ "roles": ["king"] }))),
            ("town", municipality(AACHEN)),
            ("other town", municipality(KLEVE)),
            ("own provider", provider(OTHER.0)),
            ("other provider", provider("krzn")),
            ("provider without organisation", token(json!({ "roles": ["provider"] }))),
            ("manager", account_manager("kgst-st-2")),
            ("office", transformation_office()),
            ("land", land()),
            ("auditor", auditor()),
        ];
        for (mutation, input, may) in cases {
            let unsigned = app.send_change(None, mutation, input.clone(), "").await;
            assert_eq!(unsigned.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{mutation}");
            assert_eq!(unsigned.body["data"], json!({ mutation: null }));
            for (name, token) in &callers {
                let error = app.change(token, mutation, input.clone(), "").await["errors"][0].clone();
                let expected = match (may.contains(name), name.contains("without")) {
                    (true, _) => json!(["CONFLICT", null]),
                    (false, true) => json!(["FORBIDDEN", "organisation-missing"]),
                    (false, false) => json!(["FORBIDDEN", "no-rule-permits"]),
                };
                assert_eq!(json!([error["code"], error["rule"]]), expected, "{mutation} by {name}: {error}");
                if error["code"] == "FORBIDDEN" {
                    assert!(error["nextStep"].as_str().unwrap().contains("Die Katalogverantwortung kann es."), "{error}");
                    assert_eq!(last_event(app).await.outcome, audit_event::Outcome::Refused);
                }
            }
        }
    }
}
