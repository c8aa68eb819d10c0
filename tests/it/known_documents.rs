//! A document that was valid before is not validated again: what is wrong with its values is told as if it were new.

use serde_json::{Value, json};

use crate::selections::text;

/// Documents, values that fit, and values that do not, or that are no value at all.
fn documents() -> [(&'static str, Value, Vec<Value>); 6] {
    [
        (
            "query($ags: AGS) { municipality(by: { ags: $ags }) { name } }",
            json!({ "ags": "05334002" }),
            vec![
                json!({ "ags": "05" }),
                json!({ "ags": null }),
                json!({}),
                json!({ "ags": 5 }),
                json!({ "ags": ["05334002"] }),
            ],
        ),
        (
            "query($first: Int = 5) { products(first: $first) { totalCount } }",
            json!({ "first": 2 }),
            vec![
                json!({ "first": null }),
                json!({ "first": "2" }),
                json!({ "first": 0 }),
                json!({ "first": 4_294_967_296_i64 }),
                json!({ "first": 1.5 }),
                json!({}),
            ],
        ),
        (
            "query($id: ID!) { node(id: $id) { id } }",
            json!({ "id": "x" }),
            vec![
                json!({ "id": null }),
                json!({}),
                json!({ "id": u64::MAX }),
                json!({ "id": 1e30 }),
                json!({ "id": true }),
                json!({ "id": -1 }),
                json!({ "id": "\u{0}" }),
            ],
        ),
        (
            "query($by: MunicipalityBy!) { municipality(by: $by) { name } }",
            json!({ "by": { "ags": "05334002" } }),
            vec![
                json!({ "by": {} }),
                json!({ "by": { "ags": null } }),
                json!({ "by": { "ags": "05334002", "id": "x" } }),
                json!({ "by": { "name": "x" } }),
                json!({ "by": [] }),
            ],
        ),
        (
            "query($where: ProductFilter, $on: Date) { products(first: 1, where: $where) { edges { node { prices(on: $on) { unit } } } } }",
            json!({ "where": {}, "on": "2027-01-01" }),
            vec![
                json!({ "where": { "lifecycle": { "in": ["LOST"] } }, "on": "2027-01-01" }),
                json!({ "where": { "lifecycle": { "in": [null] } }, "on": "2027-01-01" }),
                json!({ "where": null, "on": null }),
                json!({ "where": {}, "on": "2027-02-30" }),
                json!({ "where": {}, "on": "9999-01-01" }),
            ],
        ),
        (
            "query($yes: Boolean!, $words: String) { products(first: 1, search: $words) { totalCount @include(if: $yes) pageInfo { hasNextPage } } }",
            json!({ "yes": true, "words": "akte" }),
            vec![
                json!({ "yes": null, "words": "akte" }),
                json!({ "yes": "true", "words": "akte" }),
                json!({ "yes": false, "words": null }),
                json!({ "yes": true, "words": ["akte"] }),
            ],
        ),
    ]
}

on_both_databases! {
    async fn what_is_wrong_with_values_is_told_the_same_of_a_new_document_and_of_a_known_one(app: TestApp) {
        for (document, fits, others) in documents() {
            let known = format!("{document} # known");
            let told = text(app, None, &known, fits).await;
            assert!(!told.contains("GRAPHQL_VALIDATION_FAILED"), "{told}");
            for (place, values) in others.into_iter().enumerate() {
                let of_new = text(app, None, &format!("{document} # new {place}"), values.clone()).await;
                let of_known = text(app, None, &known, values.clone()).await;
                assert_eq!(of_known, of_new, "{document} {values}");
            }
        }
    }

    async fn a_mistake_is_found_however_often_its_document_is_sent(app: TestApp) {
        for _ in 0..2 {
            for document in ["{ phase { lost } }", "query A { currentPhase { key } } query B { lost }", "query($no: Int) { currentPhase { key } }"] {
                let told = text(app, None, document, json!({ "no": 1 })).await;
                assert!(told.contains("GRAPHQL_VALIDATION_FAILED") || told.contains("BAD_REQUEST"), "{told}");
            }
        }
    }
}
