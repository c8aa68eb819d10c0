//! Bad input gets an error that names the field and what is wrong.

use serde_json::{Value, json};

use crate::support::TestApp;

const PRODUCTS: &str = "query($first: Int, $after: String, $last: Int, $before: String, $where: ProductFilter, $search: String, $orderBy: [ProductOrder!]) {
    products(first: $first, after: $after, last: $last, before: $before, where: $where, search: $search, orderBy: $orderBy) { totalCount } }";
const MUNICIPALITY: &str = "query($by: MunicipalityBy!) { municipality(by: $by) { name } }";
const PRODUCT: &str = "query($by: ProductBy!) { product(by: $by) { name } }";
const PROVIDER: &str = "query($by: ProviderBy!) { provider(by: $by) { name } }";
const AVAILABLE: &str = "query($on: Date, $search: String) { availableProducts(municipality: {ags: \"05334002\"}, on: $on, search: $search, first: 1) { totalCount } }";
const NODE: &str = "query($id: ID!) { node(id: $id) { id } }";
const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
const CONTACT: &str = "query($product: ID, $topic: ContactTopic) { contactFor(municipality: {ags: \"05334002\"}, product: $product, topic: $topic) { foundBy } }";

async fn refused(app: &TestApp, query: &str, variables: Value, code: &str, field: &str) {
    let (got, named, message) = app.error(query, variables.clone()).await;
    let shown = variables.to_string().chars().take(80).collect::<String>();
    assert_eq!(got, code, "{shown}: {message}");
    if !field.is_empty() {
        assert_eq!(named, field, "{shown}: {message}");
    }
    assert!(message.len() < 400 && !message.contains("async_graphql") && !message.contains("serde"), "{message}");
}

on_both_databases! {
    async fn paging_arguments_out_of_range_are_refused(app: TestApp) {
        for (variables, field) in [
            (json!({}), "first"),
            (json!({ "first": 0 }), "first"),
            (json!({ "first": -1 }), "first"),
            (json!({ "first": 101 }), "first"),
            (json!({ "first": 2_147_483_647 }), "first"),
            (json!({ "last": 0 }), "last"),
            (json!({ "last": -5 }), "last"),
            (json!({ "first": 1, "last": 1 }), "last"),
            (json!({ "first": 1, "after": "nonsense" }), "after"),
            (json!({ "first": 1, "after": "" }), "after"),
            (json!({ "first": 1, "after": "a\u{0}b" }), "after"),
            (json!({ "first": 1, "after": "A".repeat(10_000) }), "after"),
            (json!({ "last": 1, "before": "eyJ9" }), "before"),
            // A cursor of another list.
            (json!({ "first": 1, "after": "WyJvdGhlciIsW1tdLCIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDAiXV0" }), "after"),
        ] {
            refused(app, PRODUCTS, variables, "BAD_USER_INPUT", field).await;
        }
    }

    async fn variables_of_a_wrong_type_are_refused_before_anything_runs(app: TestApp) {
        for (query, variables, field) in [
            (PRODUCTS, json!({ "first": "10" }), "$first"),
            (PRODUCTS, json!({ "first": 1.5 }), "$first"),
            (PRODUCTS, json!({ "first": 3_000_000_000_u64 }), "$first"),
            (PRODUCTS, json!({ "first": true }), "$first"),
            (PRODUCTS, json!({ "first": 1, "search": 7 }), "$search"),
            (PRODUCTS, json!({ "first": 1, "where": "x" }), "$where"),
            (PRODUCTS, json!({ "first": 1, "where": { "colour": { "eq": "red" } } }), "$where.colour"),
            (PRODUCTS, json!({ "first": 1, "where": { "lifecycle": { "eq": "GONE" } } }), "$where.lifecycle.eq"),
            (PRODUCTS, json!({ "first": 1, "where": { "lifecycle": { "in": ["AVAILABLE", 7] } } }), "$where.lifecycle.in[1]"),
            (PRODUCTS, json!({ "first": 1, "where": { "and": [{ "baseService": { "eq": "yes" } }] } }), "$where.and[0].baseService.eq"),
            (PRODUCTS, json!({ "first": 1, "orderBy": [{ "direction": "ASC" }] }), "$orderBy[0].field"),
            (PRODUCTS, json!({ "first": 1, "orderBy": [{ "field": null }] }), "$orderBy[0].field"),
            (MUNICIPALITY, json!({}), "$by"),
            (MUNICIPALITY, json!({ "by": null }), "$by"),
            (MUNICIPALITY, json!({ "by": {} }), "$by"),
            (MUNICIPALITY, json!({ "by": { "ags": "05334002", "ars": "053340002002" } }), "$by"),
            (PRODUCT, json!({ "by": { "externalId": { "provider": "krzn" } } }), "$by.externalId.externalId"),
            (NODE, json!({ "id": { "a": 1 } }), "$id"),
            (NODES, json!({ "ids": [null] }), "$ids[0]"),
            (CONTACT, json!({ "topic": "PARTY" }), "$topic"),
        ] {
            refused(app, query, variables, "BAD_USER_INPUT", field).await;
        }
    }

    async fn malformed_keys_and_dates_are_refused(app: TestApp) {
        for ags in ["", "5334002", "053340022", "06334002", "05a34002", "05334002 ", "０５３３４００２", "05334\u{0}02"] {
            refused(app, MUNICIPALITY, json!({ "by": { "ags": ags } }), "BAD_USER_INPUT", "$by.ags").await;
        }
        refused(app, MUNICIPALITY, json!({ "by": { "ags": 5_334_002 } }), "BAD_USER_INPUT", "$by.ags").await;
        refused(app, MUNICIPALITY, json!({ "by": { "ars": "05334" } }), "BAD_USER_INPUT", "$by.ars").await;
        for day in ["", "2027-13-01", "2027-02-30", "01.07.2027", "2027-7-1", "1899-12-31", "2200-01-01", "+2027-07-01", "2027-07-01T00:00:00Z", "2027-07-0\u{0}"] {
            refused(app, AVAILABLE, json!({ "on": day }), "BAD_USER_INPUT", "$on").await;
        }
        refused(app, AVAILABLE, json!({ "on": 20_270_701 }), "BAD_USER_INPUT", "$on").await;
    }

    async fn malformed_ids_and_ids_of_another_type_are_refused(app: TestApp) {
        let data = app.data("{ provider(by: {key: \"krzn\"}) { id } }", json!({})).await;
        let provider = data["provider"]["id"].clone();
        for id in ["", "x", "UHJvZHVjdDo", "a\u{0}b", "Product:1", &"A".repeat(10_000)] {
            refused(app, NODE, json!({ "id": id }), "BAD_USER_INPUT", "id").await;
            refused(app, PRODUCT, json!({ "by": { "id": id } }), "BAD_USER_INPUT", "by.id").await;
        }
        refused(app, NODE, json!({ "id": 7 }), "BAD_USER_INPUT", "id").await;
        refused(app, PRODUCT, json!({ "by": { "id": provider } }), "BAD_USER_INPUT", "by.id").await;
        refused(app, CONTACT, json!({ "product": provider }), "BAD_USER_INPUT", "product").await;
        refused(app, NODES, json!({ "ids": vec!["x"; 101] }), "LIMIT_EXCEEDED", "").await;
    }

    async fn texts_with_nul_or_too_long_are_refused(app: TestApp) {
        let long = "x".repeat(10_000);
        for bad in ["a\u{0}b", long.as_str()] {
            refused(app, PRODUCTS, json!({ "first": 1, "search": bad }), "BAD_USER_INPUT", "search").await;
            refused(app, AVAILABLE, json!({ "search": bad }), "BAD_USER_INPUT", "search").await;
            refused(app, PRODUCTS, json!({ "first": 1, "where": { "name": { "contains": bad } } }), "BAD_USER_INPUT", "name.contains").await;
            refused(app, PRODUCTS, json!({ "first": 1, "where": { "category": { "eq": bad } } }), "BAD_USER_INPUT", "category").await;
            refused(app, PROVIDER, json!({ "by": { "key": bad } }), "BAD_USER_INPUT", "by.key").await;
            refused(app, PRODUCT, json!({ "by": { "externalId": { "provider": "krzn", "externalId": bad } } }), "BAD_USER_INPUT", "by.externalId.externalId").await;
        }
        refused(app, PRODUCTS, json!({ "first": 1, "where": { "name": { "contains": "%" } } }), "BAD_USER_INPUT", "name.contains").await;
        let many = vec!["x"; 501];
        refused(app, PRODUCTS, json!({ "first": 1, "where": { "provider": { "in": many } } }), "LIMIT_EXCEEDED", "").await;
    }

    async fn literals_are_checked_like_variables(app: TestApp) {
        for (query, code) in [
            ("{ products(first: \"1\") { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ products(first: 1, where: {lifecycle: {eq: GONE}}) { totalCount } }", "GRAPHQL_VALIDATION_FAILED"),
            ("{ municipality(by: {ags: \"1\"}) { name } }", "BAD_USER_INPUT"),
            ("{ products(first: 0) { totalCount } }", "BAD_USER_INPUT"),
        ] {
            refused(app, query, json!({}), code, "").await;
        }
    }

    async fn what_does_not_exist_is_not_found(app: TestApp) {
        for (query, variables) in [
            (MUNICIPALITY, json!({ "by": { "ags": "05999999" } })),
            (MUNICIPALITY, json!({ "by": { "ars": "059990000000" } })),
            (PROVIDER, json!({ "by": { "key": "nobody" } })),
            (PRODUCT, json!({ "by": { "externalId": { "provider": "krzn", "externalId": "XXX" } } })),
            (PRODUCT, json!({ "by": { "externalId": { "provider": "nobody", "externalId": "BAS-01" } } })),
        ] {
            refused(app, query, variables, "NOT_FOUND", "").await;
        }
    }
}
