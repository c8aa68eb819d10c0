//! Contacts: always one, and in public never a person.

use ::entity::{contact, contact_assignment};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::support::TestApp;

const TOPICS: [&str; 6] = ["SALES", "TECHNICAL", "ONBOARDING", "DATA_PROTECTION", "SECURITY", "EMERGENCY"];
const QUERY: &str = "query($ags: AGS!, $product: ID, $topic: ContactTopic) { contactFor(municipality: {ags: $ags}, product: $product, topic: $topic) {
    contact { function email phone sample } deputy { email } customerGroup { key } foundBy } }";

async fn all_ags(app: &TestApp) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let query = "query($after: String) { municipalities(first: 100, after: $after) { pageInfo { hasNextPage endCursor } edges { node { ags } } } }";
        let page = app.data(query, json!({ "after": after })).await["municipalities"].clone();
        all.extend(crate::support::texts(&page, "ags"));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
    }
}

/// Takes away assignments, as another process would.
async fn take_away(app: &TestApp, which: contact_assignment::Column) {
    let db = app.server.database().connection();
    contact_assignment::Entity::delete_many().filter(which.is_not_null()).exec(db).await.unwrap();
    use sea_orm::ConnectionTrait;
    db.execute_unprepared("UPDATE catalogue_state SET version = version + 1").await.unwrap();
    app.server.live().refresh().await;
}

on_both_databases! {
    async fn every_municipality_has_a_contact_for_every_topic(app: TestApp) {
        for ags in all_ags(app).await {
            for topic in TOPICS {
                let answer = app.data(QUERY, json!({ "ags": ags, "topic": topic })).await["contactFor"].clone();
                assert!(answer["contact"]["email"].as_str().unwrap().ends_with(".example"), "{ags} {topic}");
                assert_eq!(answer["contact"]["sample"], true);
            }
        }
    }

    async fn the_search_goes_from_the_product_to_the_central_desk(app: TestApp) {
        let product = "{ product(by: {externalId: {provider: \"krzn\", externalId: \"BUR-01\"}}) { id } }";
        let answer = app.ask(product, json!({})).await;
        let of_provider = if answer.body["data"]["product"].is_null() {
            "{ provider(by: {key: \"krzn\"}) { products(first: 1) { edges { node { id } } } } }"
        } else {
            product
        };
        let data = app.data(of_provider, json!({})).await;
        let id = data["product"]["id"].as_str().or_else(|| data["provider"]["products"]["edges"][0]["node"]["id"].as_str()).unwrap().to_owned();
        let found_by = async |variables: Value| app.data(QUERY, variables).await["contactFor"]["foundBy"].clone();
        // Kleve lies in the Kreis Kleve, which has a contact of its own.
        let kleve = "05154036";
        assert_eq!(found_by(json!({ "ags": kleve, "product": id })).await, "PROVIDER");
        assert_eq!(found_by(json!({ "ags": kleve, "topic": "ONBOARDING" })).await, "CUSTOMER_GROUP_TOPIC");
        assert_eq!(found_by(json!({ "ags": kleve, "topic": "SECURITY" })).await, "CUSTOMER_GROUP");
        take_away(app, contact_assignment::Column::CustomerGroupId).await;
        assert_eq!(found_by(json!({ "ags": kleve, "topic": "SECURITY" })).await, "DISTRICT");
        assert_eq!(found_by(json!({ "ags": "05334002", "topic": "SECURITY" })).await, "CENTRAL_DESK");
    }

    async fn no_answer_of_the_public_catalogue_names_a_person(app: TestApp) {
        let mut answers = String::new();
        for ags in all_ags(app).await {
            for topic in TOPICS {
                answers += &app.data(QUERY, json!({ "ags": ags, "topic": topic })).await.to_string();
            }
        }
        let available = "{ availableProducts(municipality: {ags: \"05154036\"}, first: 100) { edges { node { contact { function email phone deputy { function email phone } } } } } }";
        answers += &app.data(available, json!({})).await.to_string();
        let contacts = contact::Entity::find().all(app.server.database().connection()).await.unwrap();
        let persons: Vec<String> = contacts.into_iter().flat_map(|row| [row.person_name, row.person_email]).flatten().collect();
        assert!(persons.len() > 50);
        for person in persons {
            assert!(!answers.contains(&person), "{person}");
        }
    }
}
