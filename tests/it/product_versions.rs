//! What a product was since when, for everybody who may know it; and what the steward looks at afterwards.

use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::{
    portfolios::{changed, published, register, row},
    product_steps::{id, step},
    support::{
        TestApp, account_manager,
        acts::{AACHEN, id_of},
        auditor, land, municipality, nodes, portfolio, provider, steward, texts, transformation_office,
    },
};

const VERSIONS: &str = "query($id: ID!) { product(by: { id: $id }) { versions(first: 100) { totalCount edges { node {
    number action lifecycle provider { key } changedFields difference { field before after } fields { field value } } } } } }";
const DIFFERENCE: &str = "query($id: ID!, $from: Int!, $to: Int) { product(by: { id: $id }) { difference(from: $from, to: $to) { field before after } } }";
const CHANGED: &str = "query($provider: ProviderBy, $unseen: Boolean! = true) { changedProducts(first: 100, provider: $provider, unseenOnly: $unseen) {
    totalCount edges { node { seenAt product { externalId } version { number action changedFields difference { field before after } } } } } }";

async fn versions(app: &TestApp, token: Option<&str>, product: &Value) -> Vec<Value> {
    let variables = json!({ "id": product });
    let data = match token {
        Some(token) => app.data_as(token, VERSIONS, variables).await,
        None => app.data(VERSIONS, variables).await,
    };
    nodes(&data["product"]["versions"])
}

fn numbers(versions: &[Value]) -> Vec<i64> {
    versions.iter().map(|version| version["number"].as_i64().unwrap()).collect()
}

/// A published product of the sample, with its key.
fn of_sample(app: &TestApp, provider: &str) -> (Value, String) {
    let snapshot = app.server.live().snapshot();
    let at = snapshot.providers[snapshot.provider_by_key(provider).unwrap()].products[0];
    let row = &snapshot.products[at].row;
    (json!(portfolio::id_of(row.id)), row.external_id.clone())
}

async fn rename(app: &TestApp, key: &str, name: &str) {
    let payload = register(app, vec![changed(key, json!({ "name": name }))], json!({})).await;
    assert_eq!(payload["report"]["changed"], 1, "{payload}");
}

on_both_databases! {
    async fn the_public_sees_published_versions_and_drafts_stay_with_those_who_may(app: TestApp) {
        let product = id(&published(app, vec![row("V-1")]).await);
        rename(app, "V-1", "Zweiter Name").await;
        let own = provider("itkr");
        for token in [own.clone(), steward(), transformation_office(), land(), auditor()] {
            assert_eq!(numbers(&versions(app, Some(&token), &product).await), [3, 2, 1]);
        }
        let kgst = account_manager("kgst-st-2");
        for token in [None, Some(municipality(AACHEN)), Some(provider("krzn")), Some(kgst)] {
            let seen = versions(app, token.as_deref(), &product).await;
            assert_eq!(numbers(&seen), [3, 2]);
            assert_eq!(seen[0]["difference"], json!([{ "field": "name", "before": "Leistung V-1", "after": "Zweiter Name" }]));
            assert_eq!((&seen[1]["changedFields"], &seen[1]["difference"]), (&json!([]), &json!([])), "nothing is told of what was before");
        }
        let asked = |from: i64, to: i64| json!({ "id": product, "from": from, "to": to });
        for (from, to, field) in [(1, 3, "from"), (3, 1, "to"), (9, 3, "from"), (2, -1, "to")] {
            let (code, at, _) = app.error(DIFFERENCE, asked(from, to)).await;
            assert_eq!((code.as_str(), at), ("NOT_FOUND", json!(field)));
        }
        let known = app.data_as(&own, DIFFERENCE, json!({ "id": product, "from": 1 })).await["product"]["difference"].clone();
        let fields: Vec<&str> = known.as_array().unwrap().iter().map(|one| one["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["lifecycle", "name", "requestedLifecycle"]);
        let one = "query($id: ID!, $number: Int!) { product(by: { id: $id }) { versionNumbered(number: $number) { lifecycle } } }";
        assert_eq!(app.error(one, json!({ "id": product, "number": 1 })).await.0, "NOT_FOUND");
        assert_eq!(app.data_as(&own, one, json!({ "id": product, "number": 1 })).await["product"]["versionNumbered"]["lifecycle"], "IN_REVIEW");
    }

    async fn a_product_that_is_not_published_shows_its_versions_to_its_own_provider(app: TestApp) {
        register(app, vec![changed("V-2", json!({ "lifecycle": "DRAFT" }))], json!({})).await;
        let list = "{ provider(by: {key: \"itkr\"}) { products(first: 100) { edges { node { externalId versions(first: 5) { totalCount } } } } } }";
        let own = app.data_as(&provider("itkr"), list, json!({})).await;
        let found = nodes(&own["provider"]["products"]).into_iter().find(|node| node["externalId"] == "V-2").unwrap();
        assert_eq!(found["versions"]["totalCount"], 1);
        let others = app.data_as(&provider("krzn"), list, json!({})).await;
        assert!(nodes(&others["provider"]["products"]).iter().all(|node| node["externalId"] != "V-2"));
    }

    async fn whoever_changes_a_product_leaves_a_version(app: TestApp) {
        let (product, key) = of_sample(app, "ivl");
        let first = versions(app, None, &product).await;
        assert_eq!((numbers(&first), &first[0]["action"]), (vec![1], &json!("FIRST_RECORD")));
        let known = "query($id: ID!) { product(by: {id: $id}) { standardProduct { key } } standardProducts(first: 2) { edges { node { key } } } }";
        let known = app.data(known, json!({ "id": product })).await;
        let standards = texts(&known["standardProducts"], "key");
        let another = standards.iter().find(|key| known["product"]["standardProduct"]["key"] != **key).unwrap();
        let (other, _) = of_sample(app, "krzn");
        for (token, mutation, input) in [
            (steward(), "matchProduct", json!({ "product": product, "version": 1, "standardProduct": another })),
            (provider("ivl"), "matchProduct", json!({ "product": product, "version": 2, "standardProduct": null })),
            (provider("ivl"), "saveProductRelations", json!({ "product": product, "version": 3, "requires": [other], "replaces": [], "excludes": [] })),
        ] {
            assert_eq!(app.change(&token, mutation, input, "product { version }").await["errors"], json!([]), "{mutation}");
        }
        app.merge("kdvz", &["ivl"]).await;
        let seen = versions(app, None, &product).await;
        assert_eq!(numbers(&seen), [5, 4, 3, 2, 1]);
        let actions: Vec<&str> = seen.iter().map(|version| version["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["MERGE_PROVIDERS", "SAVE_PRODUCT_RELATIONS", "MATCH_PRODUCT", "MATCH_PRODUCT", "FIRST_RECORD"]);
        assert_eq!((&seen[0]["provider"]["key"], &seen[1]["provider"]["key"]), (&json!("kdvz"), &json!("ivl")));
        let renamed = app.data("query($id: ID!) { product(by: {id: $id}) { externalId } }", json!({ "id": product })).await["product"]["externalId"].clone();
        let fields = if renamed == json!(key) { json!(["provider"]) } else { json!(["externalId", "provider"]) };
        assert_eq!((&seen[0]["changedFields"], &seen[1]["changedFields"]), (&fields, &json!(["requires"])));
        assert!(seen[2..4].iter().all(|version| version["changedFields"] == json!(["standardProduct"])));
        let words: Vec<&Value> = seen[0]["fields"].as_array().unwrap().iter().filter(|field| field["field"] == "externalId").collect();
        assert_eq!(words[0]["value"], renamed);
        // What the steward does and what a merger does is seen; what the provider did is not.
        let open = app.data_as(&steward(), CHANGED, json!({})).await;
        let open: Vec<i64> = nodes(&open["changedProducts"]).iter().map(|node| node["version"]["number"].as_i64().unwrap()).collect();
        assert_eq!(open, [3, 4]);
    }

    async fn earlier_words_come_back_at_once_and_earlier_prices_after_the_notice_period(app: TestApp) {
        let product = id(&published(app, vec![row("V-3")]).await);
        let price = |amount: &str, from: &str| json!({ "unit": "INHABITANT", "period": "YEAR", "amount": amount, "validFrom": from });
        let dearer = json!({ "name": "Anders", "description": "Mehr", "prices": [price("0.35", "2026-11-23"), price("0.40", "2027-03-01")] });
        let payload = register(app, vec![changed("V-3", dearer)], json!({})).await;
        assert_eq!(payload["report"]["changed"], 1, "{payload}");
        let told = app.data(DIFFERENCE, json!({ "id": product, "from": 2 })).await["product"]["difference"].clone();
        assert!(told[2]["field"] == "prices" && told[2]["after"].as_str().unwrap().contains("0,40 € je Einwohner"), "{told}");
        let rehearsed = step(app, "revertProduct", &product, 3, json!({ "toVersion": 2, "dryRun": true })).await;
        let reverted = step(app, "revertProduct", &product, 3, json!({ "toVersion": 2 })).await;
        assert_eq!((&reverted["errors"], &reverted["changedFields"]), (&json!([]), &rehearsed["changedFields"]));
        assert_eq!((&reverted["changedFields"], &reverted["product"]["version"]), (&json!(["description", "name", "prices"]), &json!(4)));
        let shown = "query($id: ID!) { product(by: {id: $id}) { name description prices { amount { amount } validFrom validTo } } }";
        let shown = app.data(shown, json!({ "id": product })).await["product"].clone();
        assert_eq!(shown, json!({ "name": "Leistung V-3", "description": null, "prices": [{ "amount": { "amount": "0.35" }, "validFrom": "2026-11-23", "validTo": null }] }), "what was announced is taken back");
        // Forth again: what is another comes after the notice period.
        let dearer = changed("V-3", json!({ "prices": [price("0.35", "2026-11-23"), price("0.50", "2027-02-23")] }));
        assert_eq!(register(app, vec![dearer], json!({})).await["report"]["changed"], 1);
        let later = app.at("2027-03-01T09:00:00Z").await;
        let token = crate::support::token(json!({ "roles": ["provider"], "provider": "itkr", "exp": 1_900_000_000 }));
        let back = later.change(&token, "revertProduct", json!({ "product": product, "version": 5, "toVersion": 4 }), "product { prices { amount { amount } validFrom validTo } }").await;
        assert_eq!(back["product"]["prices"], json!([
            { "amount": { "amount": "0.35" }, "validFrom": "2026-11-23", "validTo": "2027-02-22" },
            { "amount": { "amount": "0.50" }, "validFrom": "2027-02-23", "validTo": "2027-05-31" },
            { "amount": { "amount": "0.35" }, "validFrom": "2027-06-01", "validTo": null },
        ]), "{back}");
    }

    async fn nothing_comes_back_that_was_never_there_and_the_same_changes_nothing(app: TestApp) {
        let product = id(&published(app, vec![row("V-4")]).await);
        for number in [0, 7, -1] {
            let refused = step(app, "revertProduct", &product, 2, json!({ "toVersion": number })).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!("NOT_FOUND"), &json!(["input", "toVersion"])));
        }
        let same = step(app, "revertProduct", &product, 2, json!({ "toVersion": 1 })).await;
        assert_eq!((&same["errors"], &same["product"]["version"], &same["product"]["lifecycle"]), (&json!([]), &json!(2), &json!("AVAILABLE")));
        assert_eq!(step(app, "revertProduct", &product, 1, json!({ "toVersion": 1 })).await["errors"][0]["code"], "CONFLICT");
    }

    async fn changes_of_published_products_wait_for_a_steward_until_they_are_marked(app: TestApp) {
        let (one, other) = (id(&published(app, vec![row("V-5")]).await), id(&published(app, vec![row("V-6")]).await));
        let hidden = id(&register(app, vec![changed("V-7", json!({ "lifecycle": "DRAFT" }))], json!({})).await);
        let open = async |more: Value| app.data_as(&steward(), CHANGED, more).await["changedProducts"].clone();
        assert_eq!(open(json!({})).await["totalCount"], 0, "what was accepted was looked at");
        rename(app, "V-5", "Eins").await;
        rename(app, "V-5", "Zwei").await;
        rename(app, "V-6", "Drei").await;
        let list = open(json!({})).await;
        assert_eq!(list["totalCount"], 3);
        assert_eq!(nodes(&list)[1]["version"]["difference"].as_array().unwrap().len(), 1);
        assert_eq!(open(json!({ "provider": { "key": "krzn" } })).await["totalCount"], 0);
        assert_eq!(open(json!({ "provider": { "key": "itkr" } })).await["totalCount"], 3);
        let mark = async |token: &str, products: Value, more: Value| {
            let mut input = json!({ "products": products });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            app.change(token, "markProductsSeen", input, "seen").await
        };
        let seen = json!([{ "product": one, "version": 3 }, { "product": other, "version": 3 }]);
        assert_eq!(mark(&steward(), seen.clone(), json!({ "dryRun": true })).await["seen"], 2);
        assert_eq!(open(json!({})).await["totalCount"], 3);
        let once = json!({ "idempotencyKey": "seen" });
        assert_eq!(mark(&steward(), seen.clone(), once.clone()).await["seen"], 2);
        assert_eq!(mark(&steward(), seen.clone(), once).await["seen"], 0);
        let left = open(json!({})).await;
        assert_eq!((&left["totalCount"], &nodes(&left)[0]["version"]["number"]), (&json!(1), &json!(4)));
        assert_eq!(open(json!({ "unseen": false })).await["totalCount"], 3, "what was seen stays on record");
        let nobody = portfolio::id_of(Uuid::new_v4());
        for wrong in [hidden, json!(nobody), json!("x\u{0}")] {
            let refused = mark(&steward(), json!([{ "product": one, "version": 4 }, { "product": wrong, "version": 1 }]), json!({})).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!("NOT_FOUND"), &json!(["input", "products", "1", "product"])));
        }
        for version in [-1, 0, 5, i32::MAX] {
            let refused = mark(&steward(), json!([{ "product": one, "version": version }]), json!({})).await;
            assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!("NOT_FOUND"), &json!(["input", "products", "0", "version"])), "what nobody can have looked at: {version}");
        }
        assert_eq!(mark(&steward(), json!([]), json!({})).await["errors"][0]["code"], "BAD_USER_INPUT");
        assert_eq!(open(json!({})).await["totalCount"], 1, "all of them or none");
        for token in [provider("itkr"), municipality(AACHEN), account_manager("kgst-st-2"), transformation_office(), land(), auditor()] {
            assert_eq!(mark(&token, seen.clone(), json!({})).await["errors"][0]["code"], "FORBIDDEN");
            assert_eq!(app.ask_as(&token, CHANGED, json!({})).await.body["errors"][0]["extensions"]["code"], "FORBIDDEN");
        }
        assert_eq!(app.error(CHANGED, json!({})).await.0, "UNAUTHENTICATED");
        app.verify().await.unwrap();
    }

    async fn whoever_takes_a_product_sees_other_prices_coming(app: TestApp) {
        published(app, vec![row("V-8")]).await;
        let taken = app.subscription(AACHEN, ("itkr", "V-8"), |row| row.price_period = entity::price::Period::Year).await;
        let over = app.subscription(AACHEN, ("itkr", "V-8"), |row| {
            row.price_period = entity::price::Period::Year;
            row.state = entity::product_subscription::State::Terminating;
            row.ends_on = "2027-02-28".parse().ok();
        }).await;
        let query = "query($id: ID!) { node(id: $id) { ... on ProductSubscription { priceChanges { from noticeBy price { amount { amount } } } } } }";
        let coming = async |row| app.data_as(&municipality(AACHEN), query, json!({ "id": id_of(row) })).await["node"]["priceChanges"].clone();
        assert_eq!(coming(&taken).await, json!([]));
        let price = |amount: &str, from: &str| json!({ "unit": "INHABITANT", "period": "YEAR", "amount": amount, "validFrom": from });
        let dearer = json!({ "prices": [price("0.35", "2026-11-23"), price("0.40", "2027-03-01")] });
        assert_eq!(register(app, vec![changed("V-8", dearer)], json!({})).await["report"]["changed"], 1);
        assert_eq!(coming(&taken).await, json!([{ "from": "2027-03-01", "noticeBy": "2026-11-30", "price": { "amount": { "amount": "0.40" } } }]));
        assert_eq!(coming(&over).await, json!([]), "it ends before");
    }
}
