//! Search in German, and facets: what the products of a list have in common.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{TestApp, nodes, provider, texts};

const FACETS: &str = "facets { category { key name count } provider { key name count } lifecycle { key name count }
    deliveryMode { key name count } baseService { key name count } }";

async fn found(app: &TestApp, search: &str) -> Vec<String> {
    let query = "query($search: String) { products(first: 100, search: $search) { edges { node { name } } } }";
    texts(&app.data(query, json!({ "search": search })).await["products"], "name")
}

async fn list(app: &TestApp, filter: &Value, search: &Value) -> Value {
    let query = format!(
        "query($where: ProductFilter, $search: String) {{ products(first: 1, where: $where, search: $search) {{ totalCount {FACETS} }} }}"
    );
    app.data(&query, json!({ "where": filter, "search": search })).await["products"].clone()
}

/// Ids of all pages of a search, from the beginning or from the end.
async fn walk(app: &TestApp, search: &str, is_forwards: bool) -> Vec<String> {
    let (query, cursor) = match is_forwards {
        true => (
            "query($search: String, $cursor: String) { products(first: 7, after: $cursor, search: $search) { edges { cursor node { id } } } }",
            "endCursor",
        ),
        false => (
            "query($search: String, $cursor: String) { products(last: 7, before: $cursor, search: $search) { edges { cursor node { id } } } }",
            "startCursor",
        ),
    };
    let query = query.replace("edges {", &format!("pageInfo {{ {cursor} }} edges {{"));
    let (mut pages, mut at) = (Vec::new(), Value::Null);
    loop {
        let page = app.data(&query, json!({ "search": search, "cursor": at })).await["products"].clone();
        let ids = texts(&page, "id");
        if ids.is_empty() {
            break;
        }
        at = page["pageInfo"][cursor].clone();
        pages.push(ids);
    }
    if !is_forwards {
        pages.reverse();
    }
    pages.concat()
}

/// Every count is that of the list with the value as a filter, and the counts of a facet make up the whole.
async fn assert_facets_count_the_list(app: &TestApp, filter: &Value, search: &Value) {
    let whole = list(app, filter, search).await;
    let total = whole["totalCount"].as_i64().unwrap();
    for facet in ["category", "provider", "lifecycle", "deliveryMode", "baseService"] {
        let values = whole["facets"][facet].as_array().unwrap();
        let counts: Vec<i64> = values.iter().map(|value| value["count"].as_i64().unwrap()).collect();
        assert_eq!(counts.iter().sum::<i64>(), total, "{facet}");
        assert!(counts.is_sorted_by(|one, next| one >= next) && !counts.contains(&0), "{facet}: {counts:?}");
        for value in values {
            let key = if facet == "baseService" { json!(value["key"] == "true") } else { value["key"].clone() };
            let narrowed = json!({ "and": [filter, { facet: { "eq": key } }] });
            assert_eq!(list(app, &narrowed, search).await["totalCount"], value["count"], "{facet} {key}");
            assert!(!value["name"].as_str().unwrap().is_empty());
        }
    }
}

on_both_databases! {
    async fn compounds_forms_beginnings_and_one_mistake_are_found(app: TestApp) {
        for (search, name) in [
            ("Rechnungen", "E-Rechnungseingang"),
            ("Abrechnung", "Personalabrechnung"),
            ("Verwaltung von Friedhöfen", "Friedhofsverwaltung"),
            ("Akten", "E-Akte"),
            ("Ordnungswidrigkeit", "Ordnungswidrigkeiten"),
            ("Liegensch", "Liegenschaftskataster ALKIS"),
            ("Wohngled", "Wohngeld-Fachverfahren"),
            ("Personalabrechnumg", "Personalabrechnung"),
            ("Standesmt", "Standesamt"),
            ("Strassenverkhersrechtliche", "Straßenverkehrsrechtliche Anordnungen"),
        ] {
            let found = found(app, search).await;
            assert!(found.iter().any(|found| found == name), "{search}: {found:?}");
        }
        assert!(found(app, "Xohngelx").await.is_empty(), "two mistakes");
        assert!(found(app, "Akze").await.is_empty(), "too short for a mistake");
    }

    async fn a_search_finds_what_was_just_published(app: TestApp) {
        assert!(found(app, "Bürgerburo").await.is_empty());
        app.product_like(("zentral-nrw", "DMS-02"), "krzn", |row| row.name = "Terminvergabe für Bürgerbüros".to_owned()).await;
        for search in ["Bürgerbüro", "buergerbuero", "Bürgerb", "Bürgerburo", "Bürgerbro", "Burgerburos", "Bürgerbüro Termin"] {
            assert_eq!(found(app, search).await, ["Terminvergabe für Bürgerbüros"], "{search}");
        }
    }

    async fn pages_of_a_search_lose_and_double_no_row(app: TestApp) {
        for search in ["kfz", "Wohngled", "e"] {
            let (forwards, backwards) = (walk(app, search, true).await, walk(app, search, false).await);
            let total = list(app, &json!({}), &json!(search)).await["totalCount"].as_i64().unwrap();
            assert_eq!(forwards, backwards, "{search}");
            assert_eq!(forwards.len() as i64, total, "{search}");
            assert_eq!(forwards.iter().collect::<BTreeSet<_>>().len(), forwards.len(), "{search}");
        }
    }

    async fn an_order_that_is_given_goes_before_the_best_match(app: TestApp) {
        let query = "{ products(first: 100, search: \"akte\", orderBy: [{ field: NAME, direction: DESC }]) { totalCount edges { node { name } } } }";
        let ordered = texts(&app.data(query, json!({})).await["products"], "name");
        let mut by_rank = found(app, "akte").await;
        assert_ne!(ordered, by_rank);
        let mut sorted = ordered.clone();
        sorted.sort();
        by_rank.sort();
        assert_eq!(sorted, by_rank);
    }

    async fn facets_count_the_whole_list_as_it_is_filtered_and_searched(app: TestApp) {
        for (filter, search) in [
            (json!({}), json!("Wohngled")),
            (json!({ "category": { "eq": "buerger-ordnung-verkehr" }, "baseService": { "eq": false } }), json!("verkehr")),
            (json!({ "provider": { "eq": "krzn" } }), Value::Null),
        ] {
            assert_facets_count_the_list(app, &filter, &search).await;
        }
        let nothing = list(app, &json!({}), &json!("gibtesnicht")).await;
        assert_eq!((&nothing["totalCount"], &nothing["facets"]["provider"]), (&json!(0), &json!([])));
    }

    async fn facets_of_what_a_municipality_can_have_count_that(app: TestApp) {
        let query = format!("query($all: Boolean) {{ availableProducts(municipality: {{ags: \"05334002\"}}, first: 1, includeUnavailable: $all) {{ totalCount {FACETS} }} }}");
        for all in [true, false] {
            let list = app.data(&query, json!({ "all": all })).await["availableProducts"].clone();
            for facet in ["category", "provider", "lifecycle", "deliveryMode", "baseService"] {
                let counts = list["facets"][facet].as_array().unwrap().iter().map(|value| value["count"].as_i64().unwrap());
                assert_eq!(counts.sum::<i64>(), list["totalCount"].as_i64().unwrap(), "{facet}");
            }
            let retired = list["facets"]["lifecycle"].as_array().unwrap().iter().any(|value| value["key"] == "RETIRED");
            assert_eq!(retired, all);
        }
    }

    async fn facets_tell_nothing_of_what_a_caller_may_not_see(app: TestApp) {
        let query = "{ provider(by: {key: \"krzn\"}) { products(first: 1) { totalCount facets { lifecycle { key name count } } } } }";
        let public = app.data(query, json!({})).await["provider"]["products"].clone();
        let own = app.data_as(&provider("krzn"), query, json!({})).await["provider"]["products"].clone();
        let in_review = |list: &Value| list["facets"]["lifecycle"].as_array().unwrap().iter().find(|value| value["key"] == "IN_REVIEW").cloned();
        assert_eq!(in_review(&public), None);
        let hidden = in_review(&own).unwrap();
        assert_eq!(hidden["name"], "In Prüfung");
        let total = |list: &Value| list["totalCount"].as_i64().unwrap();
        assert_eq!(total(&own) - total(&public), hidden["count"].as_i64().unwrap());
    }

    async fn facets_stand_in_every_list_of_products(app: TestApp) {
        let query = "{ product(by: {externalId: {provider: \"zentral-nrw\", externalId: \"DMS-02\"}}) { standardProduct { implementations(first: 100) { edges { node { id } } facets { provider { count } } } } } }";
        let list = app.data(query, json!({})).await["product"]["standardProduct"]["implementations"].clone();
        let counts = list["facets"]["provider"].as_array().unwrap().iter().map(|value| value["count"].as_i64().unwrap());
        assert_eq!(counts.sum::<i64>(), nodes(&list).len() as i64);
    }

    async fn what_is_no_question_finds_nothing_and_breaks_nothing(app: TestApp) {
        let long = "ä".repeat(200);
        let hundred = ["a"; 100].join(" ");
        for search in ["-", "/ & -", "\u{308}", "😀", "\"", "\\", "((", "a OR b", &long, &hundred] {
            assert!(list(app, &json!({}), &json!(search)).await["totalCount"].is_i64(), "{search}");
        }
        for search in ["a\0b".to_owned(), "a".repeat(201), ["a"; 1_000].join(" ")] {
            let query = "query($search: String) { products(first: 1, search: $search) { totalCount } }";
            let (code, field, _) = app.error(query, json!({ "search": search })).await;
            assert_eq!((code.as_str(), field), ("BAD_USER_INPUT", json!("search")));
        }
    }
}
