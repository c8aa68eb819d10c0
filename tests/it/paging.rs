//! Laws that hold for every list of the schema.

use serde_json::{Value, json};

use crate::support::{TestApp, nodes};

/// Every connection: where it hangs, and a node's key that tells rows apart.
const LISTS: [(&str, &str); 14] = [
    ("products(ARGS) { BODY }", "id"),
    ("products(search: \"e-akte\", ARGS) { BODY }", "id"),
    ("products(orderBy: [{field: CATEGORY, direction: DESC}, {field: AVAILABLE_FROM}], ARGS) { BODY }", "id"),
    ("products(orderBy: [{field: PROVIDER}, {field: UPDATED_AT, direction: DESC}], ARGS) { BODY }", "id"),
    ("standardProducts(ARGS) { BODY }", "id"),
    (
        "standardProducts(orderBy: [{field: IMPLEMENTATION_COUNT, direction: DESC}, {field: CATEGORY}], ARGS) { BODY }",
        "id",
    ),
    ("providers(ARGS) { BODY }", "id"),
    ("providers(orderBy: [{field: PRODUCT_COUNT, direction: DESC}], ARGS) { BODY }", "id"),
    ("municipalities(ARGS) { BODY }", "id"),
    ("municipalities(orderBy: [{field: POPULATION, direction: DESC}], ARGS) { BODY }", "id"),
    ("provider(by: {key: \"krzn\"}) { products(ARGS) { BODY } }", "id"),
    ("provider(by: {key: \"krzn\"}) { municipalities(ARGS) { BODY } }", "id"),
    ("municipality(by: {ags: \"05154000\"}) { municipalities(ARGS) { BODY } }", "id"),
    ("availableProducts(municipality: {ags: \"05154036\"}, ARGS) { AVAILABLE }", "product"),
];

const BODY: &str =
    "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } }";
const AVAILABLE: &str = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { product { id } } }";

async fn page(app: &TestApp, list: &str, arguments: &str) -> Value {
    let list = list.replace("ARGS", arguments).replace("BODY", BODY).replace("AVAILABLE }", &format!("{AVAILABLE} }}"));
    let data = app.data(&format!("{{ {list} }}"), json!({})).await;
    let mut value = &data;
    while value.get("edges").is_none() {
        value = value.as_object().unwrap().values().next().unwrap();
    }
    value.clone()
}

async fn walk(app: &TestApp, list: &str, key: &str, rows: usize, forwards: bool) -> Vec<Value> {
    let (count, from, more, cursor) = match forwards {
        true => ("first", "after", "hasNextPage", "endCursor"),
        false => ("last", "before", "hasPreviousPage", "startCursor"),
    };
    let (mut seen, mut arguments) = (Vec::new(), format!("{count}: {rows}"));
    loop {
        let page = page(app, list, &arguments).await;
        let rows_of_page: Vec<Value> = nodes(&page).iter().map(|node| node[key].clone()).collect();
        assert!(rows_of_page.len() <= rows);
        match forwards {
            true => seen.extend(rows_of_page),
            false => drop(seen.splice(0..0, rows_of_page)),
        }
        if page["pageInfo"][more] == false {
            assert_eq!(page["totalCount"], seen.len(), "{list}");
            return seen;
        }
        arguments = format!("{count}: {rows}, {from}: {}", page["pageInfo"][cursor]);
    }
}

on_both_databases! {
    async fn every_list_read_forwards_equals_the_list_read_backwards(app: TestApp) {
        for (list, key) in LISTS {
            let forwards = walk(app, list, key, 97, true).await;
            assert!(forwards.len() > 1, "{list}");
            assert_eq!(walk(app, list, key, 83, false).await, forwards, "{list}");
            let mut unique: Vec<String> = forwards.iter().map(Value::to_string).collect();
            unique.sort();
            unique.dedup();
            assert_eq!(unique.len(), forwards.len(), "{list}");
        }
    }

    async fn a_page_between_two_cursors_holds_what_is_between(app: TestApp) {
        let whole = page(app, LISTS[0].0, "first: 10").await;
        let cursor = |place: usize| whole["edges"][place]["cursor"].to_string();
        let between = page(app, LISTS[0].0, &format!("first: 100, after: {}, before: {}", cursor(2), cursor(7))).await;
        assert_eq!(nodes(&between), nodes(&whole)[3..7]);
        assert_eq!(between["pageInfo"]["hasNextPage"], true);
        assert_eq!(between["pageInfo"]["hasPreviousPage"], true);
    }

    async fn a_cursor_outlives_its_row(app: TestApp) {
        use sea_orm::ConnectionTrait;
        let whole = page(app, LISTS[0].0, "first: 6").await;
        let db = app.server.database().connection();
        let id = nodes(&whole)[2]["id"].clone();
        let name = app.data("query($id: ID!) { product(by: {id: $id}) { externalId provider { key } } }", json!({ "id": id })).await["product"].clone();
        let retire = format!(
            "UPDATE products SET lifecycle = 'DRAFT' WHERE external_id = '{}' AND provider_id = (SELECT id FROM providers WHERE key = '{}')",
            name["externalId"].as_str().unwrap(), name["provider"]["key"].as_str().unwrap());
        db.execute_unprepared(&retire).await.unwrap();
        db.execute_unprepared("UPDATE catalogue_state SET version = version + 1").await.unwrap();
        app.server.live().refresh().await;
        let rest = page(app, LISTS[0].0, &format!("first: 3, after: {}", whole["edges"][2]["cursor"])).await;
        assert_eq!(nodes(&rest), nodes(&whole)[3..6]);
    }
}
