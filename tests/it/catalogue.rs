//! Lookups, filters, search, and that the published catalogue is read from memory.

use serde_json::{Value, json};

use crate::support::{TestApp, nodes, texts};

async fn names(app: &TestApp, filter: Value) -> Vec<String> {
    let query = "query($where: ProductFilter) { products(first: 100, where: $where) { edges { node { name } } } }";
    texts(&app.data(query, json!({ "where": filter })).await["products"], "name")
}

async fn count(app: &TestApp, filter: Value) -> i64 {
    let query = "query($where: ProductFilter) { products(first: 1, where: $where) { totalCount } }";
    app.data(query, json!({ "where": filter })).await["products"]["totalCount"].as_i64().unwrap()
}

async fn found(app: &TestApp, search: &str) -> Vec<String> {
    let query = "query($search: String) { products(first: 100, search: $search) { edges { node { name } } } }";
    texts(&app.data(query, json!({ "search": search })).await["products"], "name")
}

on_both_databases! {
    async fn natural_keys_and_ids_lead_to_the_same_thing(app: TestApp) {
        let query = "{ byAgs: municipality(by: {ags: \"05334002\"}) { id name } byArs: municipality(by: {ars: \"053340002002\"}) { id }
            provider(by: {key: \"krzn\"}) { id name } product(by: {externalId: {provider: \"zentral-nrw\", externalId: \"DMS-02\"}}) { id name } }";
        let data = app.data(query, json!({})).await;
        assert_eq!(data["byAgs"]["id"], data["byArs"]["id"]);
        let ids = json!({ "m": data["byAgs"]["id"], "p": data["provider"]["id"], "d": data["product"]["id"] });
        let by_id = "query($m: ID!, $p: ID!, $d: ID!) { municipality(by: {id: $m}) { name } provider(by: {id: $p}) { name } product(by: {id: $d}) { name }
            node(id: $d) { __typename id ... on Product { name } } nodes(ids: [$p, $m]) { __typename id } }";
        let again = app.data(by_id, ids.clone()).await;
        assert_eq!(again["municipality"]["name"], "Aachen");
        assert_eq!(again["product"]["name"], "E-Akte");
        assert_eq!(again["node"], json!({ "__typename": "Product", "id": ids["d"], "name": "E-Akte" }));
        assert_eq!(again["nodes"][0], json!({ "__typename": "Provider", "id": ids["p"] }));
        assert_eq!(again["nodes"][1], json!({ "__typename": "Municipality", "id": ids["m"] }));
    }

    async fn an_id_of_every_type_leads_back_to_its_object(app: TestApp) {
        let query = "{ a: products(first: 1) { edges { node { id } } } b: standardProducts(first: 1) { edges { node { id } } }
            c: providers(first: 1) { edges { node { id } } } d: municipalities(first: 1) { edges { node { id } } }
            categories { id } customerGroups { id } phases { id } }";
        let data = app.data(query, json!({})).await;
        let mut ids: Vec<Value> = ["a", "b", "c", "d"].iter().map(|list| nodes(&data[*list])[0]["id"].clone()).collect();
        ids.extend(["categories", "customerGroups", "phases"].iter().map(|list| data[*list][0]["id"].clone()));
        let back = app.data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
        let back: Vec<Value> = back["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect();
        assert_eq!(back, ids);
    }

    async fn an_unknown_id_is_null_and_does_not_hide_the_others(app: TestApp) {
        let data = app.data("{ provider(by: {key: \"krzn\"}) { id } }", json!({})).await;
        let known = data["provider"]["id"].as_str().unwrap();
        // "Provider:" and a well-formed id that nobody has.
        let unknown = "UHJvdmlkZXI6MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA";
        let answer = app.data("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": [unknown, known] })).await;
        assert_eq!(answer["nodes"], json!([null, { "id": known }]));
        let (code, ..) = app.error("query($id: ID!) { node(id: $id) { id } }", json!({ "id": unknown })).await;
        assert_eq!(code, "NOT_FOUND");
    }

    async fn conditions_join_with_and_or_not(app: TestApp) {
        let all = count(app, json!({})).await;
        let of_krzn = json!({ "provider": { "eq": "krzn" } });
        let base = json!({ "baseService": { "eq": true } });
        let (krzn, bases) = (count(app, of_krzn.clone()).await, count(app, base.clone()).await);
        let both = count(app, json!({ "and": [of_krzn, base] })).await;
        let either = count(app, json!({ "or": [of_krzn, base] })).await;
        assert_eq!(krzn + bases, both + either);
        assert_eq!(count(app, json!({ "not": of_krzn })).await, all - krzn);
        assert_eq!(count(app, json!({ "provider": { "in": [] } })).await, 0);
        assert_eq!(count(app, json!({ "or": [] })).await, 0);
        let two = count(app, json!({ "provider": { "in": ["krzn", "citeq"] } })).await;
        assert_eq!(two, krzn + count(app, json!({ "provider": { "eq": "citeq" } })).await);
    }

    async fn a_top_category_means_all_below_it(app: TestApp) {
        let top = count(app, json!({ "category": { "eq": "buerger-ordnung-verkehr" } })).await;
        let below = count(app, json!({ "category": { "in": ["bur", "per", "ver"] } })).await;
        assert!(top > 0);
        assert_eq!(top, below);
    }

    async fn filters_of_products_each_take_effect(app: TestApp) {
        let all = count(app, json!({})).await;
        for filter in [
            json!({ "deliveryMode": { "eq": "DECENTRAL" } }),
            json!({ "deliveryMode": { "in": ["CENTRAL", "DECENTRAL"] } }),
            json!({ "mandatedTask": { "eq": "PARTLY" } }),
            json!({ "initialPortfolio": { "eq": true } }),
            json!({ "standardProduct": { "eq": "e-akte" } }),
            json!({ "leikaKey": { "eq": "99107023037000" } }),
            json!({ "lifecycle": { "in": ["PLANNED", "PHASE_OUT"] } }),
            json!({ "name": { "contains": "ÜBERWACHUNG" } }),
        ] {
            let some = count(app, filter.clone()).await;
            assert!(0 < some && some < all, "{filter}: {some} of {all}");
        }
        assert_eq!(count(app, json!({ "initialPortfolio": { "eq": true } })).await, 25);
        assert_eq!(count(app, json!({ "sample": { "eq": false } })).await, 0);
        assert!(names(app, json!({ "name": { "contains": "strassen" } })).await.iter().all(|name| name.contains("Straße")));
    }

    async fn drafts_are_not_published(app: TestApp) {
        assert_eq!(count(app, json!({ "lifecycle": { "in": ["DRAFT", "IN_REVIEW"] } })).await, 0);
    }

    async fn search_folds_umlauts_and_puts_the_best_match_first(app: TestApp) {
        let same = ["Bürgerdienste", "BUERGERDIENSTE", "bürgerdienste"];
        let first = found(app, same[0]).await;
        assert!(!first.is_empty());
        for other in &same[1..] {
            assert_eq!(found(app, other).await, first);
        }
        assert_eq!(found(app, "Straßenverkehrsrechtliche").await, found(app, "strassenverkehrsrechtliche").await);
        assert_eq!(found(app, "videokonferenz").await[0], "Videokonferenz");
        assert_eq!(found(app, "wohngeld fachverfahren").await[0], "Wohngeld-Fachverfahren");
        assert_eq!(found(app, "gibtesnicht").await, Vec::<String>::new());
        // Spaces and hyphens do not matter either.
        for (spelling, name) in [("eAkte", "E-Akte"), ("ikfz", "Kfz-Zulassung / i-Kfz"), ("Wohngeldfachverfahren", "Wohngeld-Fachverfahren")] {
            assert_eq!(found(app, spelling).await[0], name, "{spelling}");
        }
        assert!(!found(app, "regioIT").await.is_empty());
        // A key of another catalogue finds what carries it.
        assert!(found(app, "99107023037000").await.iter().all(|name| name.contains("Wohngeld")));
    }

    async fn a_blank_search_is_no_search(app: TestApp) {
        let query = "query($search: String) { products(first: 3, search: $search) { totalCount edges { node { id } } } }";
        let all = app.data(query, json!({ "search": null })).await;
        assert_eq!(app.data(query, json!({ "search": "  " })).await, all);
        for sign in ["%", "_", "*", "😀"] {
            assert_eq!(app.data(query, json!({ "search": sign })).await["products"]["totalCount"], 0, "{sign}");
        }
    }

    async fn municipalities_are_found_by_what_they_are(app: TestApp) {
        let query = "query($where: MunicipalityFilter) { municipalities(first: 100, where: $where) { totalCount edges { node { ags } } } }";
        let count = async |filter: Value| app.data(query, json!({ "where": filter })).await["municipalities"]["totalCount"].as_i64().unwrap();
        assert_eq!(count(json!({})).await, 427);
        assert_eq!(count(json!({ "type": { "eq": "KREIS" } })).await, 31);
        assert_eq!(count(json!({ "type": { "eq": "KREISFREIE_STADT" } })).await, 22);
        assert_eq!(count(json!({ "type": { "in": ["KREISANGEHOERIGE_STADT", "GEMEINDE"] } })).await, 374);
        assert_eq!(count(json!({ "district": { "eq": "05334000" } })).await, 10);
        assert_eq!(count(json!({ "customerGroup": { "eq": "kreisfreie-staedte" } })).await, 23);
        let types = json!({ "not": { "type": { "eq": "KREIS" } } });
        assert_eq!(count(json!({ "and": [types, { "landschaftsverband": { "eq": "LVR" } }] })).await, 165);
        assert_eq!(count(json!({ "and": [types, { "landschaftsverband": { "eq": "LWL" } }] })).await, 231);
        let larger = count(json!({ "and": [types, { "population": { "gte": 100_000 } }] })).await;
        let smaller = count(json!({ "and": [types, { "population": { "lte": 99_999 } }] })).await;
        assert_eq!(larger + smaller, 396);
        assert_eq!(count(json!({ "name": { "contains": "koeln" } })).await, count(json!({ "name": { "contains": "Köln" } })).await);
        // 252 municipalities and 24 of their Kreise have a known provider.
        let provided = app.data("{ providers(first: 100) { edges { node { key } } } }", json!({})).await;
        let keys = texts(&provided["providers"], "key");
        assert_eq!(count(json!({ "and": [types, { "provider": { "in": keys } }] })).await, 252);
    }

    async fn the_population_of_all_municipalities_adds_up(app: TestApp) {
        let query = "query($after: String) { municipalities(first: 100, after: $after, where: {not: {type: {eq: KREIS}}}) {
            pageInfo { hasNextPage endCursor } edges { node { population } } } }";
        let (mut sum, mut after) = (0, Value::Null);
        loop {
            let page = app.data(query, json!({ "after": after })).await["municipalities"].clone();
            sum += nodes(&page).iter().map(|node| node["population"].as_i64().unwrap()).sum::<i64>();
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(sum, 18_034_454);
    }

    async fn aachen_is_in_its_staedteregion_and_in_the_group_of_kreisfreie_staedte(app: TestApp) {
        let query = "{ municipality(by: {ags: \"05334002\"}) { type specialStatus district { ags type municipalities(first: 100) { totalCount } }
            customerGroups { key } providers { key } } }";
        let aachen = app.data(query, json!({})).await["municipality"].clone();
        assert_eq!(aachen["type"], "KREISANGEHOERIGE_STADT");
        assert!(aachen["specialStatus"].as_str().unwrap().contains("kreisfreien Stadt"));
        assert_eq!(aachen["district"], json!({ "ags": "05334000", "type": "KREIS", "municipalities": { "totalCount": 10 } }));
        assert_eq!(aachen["customerGroups"], json!([{ "key": "kgst-st-2" }, { "key": "kreisfreie-staedte" }]));
        assert_eq!(aachen["providers"], json!([{ "key": "regioit" }]));
    }

    async fn every_municipality_is_in_a_customer_group_of_its_size(app: TestApp) {
        let query = "query($after: String) { municipalities(first: 100, after: $after) { pageInfo { hasNextPage endCursor }
            edges { node { ags type kgstSizeClass customerGroups { key } } } } }";
        let (mut seen, mut after) = (0, Value::Null);
        loop {
            let page = app.data(query, json!({ "after": after })).await["municipalities"].clone();
            for node in nodes(&page) {
                let letters = if node["type"] == "KREIS" { "kr" } else { "st" };
                let expected = json!({ "key": format!("kgst-{letters}-{}", node["kgstSizeClass"]) });
                assert!(node["customerGroups"].as_array().unwrap().contains(&expected), "{node}");
                seen += 1;
            }
            after = page["pageInfo"]["endCursor"].clone();
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
        }
        assert_eq!(seen, 427);
    }

    async fn providers_tell_their_mergers_and_how_far_they_joined(app: TestApp) {
        let query = "query($key: String!) { provider(by: {key: $key}) { joining joiningDetails { since sample } mergedInto { key }
            mergers { kind on dateText predecessors { name provider { key } } successor { key } } municipalities(first: 1) { totalCount } } }";
        let provider = async |key: &str| app.data(query, json!({ "key": key })).await["provider"].clone();
        let regioit = provider("regioit").await;
        assert_eq!((&regioit["joining"], &regioit["joiningDetails"]["sample"]), (&json!("JOINED"), &json!(true)));
        assert_eq!(regioit["municipalities"]["totalCount"], 15);
        // The central provider always has joined.
        assert_eq!(provider("zentral-nrw").await["joining"], "JOINED");
        let joined = app.data("{ providers(first: 10, where: {joining: {eq: JOINED}}) { edges { node { key } } } }", json!({})).await;
        assert_eq!(texts(&joined["providers"], "key"), ["zentral-nrw", "regioit"]);
        // A merger that is planned has not happened.
        let ivl = provider("ivl").await;
        assert_eq!((&ivl["joining"], &ivl["mergedInto"]), (&json!("NOT_JOINED"), &Value::Null));
        assert_eq!(ivl["mergers"][0]["kind"], "PLANNED");
        let owlit = provider("owlit").await;
        let dates: Vec<&Value> = owlit["mergers"].as_array().unwrap().iter().map(|merger| &merger["on"]).collect();
        assert_eq!(dates, ["2017-12-07", "2024-01-01"]);
    }

    async fn a_merger_that_happened_leads_to_the_successor(app: TestApp) {
        use sea_orm::ConnectionTrait;
        let db = app.server.database().connection();
        let query = "{ provider(by: {key: \"ivl\"}) { mergedInto { key } } }";
        for (day, expected) in [("2026-11-24", json!(null)), ("2026-11-23", json!({ "key": "regioit" }))] {
            db.execute_unprepared(&format!("UPDATE provider_mergers SET kind = 'MERGER', on_date = '{day}' WHERE key = 'm10'")).await.unwrap();
            db.execute_unprepared("UPDATE catalogue_state SET version = version + 1").await.unwrap();
            app.server.live().refresh().await;
            assert_eq!(app.data(query, json!({})).await["provider"]["mergedInto"], expected, "{day}");
        }
    }

    async fn a_standard_product_lists_the_offers_of_all_providers(app: TestApp) {
        let query = "{ standardProducts(first: 10, where: {key: {eq: \"e-akte\"}}) { totalCount edges { node { name implementations(first: 100) {
            totalCount edges { node { standardProduct { key } provider { key } } } } } } } }";
        let data = app.data(query, json!({})).await;
        assert_eq!(data["standardProducts"]["totalCount"], 1);
        let implementations = nodes(&nodes(&data["standardProducts"])[0]["implementations"]);
        assert!(implementations.len() > 20);
        assert!(implementations.iter().all(|node| node["standardProduct"]["key"] == "e-akte"));
    }

    async fn nobody_is_somebody_without_a_token(app: TestApp) {
        let data = app.data("{ viewer { subject roles municipality { ags } provider { key } } }", json!({})).await;
        assert_eq!(data["viewer"], json!({ "subject": null, "roles": [], "municipality": null, "provider": null }));
    }

    async fn reading_the_published_catalogue_takes_no_statement_at_all(app: TestApp) {
        let shapes = [
            "{ products(first: 100) { totalCount edges { node { name provider { name municipalities(first: 10) { edges { node { name } } } } prices { unit } } } } }",
            "{ availableProducts(municipality: {ags: \"05334002\"}, first: 100, search: \"akte\") { edges { node { contact { email } priceEstimate { basis } product { name } } } } }",
            "{ municipalities(first: 100) { edges { node { name district { name } customerGroups { name } providers { name } } } } }",
            "{ providers(first: 100) { edges { node { name products(first: 5) { edges { node { name } } } mergers { key } } } } }",
            "{ standardProducts(first: 100) { edges { node { implementations(first: 5) { totalCount } } } } }",
            "{ categories { children { name } } customerGroups { memberCount } phases { exitCriteria { text } } currentPhase { key } landschaftsverbaende { memberCount } }",
            "{ contactFor(municipality: {ags: \"05334002\"}, topic: EMERGENCY) { contact { email } } viewer { roles } }",
        ];
        let before = app.server.database().statements();
        for shape in shapes {
            app.data(shape, json!({})).await;
        }
        assert_eq!(app.server.database().statements(), before);
        // The counter does count: looking at the version is one statement.
        app.server.live().refresh().await;
        assert_eq!(app.server.database().statements(), before + 1);
    }
}
