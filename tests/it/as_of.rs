//! The catalogue as it was, and as it will be: each root field of a request chooses its day.

use serde_json::{Value, json};

use crate::{
    portfolios::{changed, published, register, row},
    product_steps::{id, step},
    support::{TestApp, acts::AACHEN, municipality, nodes, provider, steward, texts, transformation_office},
};

const YESTERDAY: &str = "2026-11-22";
const PRODUCT: &str = "query($by: ProductBy!, $day: Date) { product(by: $by, asOf: $day) { name lifecycle version externalId provider { key } prices { amount { amount } validFrom } requires { name } } }";

fn by(provider: &str, key: &str, day: Option<&str>) -> Value {
    json!({ "by": { "externalId": { "provider": provider, "externalId": key } }, "day": day })
}

/// The whole portfolio of a provider on a day, as key and name.
async fn portfolio(app: &TestApp, token: Option<&str>, key: &str, day: Option<&str>) -> Vec<(String, String)> {
    let query = "query($key: String!, $day: Date) { provider(by: { key: $key }, asOf: $day) { products(first: 100) { edges { node { externalId name } } } } }";
    let variables = json!({ "key": key, "day": day });
    let data = match token {
        Some(token) => app.data_as(token, query, variables).await,
        None => app.data(query, variables).await,
    };
    let products = &data["provider"]["products"];
    texts(products, "externalId").into_iter().zip(texts(products, "name")).collect()
}

on_both_databases! {
    async fn yesterday_a_product_had_its_old_name_and_a_new_one_was_not_there(app: TestApp) {
        let before = portfolio(app, None, "krzn", None).await;
        let (key, name) = before[0].clone();
        assert_eq!(portfolio(app, None, "krzn", Some(YESTERDAY)).await, before);
        let snapshot = app.server.live().snapshot();
        let at = snapshot.product_by_external_id(snapshot.provider_by_key("krzn").unwrap(), &key).unwrap();
        let (product, category) = (json!(crate::support::portfolio::id_of(snapshot.products[at].row.id)), snapshot.categories[snapshot.products[at].category].row.key.clone());
        let prices: Vec<Value> = app.data("query($id: ID!) { product(by: {id: $id}) { prices { unit period amount { amount } percent vatRate validFrom } } }", json!({ "id": product })).await["product"]["prices"].as_array().unwrap().iter().map(|price| json!({ "unit": price["unit"], "period": price["period"], "amount": price["amount"]["amount"], "percent": price["percent"], "vatRate": price["vatRate"], "validFrom": price["validFrom"] })).collect();
        let other = app.product_id(("zentral-nrw", "DMS-02")).await;
        let renamed = json!({ "externalId": key, "name": "Ganz anders", "category": category, "deliveryMode": "REGIONAL", "prices": prices, "lifecycle": app.data(PRODUCT, by("krzn", &key, None)).await["product"]["lifecycle"] });
        let input = json!({ "provider": { "key": "krzn" }, "product": renamed });
        assert_eq!(app.change(&provider("krzn"), "saveProduct", input, "product { version }").await["errors"], json!([]));
        let related = json!({ "product": product, "version": 2, "requires": [other], "replaces": [], "excludes": [] });
        assert_eq!(app.change(&steward(), "saveProductRelations", related, "product { version }").await["errors"], json!([]));
        published(app, vec![row("D-1")]).await;
        let (now, then) = (app.data(PRODUCT, by("krzn", &key, None)).await, app.data(PRODUCT, by("krzn", &key, Some(YESTERDAY))).await);
        assert_eq!((&now["product"]["name"], &now["product"]["version"], now["product"]["requires"].as_array().unwrap().len()), (&json!("Ganz anders"), &json!(3), 1));
        assert_eq!((&then["product"]["name"], &then["product"]["version"], &then["product"]["requires"]), (&json!(name), &json!(1), &json!([])));
        assert_eq!(then["product"]["prices"], now["product"]["prices"]);
        assert_eq!(portfolio(app, None, "krzn", Some(YESTERDAY)).await, before);
        let (code, ..) = app.error(PRODUCT, by("itkr", "D-1", Some(YESTERDAY))).await;
        assert_eq!(code, "NOT_FOUND");
        let both = "query($day: Date!) { now: products(first: 1, search: \"Ganz anders\") { totalCount edges { node { name } } } then: products(first: 1, search: \"Ganz anders\", asOf: $day) { totalCount } today: products(first: 1, asOf: \"2026-11-23\") { totalCount } }";
        let both = app.data(both, json!({ "day": YESTERDAY })).await;
        assert_eq!((&both["now"]["totalCount"], &both["then"]["totalCount"]), (&json!(1), &json!(0)));
    }

    async fn before_a_merger_the_product_is_in_its_old_portfolio(app: TestApp) {
        let before = portfolio(app, None, "ivl", None).await;
        let key = before[0].0.clone();
        app.merge("kdvz", &["ivl"]).await;
        assert_eq!(portfolio(app, None, "ivl", None).await, []);
        assert_eq!(portfolio(app, None, "ivl", Some(YESTERDAY)).await, before);
        let then = app.data(PRODUCT, by("ivl", &key, Some(YESTERDAY))).await["product"].clone();
        assert_eq!((&then["provider"]["key"], &then["externalId"]), (&json!("ivl"), &json!(key)));
        assert_eq!(app.data(PRODUCT, by("ivl", &key, None)).await["product"]["provider"]["key"], "kdvz");
        let merged = "query($day: Date) { provider(by: {key: \"ivl\"}, asOf: $day) { joining mergedInto { key } mergers { key } } }";
        let (now, then) = (app.data(merged, json!({})).await, app.data(merged, json!({ "day": YESTERDAY })).await);
        assert_eq!((&now["provider"]["joining"], &now["provider"]["mergedInto"]["key"]), (&json!("MERGED"), &json!("kdvz")));
        assert_eq!((&then["provider"]["joining"], &then["provider"]["mergedInto"]), (&json!("NOT_JOINED"), &Value::Null));
    }

    async fn a_later_day_shows_what_the_days_of_products_bring(app: TestApp) {
        let product = id(&published(app, vec![row("D-2")]).await);
        let days = json!({ "phaseOutFrom": "2027-06-01", "retiredFrom": "2028-01-01" });
        assert_eq!(step(app, "phaseOutProduct", &product, 2, days).await["errors"], json!([]));
        for (day, stands) in [("2026-11-24", "AVAILABLE"), ("2027-05-31", "AVAILABLE"), ("2027-06-01", "PHASE_OUT"), ("2028-06-01", "RETIRED"), ("2100-12-31", "RETIRED")] {
            assert_eq!(app.data(PRODUCT, by("itkr", "D-2", Some(day))).await["product"]["lifecycle"], stands, "{day}");
        }
        let running = "query($day: Date) { products(first: 1, asOf: $day, where: { lifecycle: { eq: PLANNED } }) { totalCount } }";
        assert_eq!(app.data(running, json!({ "day": "2099-01-01" })).await["products"]["totalCount"], 0);
        assert_ne!(app.data(running, json!({})).await["products"]["totalCount"], 0);
    }

    async fn what_was_frozen_today_could_be_had_yesterday(app: TestApp) {
        let input = json!({ "scope": { "everything": true }, "message": "Umzug" });
        assert_eq!(app.change(&transformation_office(), "freeze", input, "freeze { message }").await["errors"], json!([]));
        let query = "query($day: Date) { availableProducts(municipality: {ags: \"05334002\"}, first: 100, asOf: $day) { edges { node { status subscribed reason { code } } } } }";
        let status = async |day: Option<&str>| nodes(&app.data_as(&municipality(AACHEN), query, json!({ "day": day })).await["availableProducts"]);
        assert!(status(None).await.iter().all(|node| node["status"] != "AVAILABLE" && node["subscribed"] != Value::Null));
        assert!(status(Some(YESTERDAY)).await.iter().any(|node| node["status"] == "AVAILABLE" && node["subscribed"] == Value::Null));
    }

    async fn what_is_not_published_is_in_no_catalogue_of_any_day(app: TestApp) {
        register(app, vec![row("D-3"), changed("D-4", json!({ "lifecycle": "DRAFT" }))], json!({})).await;
        let own = provider("itkr");
        for day in [YESTERDAY, "2026-12-01", "2028-06-01"] {
            for token in [None, Some(own.as_str())] {
                let keys: Vec<String> = portfolio(app, token, "itkr", Some(day)).await.into_iter().map(|(key, _)| key).collect();
                assert!(!keys.contains(&"D-3".to_owned()) && !keys.contains(&"D-4".to_owned()), "{day}");
            }
        }
        published(app, vec![row("D-5")]).await;
        let through = "query($day: Date!) { provider(by: {key: \"itkr\"}, asOf: $day) { products(first: 100) { edges { node { externalId versions(first: 5) { totalCount } } } } } }";
        let seen = nodes(&app.data(through, json!({ "day": "2028-06-01" })).await["provider"]["products"]);
        let versions = seen.iter().find(|node| node["externalId"] == "D-5").unwrap();
        assert_eq!(versions["versions"]["totalCount"], 1, "only the published one");
    }

    async fn days_without_a_record_and_things_of_today_are_told_as_such(app: TestApp) {
        let list = "query($day: Date) { products(first: 1, asOf: $day) { totalCount } }";
        for day in ["2026-10-31", "2000-01-01", "2101-01-01"] {
            let (code, field, message) = app.error(list, json!({ "day": day })).await;
            assert_eq!((code.as_str(), &field), ("BAD_USER_INPUT", &json!("asOf")), "{day}");
            assert!(message.contains("01.11.2026") || message.contains("2026-11-01"), "{message}");
        }
        for day in ["2026-02-30", "gestern", "2026-11-01\u{0}", "+262143-01-01"] {
            assert_eq!(app.error(list, json!({ "day": day })).await.0, "BAD_USER_INPUT", "{day}");
        }
        assert_ne!(app.data(list, json!({ "day": "2026-11-01" })).await["products"]["totalCount"], 0);
        let own = "query($day: Date) { provider(by: {key: \"regioit\"}, asOf: $day) { municipalities(first: 100) { edges { node { ags subscriptions(first: 1) { totalCount } annualCost { amount } } } } } }";
        let answer = app.ask_as(&steward(), own, json!({ "day": YESTERDAY })).await;
        let codes: Vec<&Value> = answer.body["errors"].as_array().unwrap().iter().map(|error| &error["extensions"]["code"]).collect();
        assert!(codes.iter().all(|code| **code == "BAD_USER_INPUT"), "{codes:?}");
        let early = "{ availableProducts(municipality: {ags: \"05334002\"}, first: 1, asOf: \"2026-11-20\", on: \"2026-11-19\") { totalCount } }";
        assert_eq!(app.error(early, json!({})).await.0, "BAD_USER_INPUT");
    }

    async fn a_catalogue_of_another_day_is_made_once_and_not_for_every_day(app: TestApp) {
        let list = "query($day: Date) { products(first: 1, asOf: $day) { totalCount } }";
        let statements = || app.server.database().statements();
        let before = statements();
        for day in ["2026-11-24", "2026-12-01", "2026-12-24"] {
            app.data(list, json!({ "day": day })).await;
        }
        assert_eq!(statements(), before, "no product moves on until then");
        // The first day that is known is asked for once.
        app.data(list, json!({ "day": "2026-11-20" })).await;
        let before = statements();
        app.data(list, json!({ "day": YESTERDAY })).await;
        let of_one = statements() - before;
        app.data(list, json!({ "day": YESTERDAY })).await;
        assert_eq!(statements(), before + of_one, "it is kept");
        let ask = || app.data(list, json!({ "day": "2026-11-21" }));
        tokio::join!(ask(), ask(), ask(), ask());
        assert_eq!(statements(), before + 2 * of_one, "made once for all who ask");
        let many: String = (1..=10).map(|day| format!("d{day}: products(first: 1, asOf: \"2026-11-{day:02}\") {{ totalCount }} ")).collect();
        assert_eq!(app.error(&format!("{{ {many} }}"), json!({})).await.0, "LIMIT_EXCEEDED");
    }
}
