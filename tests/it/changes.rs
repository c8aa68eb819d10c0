//! The change feed as a query: who sees what, and that nobody misses anything.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use entity::change;
use itkatalog::changes::remove_before;
use sea_orm::{EntityTrait, PaginatorTrait, prelude::Uuid};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, next, reason},
    auditor, clock, land, municipality, nodes, provider, steward, token, transformation_office,
};

const FEED: &str = include_str!("contract/13-change-feed.graphql");
const REGISTER: &str = "mutation($input: RegisterPortfolioInput!) { registerPortfolio(input: $input) {
    report { rows { product { id version } } } errors { message } } }";
const REVIEW: &str = "mutation($input: ReviewProductsInput!) { reviewProducts(input: $input) { errors { message } } }";

async fn page(app: &TestApp, token: Option<&str>, variables: Value) -> Value {
    match token {
        Some(token) => app.data_as(token, FEED, variables).await["changes"].clone(),
        None => app.data(FEED, variables).await["changes"].clone(),
    }
}

/// Reads a view to its end; checks that each entry links to the one before. The entries, and the cursor to go on with.
async fn walk(app: &TestApp, token: Option<&str>, after: Value, types: Value) -> (Vec<Value>, Value) {
    let (mut seen, mut after): (Vec<Value>, Value) = (Vec::new(), after);
    loop {
        let page = page(app, token, json!({ "after": after, "first": 97, "types": types })).await;
        for node in nodes(&page) {
            if let Some(before) = seen.last() {
                assert_eq!(node["previous"], before["sequence"], "{node}");
            }
            seen.push(node);
        }
        after = page["pageInfo"]["endCursor"].clone();
        assert!(after.is_string(), "an empty page has one too: {page}");
        if page["pageInfo"]["hasNextPage"] == false {
            return (seen, after);
        }
        assert!(!nodes(&page).is_empty());
    }
}

fn types(entries: &[Value]) -> Vec<&str> {
    let mut types: Vec<&str> = entries.iter().map(|entry| entry["type"].as_str().unwrap()).collect();
    types.sort_unstable();
    types.dedup();
    types
}

fn sequences(entries: &[Value]) -> Vec<i64> {
    entries.iter().map(|entry| entry["sequence"].as_i64().unwrap()).collect()
}

async fn code(app: &TestApp, variables: Value) -> (String, Value) {
    let answer = app.ask_as(&land(), FEED, variables).await;
    let extensions = &answer.body["errors"][0]["extensions"];
    (extensions["code"].as_str().unwrap_or_default().to_owned(), extensions["field"].clone())
}

/// Registers a product that waits for its review: its id.
async fn draft(app: &TestApp, key: &str) -> Value {
    let row = json!({ "externalId": key, "name": format!("Leistung {key}"), "summary": "Ein Satz", "category": "fin", "lifecycle": "AVAILABLE",
        "deliveryMode": "REGIONAL", "prices": [{ "unit": "INHABITANT", "period": "YEAR", "amount": "0.35" }] });
    let input =
        json!({ "provider": "itkr", "count": 1, "products": [row], "idempotencyKey": Uuid::new_v4().to_string() });
    let payload = app.data_as(&provider("itkr"), REGISTER, json!({ "input": input })).await;
    assert_eq!(payload["registerPortfolio"]["errors"], json!([]));
    payload["registerPortfolio"]["report"]["rows"][0]["product"]["id"].clone()
}

on_both_databases! {
    async fn the_land_reads_every_entry_in_the_order_of_commits(app: TestApp) {
        let (seen, end) = walk(app, Some(&land()), Value::Null, Value::Null).await;
        let count = change::Entity::find().count(app.server.database().connection()).await.unwrap() as i64;
        assert!(sequences(&seen).into_iter().eq(1..=count), "{} of {count}", seen.len());
        assert_eq!(seen[0]["previous"], Value::Null);
        for (kind, type_name) in [("MUNICIPALITY", "Municipality"), ("PHASE", "TransformationPhase"), ("PRODUCT_SUBSCRIPTION", "ProductSubscription")] {
            assert!(seen.iter().filter(|entry| entry["type"] == kind).all(|entry| entry["entity"]["__typename"] == type_name), "{kind}");
        }
        let products = seen.iter().filter(|entry| entry["type"] == "PRODUCT");
        let unpublished = products.filter(|entry| entry["entity"] == Value::Null).count();
        assert!((1..100).contains(&unpublished), "that they were written is seen, what they are is not: {unpublished}");
        assert!(seen.iter().filter(|entry| entry["type"] == "CONTACT").all(|entry| entry["entity"] == Value::Null));
        let asked = app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        let (more, end) = walk(app, Some(&land()), end, Value::Null).await;
        assert_eq!(more, [json!({ "sequence": count + 1, "previous": count, "type": "PRODUCT_SUBSCRIPTION", "at": more[0]["at"],
            "entity": { "id": asked["id"], "__typename": "ProductSubscription" } })]);
        assert_eq!(walk(app, Some(&land()), end, Value::Null).await.0, Vec::<Value>::new());
    }

    async fn whether_there_is_more_is_told_exactly(app: TestApp) {
        let phases = json!(["PHASE"]);
        let count = walk(app, None, Value::Null, phases.clone()).await.0.len();
        for (first, has_next) in [(count - 1, true), (count, false), (count + 1, false)] {
            let page = page(app, None, json!({ "first": first, "types": phases })).await;
            assert_eq!((nodes(&page).len(), &page["pageInfo"]["hasNextPage"]), (first.min(count), &json!(has_next)));
        }
    }

    async fn everybody_sees_the_changes_of_what_it_may_read(app: TestApp) {
        let asked = app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        app.done(&steward(), "approveSubscription", next(&asked, json!({}))).await;
        let all = walk(app, Some(&land()), Value::Null, Value::Null).await.0;
        let is_public = |entry: &&Value| entry["type"] != "PRODUCT_SUBSCRIPTION" && (entry["type"] != "PRODUCT" || entry["entity"] != Value::Null);
        let public: Vec<Value> = all.iter().filter(is_public).cloned().collect();
        let catalogue = sequences(&public);
        assert!(public.len() < all.len() && types(&public).len() >= 8, "{:?}", types(&public));
        for token in [None, Some(token(json!({})))] {
            let seen = walk(app, token.as_deref(), Value::Null, Value::Null).await.0;
            assert!(sequences(&seen) == catalogue, "{} of {}", seen.len(), catalogue.len());
        }
        for token in [auditor(), steward()] {
            assert_eq!(walk(app, Some(&token), Value::Null, Value::Null).await.0.len(), all.len());
        }
        let subscribed = all.iter().filter(|entry| entry["type"] == "PRODUCT_SUBSCRIPTION").count();
        let office = walk(app, Some(&transformation_office()), Value::Null, Value::Null).await.0.len();
        assert_eq!(office, public.len() + subscribed);
        // Each subscription that a caller sees in lists, as often as it was changed, and no other.
        let subscriptions = json!(["PRODUCT_SUBSCRIPTION"]);
        let own = "{ subscriptions(first: 100) { totalCount } }";
        let auditor_of = token(json!({ "roles": ["auditor"], "municipality": KLEVE }));
        for (token, changed_again, token_is_provider) in [(municipality(AACHEN), 1, false), (municipality(KLEVE), 0, false), (provider("zentral-nrw"), 1, true), (provider("itkr"), 0, true), (account_manager("kgst-st-2"), 1, false), (auditor_of, 0, false)] {
            let seen = walk(app, Some(&token), Value::Null, subscriptions.clone()).await.0;
            let count = app.data_as(&token, own, json!({})).await["subscriptions"]["totalCount"].as_u64().unwrap() as usize;
            assert_eq!(seen.len(), count + changed_again);
            assert!(seen.iter().all(|entry| entry["entity"]["__typename"] == "ProductSubscription"));
            let others = walk(app, Some(&token), Value::Null, Value::Null).await.0.len() - seen.len();
            // Of its own products a provider sees those that are not published too.
            assert!(others == public.len() || (token_is_provider && others > public.len()), "{others}");
        }
    }

    async fn a_draft_does_not_leak_to_those_who_may_not_know_of_it(app: TestApp) {
        let after = walk(app, Some(&land()), Value::Null, Value::Null).await.1;
        let mut readers = vec![None];
        for token in [municipality(AACHEN), provider("regioit"), transformation_office()] {
            readers.push(Some(token));
        }
        let product = draft(app, "FEED-1").await;
        for token in &readers {
            assert_eq!(walk(app, token.as_deref(), after.clone(), Value::Null).await.0, Vec::<Value>::new(), "{token:?}");
        }
        for token in [provider("itkr"), steward(), land(), auditor()] {
            let seen = walk(app, Some(&token), after.clone(), Value::Null).await.0;
            assert_eq!((types(&seen), seen.len(), &seen[0]["entity"]), (vec!["PRODUCT"], 1, &Value::Null));
        }
        // Somebody reads on meanwhile: what it read last is what the publication links to.
        app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        let (_, aachen) = walk(app, Some(&municipality(AACHEN)), after.clone(), Value::Null).await;
        let input = json!({ "rows": [{ "product": product, "version": 1 }], "reason": reason("APPROVED"), "idempotencyKey": Uuid::new_v4().to_string() });
        app.data_as(&steward(), REVIEW, json!({ "input": input })).await;
        for token in &readers {
            let seen = walk(app, token.as_deref(), after.clone(), json!(["PRODUCT"])).await.0;
            assert_eq!(seen.len(), 1, "{token:?}");
            assert_eq!(seen[0]["entity"], json!({ "id": product, "__typename": "Product" }));
        }
        let seen = walk(app, Some(&municipality(AACHEN)), aachen, Value::Null).await.0;
        assert_eq!(seen[0]["previous"].as_i64().unwrap() + 1, seen[0]["sequence"].as_i64().unwrap());
    }

    async fn a_wrong_value_is_refused_with_its_field(app: TestApp) {
        let cursor = page(app, None, json!({ "first": 1 })).await["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(&cursor).unwrap()).unwrap();
        let (place, sequence) = text.rsplit_once(':').unwrap();
        let encode = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
        let foreign = encode(format!("changes:{}:{sequence}", Uuid::new_v4().simple()));
        for after in [String::new(), "x".to_owned(), cursor[1..].to_owned(), "A".repeat(300), encode(format!("{place}:-1")), encode(format!("{place}:x")), foreign.clone()] {
            assert_eq!(code(app, json!({ "first": 1, "after": after })).await, ("BAD_USER_INPUT".to_owned(), json!("after")), "{after}");
        }
        let answer = app.ask(FEED, json!({ "first": 1, "after": foreign })).await;
        assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains("anderen Installation"), "{}", answer.body);
        for first in [0, -1, 101] {
            assert_eq!(code(app, json!({ "first": first })).await, ("BAD_USER_INPUT".to_owned(), json!("first")));
        }
        assert_eq!(code(app, json!({ "first": 1, "types": [] })).await, ("BAD_USER_INPUT".to_owned(), json!("types")));
        assert_eq!(code(app, json!({ "first": 1, "types": ["NOTHING"] })).await.0, "BAD_USER_INPUT");
        // From after a backup that the database was put back to.
        assert_eq!(code(app, json!({ "first": 1, "after": encode(format!("{place}:99999999")) })).await, ("CURSOR_EXPIRED".to_owned(), json!("after")));
    }

    async fn who_comes_too_late_is_told_and_who_missed_nothing_reads_on(app: TestApp) {
        let first = page(app, None, json!({ "first": 1 })).await["pageInfo"]["endCursor"].clone();
        let (seen, end) = walk(app, Some(&land()), Value::Null, Value::Null).await;
        let last = seen.last().unwrap()["sequence"].as_i64().unwrap();
        let now = clock().now();
        let remove = async |days| remove_before(app.server.database(), now + TimeDelta::days(days)).await.unwrap();
        assert_eq!(remove(0).await, 0, "nothing is from before now");
        assert_eq!(remove(1).await as i64, last - 1, "the last one stays");
        assert_eq!(remove(1).await, 0);
        assert_eq!(code(app, json!({ "first": 1, "after": first })).await, ("CURSOR_EXPIRED".to_owned(), json!("after")));
        app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        assert_eq!(remove(1).await, 1);
        let more = walk(app, Some(&land()), end, Value::Null).await.0;
        assert_eq!(sequences(&more), [last + 1], "its cursor is of an entry that is gone, but nothing after it is");
        assert_eq!(more[0]["previous"], Value::Null);
        assert_eq!(sequences(&walk(app, Some(&land()), Value::Null, Value::Null).await.0), [last + 1]);
    }

    async fn a_reader_never_finds_an_entry_before_one_that_it_has_seen(app: TestApp) {
        let other = app.at(crate::support::NOW).await;
        let (_, mut after) = walk(app, Some(&land()), Value::Null, Value::Null).await;
        let end = page(app, Some(&land()), json!({ "after": after, "first": 1 })).await;
        assert_eq!(nodes(&end).len(), 0);
        const WRITES: usize = 40;
        let mut inputs = Vec::new();
        for _ in 0..WRITES {
            inputs.push(app.subscription(AACHEN, INITIAL, |row| row.state = entity::product_subscription::State::Approved).await);
        }
        let central = provider("zentral-nrw");
        let writes = inputs.iter().enumerate().map(|(place, row)| {
            let (instance, token) = (if place % 2 == 0 { app } else { &other }, &central);
            async move {
                let input = crate::support::acts::step(&crate::support::acts::id_of(row), 1, json!({ "on": "2026-11-23" }));
                assert_eq!(instance.act(token, "activateSubscription", input).await["errors"], json!([]));
            }
        });
        let read = async {
            let mut seen = Vec::new();
            while seen.len() < WRITES {
                let page = page(app, Some(&land()), json!({ "after": after, "first": 3 })).await;
                for node in nodes(&page) {
                    let before = node["previous"].as_i64();
                    assert!(seen.last().is_none_or(|last| before == Some(*last)), "{seen:?} {node}");
                    assert_eq!(before, node["sequence"].as_i64().map(|sequence| sequence - 1), "nothing came in between");
                    seen.push(node["sequence"].as_i64().unwrap());
                }
                after = page["pageInfo"]["endCursor"].clone();
            }
        };
        tokio::join!(read, futures_util::future::join_all(writes));
        other.server.database().close().await.unwrap();
    }

    async fn the_end_of_the_feed_is_a_cursor_to_start_from(app: TestApp) {
        let latest = "{ changes(first: 1, types: [PHASE]) { latestCursor } }";
        let cursor = app.data(latest, json!({})).await["changes"]["latestCursor"].clone();
        assert_eq!(walk(app, Some(&land()), cursor.clone(), Value::Null).await.0, Vec::<Value>::new());
        app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        assert_eq!(walk(app, Some(&land()), cursor, Value::Null).await.0.len(), 1);
    }
}
