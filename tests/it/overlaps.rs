//! Products of different providers that are probably the same: found, dismissed, confirmed.

use std::collections::BTreeSet;

use entity::{audit_event, change};
use sea_orm::{EntityTrait, QueryOrder, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, OTHER},
    auditor, land, municipality, nodes,
    portfolio::id_of,
    provider, steward, token, transformation_office,
};

const CANDIDATES: &str = "query($first: Int, $after: String, $where: OverlapFilter) { overlapCandidates(first: $first, after: $after, where: $where) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { node { score reasons { code message } earlierDecision { outcome }
        product { id name provider { key } category { key } standardProduct { key } }
        other { id name provider { key } category { key } standardProduct { key } } } } } }";
const DECIDED: &str = "decision { id outcome standardProduct { key } products { id standardProduct { key } } }";

async fn candidates(app: &TestApp, token: &str, filter: Value) -> Value {
    app.data_as(token, CANDIDATES, json!({ "first": 100, "where": filter })).await["overlapCandidates"].clone()
}

/// Two products that nobody else has, of two providers; the name of each.
async fn twins(app: &TestApp, one: &str, other: &str) -> [entity::product::Model; 2] {
    let (mut pair, texts) = (Vec::new(), [("regioit", one), ("krzn", other)]);
    for (provider, name) in texts {
        let named = |row: &mut entity::product::Model| {
            row.name = name.to_owned();
            row.summary = "Verwaltet Leihgaben des Stadtmuseums".to_owned();
            row.description = None;
            row.standard_product_id = None;
        };
        pair.push(app.product_like(OTHER, provider, named).await);
    }
    pair.try_into().unwrap()
}

/// The candidates that are made of these two products, on whichever page they stand.
async fn of_pair(app: &TestApp, [one, other]: &[entity::product::Model; 2]) -> Vec<Value> {
    let wanted: BTreeSet<String> = [id_of(one.id), id_of(other.id)].into();
    let is_wanted = |node: &Value| {
        let ids: BTreeSet<String> =
            ["product", "other"].map(|side| node[side]["id"].as_str().unwrap().to_owned()).into();
        ids == wanted
    };
    let filter = json!({ "provider": { "eq": "krzn" }, "category": { "eq": category(app, one) } });
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "first": 100, "after": after, "where": filter });
        let page = app.data_as(&steward(), CANDIDATES, variables).await["overlapCandidates"].clone();
        found.extend(nodes(&page).into_iter().filter(is_wanted));
        if page["pageInfo"]["hasNextPage"] == false {
            return found;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

fn category(app: &TestApp, product: &entity::product::Model) -> String {
    let snapshot = app.server.live().snapshot();
    let at = snapshot.categories.find(product.category_id).unwrap();
    snapshot.categories[at].row.key.clone()
}

fn both([one, other]: &[entity::product::Model; 2]) -> Value {
    json!({ "product": id_of(one.id), "other": id_of(other.id) })
}

on_both_databases! {
    async fn the_sample_has_candidates_and_every_page_of_them_is_another(app: TestApp) {
        let (mut seen, mut after, mut last, mut total) = (BTreeSet::new(), Value::Null, 100, 0);
        for _ in 0..3 {
            let page = app.data_as(&steward(), CANDIDATES, json!({ "first": 100, "after": after })).await["overlapCandidates"].clone();
            for node in nodes(&page) {
                let score = node["score"].as_i64().unwrap();
                assert!((50..=last).contains(&score), "{score} after {last}");
                last = score;
                assert_ne!(node["product"]["provider"], node["other"]["provider"]);
                assert!(node["product"]["standardProduct"] != node["other"]["standardProduct"] || node["product"]["standardProduct"].is_null());
                assert!(!node["reasons"].as_array().unwrap().is_empty(), "{node}");
                assert!(seen.insert(format!("{}{}", node["product"]["id"], node["other"]["id"])), "twice: {node}");
            }
            after = page["pageInfo"]["endCursor"].clone();
            total = page["totalCount"].as_i64().unwrap();
            assert_eq!(page["pageInfo"]["hasNextPage"], true);
        }
        assert!(total > 1000, "{total}");
    }

    async fn filters_leave_what_they_say(app: TestApp) {
        let of_krzn = candidates(app, &steward(), json!({ "provider": { "eq": "krzn" }, "minScore": 80 })).await;
        assert!(of_krzn["totalCount"].as_i64().unwrap() > 10);
        for node in nodes(&of_krzn) {
            assert!(node["score"].as_i64().unwrap() >= 80);
            assert!([&node["product"], &node["other"]].iter().any(|product| product["provider"]["key"] == "krzn"));
        }
        let key = nodes(&of_krzn)[0]["product"]["category"]["key"].clone();
        let of_category = candidates(app, &steward(), json!({ "category": { "in": [key] } })).await;
        assert!(nodes(&of_category).iter().all(|node| [&node["product"], &node["other"]].iter().any(|product| product["category"]["key"] == key)));
        assert!(of_category["totalCount"].as_i64().unwrap() > 0);
        for least in [49, 101, -1] {
            let answer = app.ask_as(&steward(), CANDIDATES, json!({ "first": 1, "where": { "minScore": least } })).await;
            let extensions = &answer.body["errors"][0]["extensions"];
            assert_eq!((&extensions["code"], &extensions["field"]), (&json!("BAD_USER_INPUT"), &json!("where.minScore")));
        }
    }

    async fn a_provider_sees_pairs_with_its_own_products_and_others_none(app: TestApp) {
        let all = candidates(app, &steward(), json!({ "provider": { "eq": "krzn" } })).await;
        let own = candidates(app, &provider("krzn"), json!({})).await;
        assert_eq!(own, all);
        let elsewhere = candidates(app, &provider("krzn"), json!({ "provider": { "eq": "regioit" } })).await;
        assert!(nodes(&elsewhere).iter().all(|node| [&node["product"], &node["other"]].iter().any(|product| product["provider"]["key"] == "krzn")));
        let both_roles = token(json!({ "roles": ["provider", "steward"], "provider": "krzn" }));
        let everything = candidates(app, &both_roles, json!({})).await["totalCount"].clone();
        assert!(everything.as_i64() > own["totalCount"].as_i64());
        for (token, rule) in [
            (municipality(AACHEN), "no-rule-permits"), (account_manager("kgst-st-2"), "no-rule-permits"), (land(), "no-rule-permits"),
            (auditor(), "no-rule-permits"), (transformation_office(), "no-rule-permits"),
            (token(json!({ "roles": ["provider"] })), "organisation-missing"),
        ] {
            let answer = app.ask_as(&token, CANDIDATES, json!({ "first": 1 })).await;
            let extensions = &answer.body["errors"][0]["extensions"];
            assert_eq!((&extensions["code"], &extensions["rule"], &answer.body["data"]["overlapCandidates"]), (&json!("FORBIDDEN"), &json!(rule), &Value::Null));
        }
        assert_eq!(app.error(CANDIDATES, json!({ "first": 1 })).await.0, "UNAUTHENTICATED");
    }

    async fn a_score_says_what_it_is_made_of(app: TestApp) {
        let equal = of_pair(app, &twins(app, "Leihgabenverwaltung Museum", "Museum Leihgabenverwaltung").await).await;
        let codes = |node: &Value| node["reasons"].as_array().unwrap().iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!((equal.len(), &equal[0]["score"]), (1, &json!(100)), "{equal:?}");
        assert_eq!(codes(&equal[0]), ["SIMILAR_NAME", "SIMILAR_DESCRIPTION", "SAME_CATEGORY"]);
        assert_eq!(equal[0]["reasons"][0]["message"], "Ähnlichkeit der Namen: 100 %");
        let alike = of_pair(app, &twins(app, "Fundtierkartei Regional", "Fundtierkartei Zentral").await).await;
        let score = alike[0]["score"].as_i64().unwrap();
        assert!((60..100).contains(&score), "{score}");
        assert_eq!(of_pair(app, &twins(app, "Ratssaalbuchung", "Wildschadenmeldung").await).await, Vec::<Value>::new());
    }

    async fn a_dismissed_pair_comes_back_only_when_one_of_both_is_described_otherwise(app: TestApp) {
        let mut pair = twins(app, "Leihgabenverwaltung Museum", "Leihgabenverwaltung Museen").await;
        assert_eq!(of_pair(app, &pair).await.len(), 1);
        let mut input = both(&pair);
        input["idempotencyKey"] = json!("d1");
        let dismissed = app.change(&steward(), "dismissOverlap", input.clone(), DECIDED).await;
        assert_eq!((&dismissed["errors"], &dismissed["decision"]["outcome"], &dismissed["decision"]["standardProduct"]), (&json!([]), &json!("DISMISSED"), &Value::Null));
        assert_eq!(dismissed["decision"]["products"].as_array().unwrap().len(), 2);
        assert_eq!(app.change(&steward(), "dismissOverlap", input, DECIDED).await, dismissed, "the same again");
        assert_eq!(of_pair(app, &pair).await, Vec::<Value>::new());
        pair[0].notice_months += 1;
        app.rewrite(&pair[0]).await;
        assert_eq!(of_pair(app, &pair).await, Vec::<Value>::new(), "what was compared is the same");
        pair[1].name = "Leihgabenverwaltung der Museen".to_owned();
        app.rewrite(&pair[1]).await;
        let back = of_pair(app, &pair).await;
        assert_eq!((back.len(), &back[0]["earlierDecision"]["outcome"]), (1, &json!("DISMISSED")));
        // The other way round it is the same pair, with the same decision.
        let swapped = json!({ "product": id_of(pair[1].id), "other": id_of(pair[0].id) });
        let again = app.change(&steward(), "dismissOverlap", swapped, DECIDED).await;
        assert_eq!(again["decision"]["id"], dismissed["decision"]["id"]);
        assert_eq!(of_pair(app, &pair).await, Vec::<Value>::new());
        pair[0].description = Some("Auch Dauerleihgaben".to_owned());
        app.rewrite(&pair[0]).await;
        assert_eq!(of_pair(app, &pair).await.len(), 1);
    }

    async fn a_confirmed_pair_implements_one_standard_product(app: TestApp) {
        let pair = twins(app, "Leihgabenverwaltung Museum", "Leihgabenverwaltung Museen").await;
        let mut input = both(&pair);
        input.as_object_mut().unwrap().extend(json!({ "version": 1, "otherVersion": 1, "standardProduct": "e-payment" }).as_object().unwrap().clone());
        let confirmed = app.change(&steward(), "confirmOverlap", input, DECIDED).await;
        assert_eq!(confirmed["errors"], json!([]));
        assert_eq!((&confirmed["decision"]["outcome"], &confirmed["decision"]["standardProduct"]["key"]), (&json!("CONFIRMED"), &json!("e-payment")));
        for product in confirmed["decision"]["products"].as_array().unwrap() {
            assert_eq!(product["standardProduct"]["key"], "e-payment");
        }
        assert_eq!(of_pair(app, &pair).await, Vec::<Value>::new());
        let db = app.server.database().connection();
        let changes = change::Entity::find().order_by_desc(change::Column::Sequence).all(db).await.unwrap();
        let told: BTreeSet<_> = changes[..2].iter().map(|change| (change.entity_id, change.entity_version)).collect();
        assert_eq!(told, BTreeSet::from([(pair[0].id, Some(2)), (pair[1].id, Some(2))]));
        let event = audit_event::Entity::find().order_by_desc(audit_event::Column::Sequence).one(db).await.unwrap().unwrap();
        assert_eq!((event.action.as_str(), event.rule.as_deref()), ("CONFIRM_OVERLAP", Some("steward-decides-overlaps")));
        let parsed = |text: &Option<String>| serde_json::from_str::<Value>(text.as_ref().unwrap()).unwrap();
        let (before, after) = (parsed(&event.before), parsed(&event.after));
        assert_eq!((&before["decision"], &before["products"][0]["standardProductId"]), (&Value::Null, &Value::Null));
        assert_eq!((&after["decision"]["outcome"], &after["products"][1]["version"]), (&json!("CONFIRMED"), &json!(2)));
        // Dismissing what is matched together would contradict the match.
        let refused = app.change(&steward(), "dismissOverlap", both(&pair), DECIDED).await;
        assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!("BAD_USER_INPUT"), &json!(["input", "other"])));
        // Once one of both is matched to nothing, they are a candidate again, and what was decided is told.
        let none = json!({ "product": id_of(pair[0].id), "version": 2 });
        assert_eq!(app.change(&steward(), "matchProduct", none, "").await["errors"], json!([]));
        assert_eq!(of_pair(app, &pair).await[0]["earlierDecision"]["outcome"], "CONFIRMED");
    }

    async fn wrong_input_of_a_decision_is_told_by_its_place(app: TestApp) {
        let pair = twins(app, "Leihgabenverwaltung Museum", "Leihgabenverwaltung Museen").await;
        let same_provider = app.product_like(OTHER, "regioit", |_| {}).await;
        for (mutation, more, code, path) in [
            ("dismissOverlap", json!({ "product": "x" }), "BAD_USER_INPUT", "product"),
            ("dismissOverlap", json!({ "other": id_of(Uuid::nil()) }), "NOT_FOUND", "other"),
            ("dismissOverlap", json!({ "other": id_of(pair[0].id) }), "BAD_USER_INPUT", "other"),
            ("dismissOverlap", json!({ "other": id_of(same_provider.id) }), "BAD_USER_INPUT", "other"),
            ("confirmOverlap", json!({ "version": 2 }), "CONFLICT", "version"),
            ("confirmOverlap", json!({ "otherVersion": 2 }), "CONFLICT", "otherVersion"),
            ("confirmOverlap", json!({ "standardProduct": "nothing" }), "NOT_FOUND", "standardProduct"),
            ("confirmOverlap", json!({ "other": id_of(same_provider.id) }), "BAD_USER_INPUT", "other"),
        ] {
            let mut input = both(&pair);
            if mutation == "confirmOverlap" {
                input.as_object_mut().unwrap().extend(json!({ "version": 1, "otherVersion": 1, "standardProduct": "e-payment" }).as_object().unwrap().clone());
            }
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let refused = app.change(&steward(), mutation, input, DECIDED).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!(code), &json!(["input", path])), "{mutation} {more}");
            assert_eq!(refused["decision"], Value::Null);
        }
        assert_eq!(of_pair(app, &pair).await.len(), 1, "nothing was decided");
    }
}
