//! Customer groups: what a change means is told before, and nobody is left without a group.

use serde_json::{Value, json};

use crate::support::{TestApp, contacts::everybody, nodes, steward, texts};

fn west() -> Value {
    json!({ "key": "kreise-west", "name": "Kreise im Westen", "rule": { "types": ["KREIS"], "governmentDistricts": ["Köln"] } })
}

fn with(base: Value, more: Value) -> Value {
    let mut whole = base;
    whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    whole
}

async fn members(app: &TestApp, key: &str) -> Vec<String> {
    let groups = app.data("{ customerGroups { key members(first: 100) { edges { node { ags } } } } }", json!({})).await;
    let groups = groups["customerGroups"].as_array().unwrap().clone();
    groups.iter().find(|group| group["key"] == key).map(|group| texts(&group["members"], "ags")).unwrap_or_default()
}

on_both_databases! {
    async fn what_a_preview_tells_is_what_happens(app: TestApp) {
        let steward = steward();
        let named = app.data("{ municipality(by: {ags: \"05334000\"}) { governmentDistrict } }", json!({})).await;
        let west = || with(west(), json!({ "rule": { "types": ["KREIS"], "governmentDistricts": [named["municipality"]["governmentDistrict"]] } }));
        let told = app.changed(&steward, "saveCustomerGroup", with(west(), json!({ "dryRun": true }))).await;
        assert_eq!(members(app, "kreise-west").await, Vec::<String>::new(), "a rehearsal writes nothing");
        let done = app.changed(&steward, "saveCustomerGroup", west()).await;
        assert_eq!(done, told);
        let entered = texts(&done["preview"]["enters"], "ags");
        assert!(entered.len() > 3 && entered.iter().all(|ags| ags.ends_with("000")), "{entered:?}");
        assert_eq!((members(app, "kreise-west").await, &done["customerGroup"]["source"]), (entered.clone(), &json!("ours")));
        assert!(done["preview"]["overlapping"]["totalCount"].as_i64().unwrap() >= entered.len() as i64);
        // By hand and by a narrower rule: one leaves, one enters.
        let change = with(west(), json!({ "version": 1, "rule": { "districts": entered[1..] , "types": ["KREIS"] }, "members": [{ "ags": "05334002" }] }));
        let told = app.changed(&steward, "saveCustomerGroup", with(change.clone(), json!({ "dryRun": true }))).await;
        let done = app.changed(&steward, "saveCustomerGroup", change).await;
        assert_eq!(done, told);
        assert_eq!((texts(&done["preview"]["enters"], "ags"), texts(&done["preview"]["leaves"], "ags")), (vec!["05334002".to_owned()], vec![entered[0].clone()]));
        assert_eq!(members(app, "kreise-west").await, texts(&done["preview"]["members"], "ags"));
        assert_eq!(done["customerGroup"]["version"], 2);
    }

    async fn nobody_is_left_without_a_group(app: TestApp) {
        let steward = steward();
        let own = app.data("{ customerGroups { key name version memberCount } municipality(by: {ags: \"05334002\"}) { customerGroups { key } } }", json!({})).await;
        let only = own["municipality"]["customerGroups"].as_array().unwrap().len();
        // Every group of Aachen but the last can let it go.
        let keys: Vec<String> = own["municipality"]["customerGroups"].as_array().unwrap().iter().map(|group| group["key"].as_str().unwrap().to_owned()).collect();
        for (place, key) in keys.iter().enumerate() {
            let narrow = json!({ "key": key, "name": key, "version": 1, "rule": { "types": ["KREIS"], "maxPopulation": 0 } });
            let told = app.change_contacts(&steward, "saveCustomerGroup", with(narrow.clone(), json!({ "dryRun": true }))).await;
            let done = app.change_contacts(&steward, "saveCustomerGroup", narrow).await;
            assert_eq!(done, told);
            let uncovered = texts(&done["preview"]["uncovered"], "ags");
            if !uncovered.is_empty() {
                assert_eq!((&done["errors"][0]["code"], &done["errors"][0]["path"], &done["customerGroup"]), (&json!("BAD_USER_INPUT"), &json!(["input", "rule"]), &Value::Null));
                assert!(!members(app, key).await.is_empty(), "nothing was written");
            }
            assert_eq!(uncovered.contains(&"05334002".to_owned()), place + 1 == only, "{key}: {uncovered:?}");
        }
        let everywhere = app.server.live().snapshot().municipalities.iter().all(|(_, row)| !row.groups.is_empty());
        assert!(everywhere, "all 427 are in one");
    }

    async fn only_stewards_change_groups(app: TestApp) {
        for (name, token) in everybody() {
            let refused = app.change_contacts(&token, "saveCustomerGroup", west()).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["rule"], &refused["preview"]), (&json!("FORBIDDEN"), &json!("no-rule-permits"), &Value::Null), "{name}");
            assert_eq!(app.not_changed(&token, "saveCustomerGroup", with(west(), json!({ "dryRun": true }))).await.0, "FORBIDDEN", "{name}");
        }
        let nobody = app.send_contact_change(None, "saveCustomerGroup", west()).await;
        assert_eq!(nobody.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }

    async fn wrong_input_of_a_group_is_told_by_its_place(app: TestApp) {
        let steward = steward();
        for (more, field) in [
            (json!({ "key": "" }), "key"),
            (json!({ "key": "Kreise West" }), "key"),
            (json!({ "key": "a\u{0}" }), "key"),
            (json!({ "key": "x".repeat(61) }), "key"),
            (json!({ "key": "kgst-st-2" }), "version"),
            (json!({ "key": "kgst-st-2", "version": 9 }), "version"),
            (json!({ "version": 1 }), "key"),
            (json!({ "name": " " }), "name"),
            (json!({ "name": "x".repeat(201) }), "name"),
            (json!({ "name": 7 }), "name"),
            (json!({ "description": "x".repeat(2001) }), "description"),
            (json!({ "rule": null }), "rule"),
            (json!({ "rule": { "types": ["TOWN"] } }), "rule.types[0]"),
            (json!({ "rule": { "minPopulation": -1 } }), "rule.minPopulation"),
            (json!({ "rule": { "minPopulation": 10, "maxPopulation": 9 } }), "rule.maxPopulation"),
            (json!({ "rule": { "minPopulation": "many" } }), "rule.minPopulation"),
            (json!({ "rule": { "districts": ["05334002"] } }), "rule.districts"),
            (json!({ "rule": { "governmentDistricts": ["Berlin"] } }), "rule.governmentDistricts"),
            (json!({ "rule": { "governmentDistricts": ["a\u{0}"] } }), "rule.governmentDistricts"),
            (json!({ "members": [{ "ags": "05999999" }] }), "members"),
            (json!({ "members": vec![json!({ "ags": "05334002" }); 501] }), "members"),
        ] {
            let (_, path) = app.not_changed(&steward, "saveCustomerGroup", with(west(), more.clone())).await;
            assert_eq!(path.join(".").trim_start_matches('$').trim_start_matches("input."), field, "{more}");
        }
        assert_eq!(nodes(&json!({ "edges": [] })).len(), members(app, "kreise-west").await.len());
    }
}
