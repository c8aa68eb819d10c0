//! The data to start with: whole, marked, and the same every time.

use ::entity::{
    contact, municipality, price, product, product_key, product_subscription, provider, provider_coverage,
    standard_product,
};
use itkatalog::{
    config::Config,
    database::Database,
    seed::{self, Content},
};
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait, QueryOrder};

use crate::support::{Backend, TestApp, TestDatabase, clock, config, fingerprint};

async fn seeded(backend: Backend, content: Content) -> (Database, TestDatabase) {
    let place = TestDatabase::empty(backend).await;
    let config: Config = config(&place.url);
    let database = Database::connect(&config).await.unwrap();
    database.migrate_up().await.unwrap();
    seed::run(&database, &fingerprint(), clock(), content).await.unwrap();
    (database, place)
}

/// Everything that the sample invents, as text.
async fn dump(db: &impl ConnectionTrait) -> String {
    let products = product::Entity::find().order_by_asc(product::Column::Id).all(db).await.unwrap();
    let prices = price::Entity::find().order_by_asc(price::Column::Id).all(db).await.unwrap();
    let contacts = contact::Entity::find().order_by_asc(contact::Column::Id).all(db).await.unwrap();
    let subscriptions =
        product_subscription::Entity::find().order_by_asc(product_subscription::Column::Id).all(db).await.unwrap();
    format!("{products:?}{prices:?}{contacts:?}{subscriptions:?}")
}

#[tokio::test]
async fn the_sample_is_the_same_every_time_and_on_both_databases() {
    let (one, first) = seeded(Backend::Sqlite, Content::Demo).await;
    let (two, second) = seeded(Backend::Sqlite, Content::Demo).await;
    let (three, third) = seeded(Backend::Postgres, Content::Demo).await;
    let expected = dump(one.connection()).await;
    assert!(expected == dump(two.connection()).await, "two SQLite databases differ");
    assert!(expected == dump(three.connection()).await, "SQLite and PostgreSQL differ");
    for (database, place) in [(one, first), (two, second), (three, third)] {
        database.connection().clone().close().await.unwrap();
        place.remove().await;
    }
}

#[tokio::test]
async fn reference_data_alone_holds_nothing_invented_and_stands_before_the_founding() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let (database, place) = seeded(backend, Content::Reference).await;
        let db = database.connection();
        assert_eq!(product::Entity::find().count(db).await.unwrap(), 0);
        assert!(provider::Entity::find().all(db).await.unwrap().iter().all(|provider| !provider.sample));
        db.clone().close().await.unwrap();
        let app = TestApp::on(place).await;
        let data =
            app.data("{ currentPhase { key } municipalities(first: 1) { totalCount } }", serde_json::json!({})).await;
        assert_eq!(
            data,
            serde_json::json!({ "currentPhase": { "key": "PREPARATION" }, "municipalities": { "totalCount": 427 } })
        );
        app.finish().await;
    }
}

on_both_databases! {
    async fn loading_again_changes_nothing(app: TestApp) {
        let report = seed::run(app.server.database(), &fingerprint(), clock(), Content::Demo).await.unwrap();
        assert_eq!(report, seed::Report::new());
        app.server.live().refresh().await;
        assert_eq!(app.server.live().snapshot().version, 1);
    }

    async fn the_sample_has_the_promised_size(app: TestApp) {
        let db = app.server.database().connection();
        let products = product::Entity::find().all(db).await.unwrap();
        assert!(products.len() > 1000);
        let available = products.iter().filter(|product| product.lifecycle == product::Lifecycle::Available).count();
        assert!((0.85..0.95).contains(&(available as f64 / products.len() as f64)), "{available} of {}", products.len());
        for provider in provider::Entity::find().all(db).await.unwrap() {
            let portfolio = products.iter().filter(|product| product.provider_id == provider.id).count();
            let expected = match provider.kind {
                provider::Kind::AreaWide | provider::Kind::Central => 60..=100,
                _ => 30..=50,
            };
            assert!(expected.contains(&portfolio), "{}: {portfolio}", provider.key);
        }
        let initial: Vec<_> = products.iter().filter(|product| product.initial_portfolio).collect();
        assert_eq!(initial.len(), 25);
        assert!(initial.iter().all(|product| (1..=6).contains(&product.notice_months)));
        assert!(initial.iter().all(|product| product.term_months.is_some_and(|months| months <= 36)));
        assert!(initial.iter().all(|product| product.standard_product_id.is_some()));
    }

    async fn the_252_attributed_municipalities_have_about_5000_contracts(app: TestApp) {
        use product_subscription::{Origin, State};
        let db = app.server.database().connection();
        let rows = product_subscription::Entity::find().all(db).await.unwrap();
        let contracts: Vec<_> = rows.iter().filter(|row| row.state == State::Active).collect();
        assert_eq!(contracts.len(), 5040);
        assert!(contracts.iter().all(|row| row.origin == Origin::Reported));
        let mut subscribers: Vec<_> = contracts.iter().map(|row| row.municipality_id).collect();
        subscribers.sort();
        subscribers.dedup();
        assert_eq!(subscribers.len(), 252);
        assert_eq!(rows.len() - contracts.len(), 200);
        let states: std::collections::HashSet<_> = rows.iter().map(|row| row.state).collect();
        assert_eq!(states.len(), 9);
    }

    async fn sample_subscriptions_contradict_no_rule(app: TestApp) {
        use product_subscription::State;
        let db = app.server.database().connection();
        for row in product_subscription::Entity::find().all(db).await.unwrap() {
            assert_eq!(row.active_since.is_some(), matches!(row.state, State::Active | State::Terminating | State::Ended));
            assert_eq!(row.ends_on.is_some(), matches!(row.state, State::Terminating | State::Ended));
            if let (Some(since), Some(until)) = (row.active_since, row.ends_on) {
                assert!(since < until && row.term_end == Some(until), "{row:?}");
            }
            assert!(row.quantity > 0);
        }
    }

    async fn whatever_is_invented_is_marked(app: TestApp) {
        let db = app.server.database().connection();
        assert!(product::Entity::find().all(db).await.unwrap().iter().all(|row| row.sample));
        assert!(price::Entity::find().all(db).await.unwrap().iter().all(|row| row.sample));
        assert!(standard_product::Entity::find().all(db).await.unwrap().iter().all(|row| row.sample));
        assert!(product_subscription::Entity::find().all(db).await.unwrap().iter().all(|row| row.sample));
        for contact in contact::Entity::find().all(db).await.unwrap() {
            assert!(contact.sample && contact.email.ends_with(".example"), "{}", contact.email);
            assert!(contact.person_email.is_none_or(|email| email.ends_with(".example")));
        }
        let query = "{ products(first: 1) { edges { node { sample prices { sample } } } } provider(by: {key: \"zentral-nrw\"}) { sample name } }";
        let data = app.data(query, serde_json::json!({})).await;
        assert_eq!(data["provider"]["sample"], true);
        assert_eq!(data["products"]["edges"][0]["node"]["sample"], true);
        assert_eq!(data["products"]["edges"][0]["node"]["prices"][0]["sample"], true);
    }

    async fn keys_of_other_catalogues_have_their_format(app: TestApp) {
        let keys = product_key::Entity::find().all(app.server.database().connection()).await.unwrap();
        assert!(keys.len() > 100);
        for key in keys {
            assert!(itkatalog::products::has_format(key.scheme, &key.value), "{key:?}");
        }
    }

    async fn municipalities_without_a_known_provider_stay_without(app: TestApp) {
        let db = app.server.database().connection();
        let served: std::collections::HashSet<_> =
            provider_coverage::Entity::find().all(db).await.unwrap().into_iter().map(|row| row.municipality_id).collect();
        let towns = municipality::Entity::find().all(db).await.unwrap();
        let towns: Vec<_> = towns.iter().filter(|row| row.kind != municipality::Type::Kreis).collect();
        assert_eq!(towns.iter().filter(|row| !served.contains(&row.id)).count(), 144);
    }
}
