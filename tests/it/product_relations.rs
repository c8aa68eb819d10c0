//! What a product requires, replaces and excludes: never in a circle, never against itself.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    audit_event, change,
    product_relation::{self, Kind},
};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sea_orm::{EntityTrait, QueryOrder, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{TestApp, portfolio::id_of, provider, steward};

const SAVED: &str = "product { version requires { id } replaces { id } replacedBy { id } excludes { id } }";

/// Products of one provider, by name.
fn products(app: &TestApp, provider: &str, count: usize) -> Vec<Uuid> {
    let snapshot = app.server.live().snapshot();
    let own = &snapshot.providers[snapshot.provider_by_key(provider).unwrap()].products;
    own[..count].iter().map(|at| snapshot.products[*at].row.id).collect()
}

fn version(app: &TestApp, product: Uuid) -> i64 {
    let snapshot = app.server.live().snapshot();
    snapshot.products[snapshot.products.find(product).unwrap()].row.version
}

fn name(app: &TestApp, product: Uuid) -> String {
    let snapshot = app.server.live().snapshot();
    let product = &snapshot.products[snapshot.products.find(product).unwrap()];
    format!("{} ({})", product.row.name, snapshot.providers[product.provider].row.key)
}

fn ids(products: &[Uuid]) -> Vec<String> {
    products.iter().copied().map(id_of).collect()
}

/// The input that sets these relations.
fn relations(app: &TestApp, product: Uuid, requires: &[Uuid], replaces: &[Uuid], excludes: &[Uuid]) -> Value {
    json!({ "product": id_of(product), "version": version(app, product), "requires": ids(requires), "replaces": ids(replaces), "excludes": ids(excludes) })
}

async fn save(app: &TestApp, input: Value) -> Value {
    app.change(&steward(), "saveProductRelations", input, SAVED).await
}

async fn rows(app: &TestApp) -> Vec<product_relation::Model> {
    product_relation::Entity::find().all(app.server.database().connection()).await.unwrap()
}

/// Whether relations of a kind go in a circle: told by taking away what leads nowhere, unlike the code under test.
fn goes_round(rows: &[product_relation::Model], kind: Kind) -> bool {
    let mut left: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.kind == kind) {
        left.entry(row.product_id).or_default().insert(row.other_id);
    }
    loop {
        let open: BTreeSet<Uuid> = left.keys().copied().collect();
        left.values_mut().for_each(|others| others.retain(|other| open.contains(other)));
        let before = left.len();
        left.retain(|_, others| !others.is_empty());
        if left.len() == before {
            return !left.is_empty();
        }
    }
}

on_both_databases! {
    async fn the_lists_are_set_as_a_whole_and_seen_from_both_sides(app: TestApp) {
        let [product, other, third, fourth] = products(app, "krzn", 4).try_into().unwrap();
        let mut input = relations(app, product, &[third, other], &[fourth], &[]);
        input["idempotencyKey"] = json!("r1");
        let saved = save(app, input.clone()).await;
        let shown = |products: &[Uuid]| products.iter().map(|id| json!({ "id": id_of(*id) })).collect::<Vec<_>>();
        assert_eq!(saved, json!({ "product": { "version": 2, "requires": shown(&[other, third]), "replaces": shown(&[fourth]), "replacedBy": [], "excludes": [] }, "errors": [] }));
        assert_eq!(save(app, input).await, saved, "the same again");
        let query = "query($id: ID!) { product(by: {id: $id}) { replacedBy { id } requires { id } } }";
        let seen = app.data(query, json!({ "id": id_of(fourth) })).await["product"].clone();
        assert_eq!(seen, json!({ "replacedBy": shown(&[product]), "requires": [] }));
        let less = save(app, relations(app, product, &[], &[], &[other])).await;
        assert_eq!((&less["product"]["requires"], &less["product"]["excludes"]), (&json!([]), &json!(shown(&[other]))));
        let db = app.server.database().connection();
        let event = audit_event::Entity::find().order_by_desc(audit_event::Column::Sequence).one(db).await.unwrap().unwrap();
        let parsed = |text: &Option<String>| serde_json::from_str::<Value>(text.as_ref().unwrap()).unwrap();
        assert_eq!((event.action.as_str(), event.entity_id), ("SAVE_PRODUCT_RELATIONS", Some(product)));
        assert_eq!((&parsed(&event.before)["replaces"], &parsed(&event.after)["excludes"]), (&json!([fourth]), &json!([other])));
        let change = change::Entity::find().order_by_desc(change::Column::Sequence).one(db).await.unwrap().unwrap();
        assert_eq!((change.kind, change.entity_id, change.entity_version), (change::Type::Product, product, Some(3)));
    }

    async fn circles_of_every_length_are_refused_and_named(app: TestApp) {
        let chain = products(app, "krzn", 5);
        for kind in ["requires", "replaces"] {
            let input = |product: Uuid, other: &[Uuid]| match kind {
                "requires" => relations(app, product, other, &[], &[]),
                _ => relations(app, product, &[], other, &[]),
            };
            let itself = save(app, input(chain[0], &[chain[0]])).await["errors"][0].clone();
            assert_eq!((&itself["code"], &itself["path"]), (&json!("BAD_USER_INPUT"), &json!(["input", kind, "0"])));
            for pair in chain.windows(2) {
                assert_eq!(save(app, input(pair[0], &pair[1..])).await["errors"], json!([]));
            }
            for length in [2, 5] {
                let last = chain[length - 1];
                // Beside one that is right, so that its place is told.
                let error = save(app, input(last, &[products(app, "regioit", 1)[0], chain[0]])).await["errors"][0].clone();
                assert_eq!((&error["code"], &error["path"]), (&json!("BAD_USER_INPUT"), &json!(["input", kind, "1"])), "{error}");
                let round: Vec<String> = std::iter::once(last).chain(chain[..length].iter().copied()).map(|id| name(app, id)).collect();
                assert!(error["message"].as_str().unwrap().contains(&round.join(" → ")), "{error} {round:?}");
            }
            assert!(!goes_round(&rows(app).await, Kind::Requires) && !goes_round(&rows(app).await, Kind::Replaces));
        }
    }

    async fn what_is_required_is_not_excluded_whoever_says_so(app: TestApp) {
        let [product, other] = products(app, "krzn", 2).try_into().unwrap();
        let path = async |input: Value| save(app, input).await["errors"][0]["path"].clone();
        assert_eq!(path(relations(app, product, &[other], &[], &[other])).await, json!(["input", "excludes", "0"]));
        assert_eq!(save(app, relations(app, product, &[other], &[], &[])).await["errors"], json!([]));
        assert_eq!(path(relations(app, other, &[], &[], &[product])).await, json!(["input", "excludes", "0"]));
        assert_eq!(save(app, relations(app, product, &[], &[], &[other])).await["errors"], json!([]));
        assert_eq!(path(relations(app, other, &[product], &[], &[])).await, json!(["input", "requires", "0"]));
        assert_eq!(save(app, relations(app, other, &[], &[], &[product])).await["errors"], json!([]), "both may say it");
    }

    async fn wrong_input_of_relations_is_told_by_its_place(app: TestApp) {
        let many = products(app, "zentral-nrw", 52);
        let (product, other) = (many[0], many[1]);
        let hidden = app.product_like(("krzn", &external_id(app, products(app, "krzn", 1)[0])), "krzn", |row| row.lifecycle = entity::product::Lifecycle::Draft).await;
        for (more, code, path) in [
            (json!({ "product": "x" }), "BAD_USER_INPUT", json!(["input", "product"])),
            (json!({ "product": id_of(Uuid::nil()) }), "NOT_FOUND", json!(["input", "product"])),
            (json!({ "version": 9 }), "CONFLICT", json!(["input", "version"])),
            (json!({ "requires": ["x"] }), "BAD_USER_INPUT", json!(["input", "requires", "0"])),
            (json!({ "replaces": [id_of(other), id_of(Uuid::nil())] }), "NOT_FOUND", json!(["input", "replaces", "1"])),
            (json!({ "excludes": [id_of(hidden.id)] }), "NOT_FOUND", json!(["input", "excludes", "0"])),
            (json!({ "excludes": [id_of(product)] }), "BAD_USER_INPUT", json!(["input", "excludes", "0"])),
            (json!({ "excludes": [id_of(other), id_of(other)] }), "BAD_USER_INPUT", json!(["input", "excludes", "1"])),
            (json!({ "requires": ids(&many[1..]) }), "BAD_USER_INPUT", json!(["input", "requires"])),
        ] {
            for dry_run in [false, true] {
                let mut input = relations(app, product, &[], &[], &[]);
                input["dryRun"] = json!(dry_run);
                input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
                let refused = save(app, input).await;
                assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["path"]), (&json!(code), &path), "{more}");
                assert_eq!(refused["product"], Value::Null);
            }
        }
        assert_eq!(save(app, relations(app, product, &many[1..51], &[], &[])).await["errors"], json!([]), "fifty are allowed");
    }

    async fn a_dry_run_writes_nothing(app: TestApp) {
        let [product, other] = products(app, "krzn", 2).try_into().unwrap();
        let mut input = relations(app, product, &[other], &[], &[]);
        input["idempotencyKey"] = json!("r1");
        input["dryRun"] = json!(true);
        let tried = save(app, input.clone()).await;
        assert_eq!((&tried["errors"], &tried["product"]["version"], &tried["product"]["requires"]), (&json!([]), &json!(1), &json!([])));
        assert!(rows(app).await.is_empty());
        input["dryRun"] = json!(false);
        assert_eq!(save(app, input).await["product"]["version"], 2, "under the same key, which a dry run does not use up");
    }

    async fn a_provider_relates_its_own_products_to_any(app: TestApp) {
        let (own, foreign) = (products(app, "krzn", 1)[0], products(app, "regioit", 1)[0]);
        let token = provider("krzn");
        let saved = app.change(&token, "saveProductRelations", relations(app, own, &[foreign], &[], &[]), SAVED).await;
        assert_eq!(saved["errors"], json!([]));
        let refused = app.change(&token, "saveProductRelations", relations(app, foreign, &[], &[own], &[]), SAVED).await;
        assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["rule"]), (&json!("FORBIDDEN"), &json!("no-rule-permits")));
    }

    async fn whatever_is_saved_in_whatever_order_never_goes_in_a_circle(app: TestApp) {
        let all = [products(app, "krzn", 3), products(app, "regioit", 3)].concat();
        let mut chance = ChaCha8Rng::seed_from_u64(24);
        let (mut saved, mut refused) = (0, 0);
        for _ in 0..80 {
            let product = *all.choose(&mut chance).unwrap();
            let mut some = || {
                let count = chance.random_range(0..=2);
                all.sample(&mut chance, count).copied().collect::<Vec<Uuid>>()
            };
            let (requires, replaces, excludes) = (some(), some(), some());
            let before = rows(app).await.len();
            match save(app, relations(app, product, &requires, &replaces, &excludes)).await["errors"] == json!([]) {
                true => saved += 1,
                false => {
                    refused += 1;
                    assert_eq!(rows(app).await.len(), before);
                }
            }
            let rows = rows(app).await;
            assert!(!goes_round(&rows, Kind::Requires) && !goes_round(&rows, Kind::Replaces), "{rows:?}");
            let says = |one: Uuid, kind: Kind, other: Uuid| rows.contains(&product_relation::Model { product_id: one, kind, other_id: other });
            assert!(rows.iter().filter(|row| row.kind == Kind::Requires).all(|row| {
                !says(row.product_id, Kind::Excludes, row.other_id) && !says(row.other_id, Kind::Excludes, row.product_id)
            }));
        }
        assert!(saved > 10 && refused > 10, "{saved} saved, {refused} refused");
    }
}

fn external_id(app: &TestApp, product: Uuid) -> String {
    let snapshot = app.server.live().snapshot();
    snapshot.products[snapshot.products.find(product).unwrap()].row.external_id.clone()
}
