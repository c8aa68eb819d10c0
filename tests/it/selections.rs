//! What is selected of an object, in whatever way a client writes it.

use axum::body::{Body, to_bytes};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{TestApp, municipality, post};

const SEVERAL: &str = "query($no: Boolean!) {
  products(first: 2, orderBy: [{ field: NAME }]) {
    edges { node { ...Named provider { key } ... on Node { id } other: name summary @skip(if: true) sample @include(if: $no)
      ... on Product { prices { unit } } ... { prices { amount { currency } } } } }
    edges { cursor node { __typename category { key } name } }
  }
}
fragment Named on Product { name provider { name ...Key } }
fragment Key on Provider { key __typename }";
const ONCE: &str = "{ products(first: 2, orderBy: [{ field: NAME }]) { edges { cursor
  node { name provider { name key } id category { key } prices { unit amount { currency } } } } } }";
const OWN: &str = "query($ags: AGS!) { municipality(by: { ags: $ags }) { subscriptions(first: 2) { edges { node {
  ... on ProductSubscription { product { ...P } } history(first: 1) { edges { node { version } } } product { id } price { unit } version } } } } }
fragment P on Product { provider { key } __typename }";

/// The answer as it is written.
pub async fn text(app: &TestApp, token: Option<&str>, query: &str, variables: Value) -> String {
    let mut request = post().header("x-request-id", "the-same");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = json!({ "query": query, "variables": variables }).to_string();
    let answer = app.server.router().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    String::from_utf8(to_bytes(answer.into_body(), 1_000_000).await.unwrap().to_vec()).unwrap()
}

/// What is asked, and who asks; everything is told whole, nothing, or in part because something fails.
const ASKED: [(&str, bool); 9] = [
    (
        "products(first: 3, orderBy: [{ field: NAME }]) { totalCount pageInfo { endCursor } edges { cursor node { id name summary provider { key } prices { unit amount { amount } } } } }",
        false,
    ),
    ("products(first: 1) { edges { node { name @skip(if: true) } } }", false),
    ("products(first: 1) { edges { node { requires { name } versions(first: 0) { totalCount } name } } }", false),
    (
        "products(first: 2) { edges { node { name equivalents(municipality: { ags: \"05000000\" }) { product { name } } replaces { name } } } }",
        false,
    ),
    ("subscriptions(first: 1) { totalCount }", false),
    (
        "subscriptions(first: 5) { totalCount edges { cursor node { history(first: 1) { totalCount edges { node { reason { text } version action } } } id predecessor { id } state price { amount { amount } vatRate } } } }",
        true,
    ),
    (
        "subscriptions(first: 3) { edges { node { id subscriber { __typename ... on Municipality { ags district { ags } } ... on Provider { key } ... on Node { node: id } ...S } } } }",
        true,
    ),
    ("subscriptions(first: 3) { edges { node { id history(first: 0) { totalCount } } } }", true),
    (
        "municipality(by: { ags: \"05334002\" }) { name subscriptions(first: 2) { edges { node { permissions { action allowed rule { id } } priceChanges { from } pendingChange { action } } } } annualCost { amount } }",
        true,
    ),
];

/// The names of the keys of a JSON text, in their order.
fn keys(text: &str) -> Vec<&str> {
    text.split("\":").map_while(|part| part.rsplit_once('"')).map(|(_, key)| key).collect()
}

on_both_databases! {
    async fn what_is_selected_of_a_row_at_several_places_is_told_once_and_whole(app: TestApp) {
        let several = app.data(SEVERAL, json!({ "no": false })).await;
        let once = app.data(ONCE, json!({})).await;
        for (several, once) in ["/products/edges/0", "/products/edges/1"].map(|at| (several.pointer(at).unwrap(), once.pointer(at).unwrap())) {
            let (node, expected) = (&several["node"], &once["node"]);
            assert_eq!(several["cursor"], once["cursor"]);
            for key in ["name", "id", "category", "prices"] {
                assert_eq!(node[key], expected[key], "{key}");
            }
            assert!(!node["prices"].as_array().unwrap().is_empty());
            assert_eq!(node["other"], expected["name"]);
            assert_eq!(node["__typename"], "Product");
            assert_eq!(node["provider"], json!({ "name": expected["provider"]["name"], "key": expected["provider"]["key"], "__typename": "Provider" }));
            assert_eq!(node.as_object().unwrap().len(), 7);
        }
    }

    async fn an_answer_is_the_same_to_the_byte_whether_its_objects_are_written_at_once_or_kept_as_values(app: TestApp) {
        let town = municipality("05334002");
        for (asked, is_signed_in) in ASKED {
            let token = is_signed_in.then_some(town.as_str());
            let fragment = if asked.contains("...S") { "fragment S on Subscriber { ... on Provider { name } ... on Municipality { name } }" } else { "" };
            let told = async |typename: &str| text(app, token, &format!("{{ {asked} {typename} }} {fragment}"), json!({})).await;
            // What is selected twice can't be written at once.
            let (written, kept) = (told("__typename").await, told("__typename __typename").await);
            let without_places = |text: &str| text.replace(char::is_whitespace, "");
            assert_eq!(without_places(&written), without_places(&kept), "{asked}");
            assert!(written.contains("\"data\":null") || written.ends_with("\"__typename\":\"Query\"}}"), "{written}");
        }
    }

    async fn fields_stand_in_the_order_of_the_document(app: TestApp) {
        let told = text(app, None, SEVERAL, json!({ "no": true })).await;
        let (before, first) = told.split_once("\"node\":").unwrap();
        assert_eq!(keys(before), ["data", "products", "edges"]);
        let first: Vec<&str> = keys(first).into_iter().take_while(|key| *key != "cursor").collect();
        // Of `prices` there may be several.
        let fields: Vec<&str> = first.into_iter().filter(|key| !["unit", "amount", "currency"].contains(key)).collect();
        assert_eq!(fields, ["name", "provider", "name", "key", "__typename", "id", "other", "sample", "prices", "__typename", "category", "key"]);
        let own = text(app, Some(&municipality("05334002")), OWN, json!({ "ags": "05334002" })).await;
        let (_, first) = own.split_once("\"node\":").unwrap();
        assert_eq!(keys(first)[..12], ["product", "provider", "key", "__typename", "id", "history", "edges", "node", "version", "price", "unit", "version"]);
    }
}
