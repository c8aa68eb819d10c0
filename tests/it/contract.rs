//! The documents that users send, unchanged, against the sample data.

use serde_json::{Value, json};

use crate::support::{nodes, texts};

const PORTAL_AVAILABLE_PRODUCTS: &str = include_str!("contract/01-portal-available-products.graphql");
const PORTAL_PRODUCT_LIST: &str = include_str!("contract/02-portal-product-list.graphql");
const CONTACT_FOR: &str = include_str!("contract/03-contact-for.graphql");
const REFERENCE_LISTS: &str = include_str!("contract/04-reference-lists.graphql");

on_both_databases! {
    async fn a_portal_learns_what_aachen_can_have_today(app: TestApp) {
        let data = app.data(PORTAL_AVAILABLE_PRODUCTS, json!({ "ags": "05334002", "search": "akte" })).await;
        assert_eq!(data["currentPhase"]["key"], "FOUNDATION");
        assert_eq!(data["municipality"]["name"], "Aachen");
        assert_eq!(data["municipality"]["district"]["ags"], "05334000");
        let found = nodes(&data["availableProducts"]);
        assert_eq!(data["availableProducts"]["totalCount"], found.len());
        // Best match first: the product whose name is the word stands before those that mention it.
        assert_eq!(found[0]["product"]["name"], "E-Akte");
        assert_eq!(found[0]["status"], "AVAILABLE");
        assert_eq!(found[0]["product"]["provider"]["key"], "zentral-nrw");
        for product in &found {
            assert!(product["conditions"]["leadTimeDays"].is_i64());
            assert!(!product["priceEstimate"]["basis"].as_str().unwrap().is_empty());
            assert!(product["contact"]["email"].as_str().unwrap().ends_with(".example"));
            assert_eq!(product["subscribed"], Value::Null);
            assert_ne!(product["status"], "UNAVAILABLE");
        }
    }

    async fn an_unknown_ags_gives_nulls_and_not_found(app: TestApp) {
        let answer = app.ask(PORTAL_AVAILABLE_PRODUCTS, json!({ "ags": "05999999" })).await;
        assert_eq!(answer.status, 200);
        let data = answer.body["data"].as_object().unwrap();
        assert_eq!(data.get("municipality"), Some(&Value::Null));
        assert_eq!(data.get("availableProducts"), Some(&Value::Null));
        assert_eq!(answer.body["data"]["currentPhase"]["key"], "FOUNDATION");
        let codes = answer.body["errors"].as_array().unwrap().iter().map(|error| &error["extensions"]["code"]);
        assert_eq!(codes.collect::<Vec<_>>(), ["NOT_FOUND", "NOT_FOUND"]);
    }

    async fn pages_of_available_products_join_without_gap(app: TestApp) {
        let variables = |after: Value| json!({ "ags": "05154036", "first": 40, "after": after });
        let (mut seen, mut after, mut total) = (Vec::new(), Value::Null, 0);
        loop {
            let page = app.data(PORTAL_AVAILABLE_PRODUCTS, variables(after)).await["availableProducts"].clone();
            seen.extend(nodes(&page).iter().map(|node| node["product"]["id"].as_str().unwrap().to_owned()));
            total = total.max(page["totalCount"].as_u64().unwrap());
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        let count = seen.len() as u64;
        seen.sort();
        seen.dedup();
        assert_eq!((count, seen.len() as u64), (total, total));
    }

    async fn product_pages_lose_and_double_no_row_in_either_direction(app: TestApp) {
        let filter = json!({ "lifecycle": { "eq": "AVAILABLE" } });
        let order = json!([{ "field": "NAME", "direction": "ASC" }]);
        let mut forwards = Vec::new();
        let mut variables = json!({ "first": 100, "where": filter, "orderBy": order });
        loop {
            let page = app.data(PORTAL_PRODUCT_LIST, variables.clone()).await["products"].clone();
            forwards.extend(texts(&page, "id"));
            variables["after"] = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                assert_eq!(page["totalCount"], forwards.len());
                break;
            }
        }
        let mut backwards = Vec::new();
        let mut variables = json!({ "last": 100, "where": filter, "orderBy": order });
        loop {
            let page = app.data(PORTAL_PRODUCT_LIST, variables.clone()).await["products"].clone();
            backwards.splice(0..0, texts(&page, "id"));
            variables["before"] = page["pageInfo"]["startCursor"].clone();
            if page["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
        }
        assert_eq!(forwards, backwards);
        let mut unique = forwards.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), forwards.len());
        assert!(forwards.len() > 1000, "nine tenths of over a thousand products: {}", forwards.len());
    }

    async fn a_municipality_always_has_one_contact(app: TestApp) {
        let data = app.data(CONTACT_FOR, json!({ "ags": "05962024", "topic": "ONBOARDING" })).await;
        let answer = &data["contactFor"];
        assert_eq!(answer["foundBy"], "CUSTOMER_GROUP_TOPIC");
        assert_eq!(answer["customerGroup"]["key"], "kgst-st-4");
        assert!(answer["contact"]["email"].as_str().unwrap().ends_with(".example"));
        assert!(answer["deputy"]["email"].as_str().unwrap().starts_with("vertretung-"));
    }

    async fn the_reference_lists_are_whole(app: TestApp) {
        let data = app.data(REFERENCE_LISTS, json!({})).await;
        assert_eq!(data["municipalities"]["totalCount"], 53);
        assert_eq!(data["providers"]["totalCount"], 26);
        let kinds = texts(&data["providers"], "kind");
        assert_eq!(kinds.iter().filter(|kind| *kind == "CENTRAL").count(), 1);
        assert_eq!(kinds.iter().filter(|kind| *kind == "AREA_WIDE").count(), 8);
        let groups = data["customerGroups"].as_array().unwrap();
        assert!(groups.iter().all(|group| group["memberCount"].as_i64().unwrap() > 0));
        let phases = data["phases"].as_array().unwrap();
        let keys: Vec<&Value> = phases.iter().map(|phase| &phase["key"]).collect();
        assert_eq!(keys, ["PREPARATION", "FOUNDATION", "INTEGRATION", "STEADY_STATE"]);
        assert_eq!(phases.iter().filter(|phase| phase["state"] == "CURRENT").count(), 1);
        let open = phases[1]["exitCriteria"].as_array().unwrap().iter().filter(|criterion| criterion["met"] == false);
        assert!(open.count() > 0, "the sample stands in FOUNDATION with open exit criteria");
        let categories = data["categories"].as_array().unwrap();
        assert_eq!(categories.iter().map(|top| top["children"].as_array().unwrap().len()).sum::<usize>(), 17);
    }
}
