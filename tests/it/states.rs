//! What things were after each change, and the proof that a copy is whole.

use chrono::TimeDelta;
use itkatalog::{changes::remove_before, states};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::{
    portfolios::{published, register, row},
    support::{
        NOW, TestApp,
        acts::{AACHEN, INITIAL, KLEVE, next, reason},
        auditor, clock,
        copies::{Copy, ENTRY, KINDS},
        land, municipality, nodes, provider, steward,
    },
};

const FEED: &str = "query($after: String, $types: [ChangeType!]) { changes(first: 100, after: $after, types: $types) {
    edges { node { sequence type entityId state } } pageInfo { hasNextPage endCursor } latestCursor } }";

/// Reads on to the end of the feed.
async fn follow(copy: &mut Copy, app: &TestApp, token: &str) {
    let query = format!(
        "query($after: String) {{ changes(first: 100, after: $after) {{ edges {{ cursor node {{ {ENTRY} }} }} pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    loop {
        let page = app.data_as(token, &query, json!({ "after": copy.cursor })).await["changes"].clone();
        for edge in page["edges"].as_array().unwrap() {
            copy.note(&edge["node"], &edge["cursor"]);
        }
        copy.cursor = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return;
        }
    }
}

async fn code(app: &TestApp, at: &str) -> (String, Value) {
    let query = "query($at: String) { stateDigest(what: PRODUCTS, at: $at) { count } }";
    let answer = app.ask_as(&land(), query, json!({ "at": at })).await;
    let error = &answer.body["errors"][0];
    let extensions = &error["extensions"];
    assert!(!error["message"].as_str().unwrap_or_default().starts_with("after"), "{error}");
    (extensions["code"].as_str().unwrap_or_default().to_owned(), extensions["field"].clone())
}

on_both_databases! {
    async fn a_copy_made_of_the_feed_alone_proves_itself_at_every_later_place(app: TestApp) {
        let mut copy = Copy::default();
        follow(&mut copy, app, &land()).await;
        copy.proves_itself(app, &land(), &Value::Null).await;
        let (before, early) = (copy.cursor.clone(), KINDS.map(|(_, kind)| copy.digest(kind)));
        assert!(early.iter().all(|(count, _)| *count > 20), "{early:?}");
        published(app, vec![row("STATE-1"), row("STATE-2")]).await;
        let row = app.subscription(AACHEN, INITIAL, |_| {}).await;
        let id = crate::support::acts::id_of(&row);
        app.done(&municipality(AACHEN), "changeSubscription", crate::support::acts::step(&id, 1, json!({ "quantity": 7 }))).await;
        follow(&mut copy, app, &land()).await;
        copy.proves_itself(app, &land(), &copy.cursor).await;
        assert_ne!(copy.digest("PRODUCT"), early[2]);
        // As it stood before, although it stands otherwise now.
        for ((what, _), (count, sha256)) in KINDS.iter().zip(&early) {
            let told = app.state_digest(&auditor(), what, &before).await;
            assert_eq!((&told["count"], &told["sha256"], &told["cursor"]), (&json!(count), &json!(sha256), &before), "{what}");
        }
        app.check_states().await;
    }

    async fn a_copy_that_misses_or_mixes_up_anything_does_not_prove_itself(app: TestApp) {
        let mut copy = Copy::default();
        follow(&mut copy, app, &land()).await;
        let told = app.state_digest(&land(), "PROVIDERS", &copy.cursor).await;
        assert_eq!(told["sha256"], copy.digest("PROVIDER").1);
        let (key, row) = copy.rows.iter().find(|((kind, _), _)| kind == "PROVIDER").map(|(key, row)| (key.clone(), row.clone())).unwrap();
        let mut wrong = row.clone();
        wrong["name"] = json!("Anders");
        copy.rows.insert(key.clone(), wrong);
        assert_ne!(told["sha256"], copy.digest("PROVIDER").1);
        copy.rows.remove(&key);
        assert_ne!(told["sha256"], copy.digest("PROVIDER").1);
    }

    async fn what_is_not_published_has_no_state_for_anybody(app: TestApp) {
        let report = register(app, vec![row("DRAFT-1")], json!({})).await;
        let id = report["report"]["rows"][0]["product"]["id"].clone();
        for token in [steward(), provider("itkr"), land()] {
            let mut after = Value::Null;
            let mut states = Vec::new();
            loop {
                let page = app.data_as(&token, FEED, json!({ "after": after, "types": ["PRODUCT"] })).await["changes"].clone();
                states.extend(nodes(&page).into_iter().filter(|node| node["entityId"] == id).map(|node| node["state"].clone()));
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(states, [Value::Null]);
        }
    }

    async fn everything_that_changes_has_a_state(app: TestApp) {
        // The sample has none of these two.
        crate::freezes::freeze(app, &crate::support::transformation_office(), json!({ "provider": { "key": "krzn" } }), json!({})).await;
        crate::phase_exceptions::except(app, json!({ "to": "INTEGRATION", "scope": { "provider": { "key": "zentral-nrw" } } })).await;
        let mut copy = Copy::default();
        follow(&mut copy, app, &land()).await;
        let kinds: std::collections::BTreeSet<&str> = copy.rows.keys().map(|(kind, _)| kind.as_str()).collect();
        let types = app.data("{ __type(name: \"ChangeType\") { enumValues { name } } }", json!({})).await;
        let types: Vec<&str> = types["__type"]["enumValues"].as_array().unwrap().iter().map(|value| value["name"].as_str().unwrap()).collect();
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), { let mut types = types; types.sort_unstable(); types });
        for ((kind, id), row) in &copy.rows {
            assert_eq!(row["id"], json!(id), "{kind}");
            let has_text = |field: &str| row.get(field).is_some();
            assert!(kind != "CONTACT" || !["function", "email", "phone", "person"].into_iter().any(has_text), "{row}");
        }
        app.check_states().await;
    }

    async fn everybody_gets_the_digest_of_what_it_may_read(app: TestApp) {
        let counts = async |token: &str| app.state_digest(token, "SUBSCRIPTIONS", &Value::Null).await["count"].as_u64().unwrap();
        let list = "{ subscriptions(first: 1) { totalCount } }";
        let (all, own) = (counts(&land()).await, counts(&municipality(AACHEN)).await);
        assert!(own > 0 && own < all, "{own} of {all}");
        for token in [land(), municipality(AACHEN), municipality(KLEVE), provider("itkr"), steward(), auditor()] {
            let listed = app.data_as(&token, list, json!({})).await["subscriptions"]["totalCount"].as_u64().unwrap();
            assert_eq!(counts(&token).await, listed);
        }
        let nobody = app.data("{ stateDigest(what: SUBSCRIPTIONS) { count } }", json!({})).await;
        assert_eq!(nobody["stateDigest"]["count"], 0);
        assert_ne!(app.data("{ stateDigest(what: PRODUCTS) { count } }", json!({})).await["stateDigest"]["count"], 0);
    }

    async fn a_wrong_place_of_a_digest_is_told(app: TestApp) {
        let latest = app.state_digest(&land(), "PRODUCTS", &Value::Null).await["cursor"].as_str().unwrap().to_owned();
        assert_eq!(code(app, &latest).await.0, "");
        for wrong in ["", "nope", "\u{0}", &"x".repeat(10_000), "Y2hhbmdlczphYmM6MQ"] {
            assert_eq!(code(app, wrong).await, ("BAD_USER_INPUT".to_owned(), json!("at")), "{wrong:.20}");
        }
    }

    async fn what_is_older_than_the_feed_is_not_known_and_what_is_younger_stays_right(app: TestApp) {
        let first = app.data_as(&land(), FEED, json!({})).await["changes"]["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
        let mut copy = Copy::default();
        follow(&mut copy, app, &land()).await;
        let row = app.subscription(AACHEN, INITIAL, |_| {}).await;
        let id = crate::support::acts::id_of(&row);
        let changed = app.done(&municipality(AACHEN), "changeSubscription", crate::support::acts::step(&id, 1, json!({ "quantity": 7 }))).await;
        app.done(&municipality(AACHEN), "withdrawSubscription", next(&changed, json!({ "reason": reason("OTHER") }))).await;
        let last = app.state_digest(&land(), "SUBSCRIPTIONS", &Value::Null).await;
        let removed = remove_before(app.server.database(), clock().now() + TimeDelta::days(1)).await.unwrap();
        assert!(removed > 1000, "{removed}");
        assert_eq!(code(app, &first).await, ("CURSOR_EXPIRED".to_owned(), json!("at")));
        assert_eq!(app.state_digest(&land(), "SUBSCRIPTIONS", &last["cursor"]).await, last, "the last states stay");
        app.check_states().await;
    }

    async fn a_database_from_before_states_were_kept_gets_them_at_the_first_start(app: TestApp) {
        let early = app.state_digest(&land(), "PRODUCTS", &Value::Null).await;
        published(app, vec![row("OLD-1")]).await;
        let before = app.state_digest(&land(), "PRODUCTS", &Value::Null).await;
        let db = app.server.database().connection();
        for statement in ["DELETE FROM entity_states", "UPDATE record_heads SET states_from = -1"] {
            db.execute_unprepared(statement).await.unwrap();
        }
        let later = app.at(NOW).await;
        assert_eq!(later.state_digest(&land(), "PRODUCTS", &Value::Null).await, before);
        assert_eq!(code(&later, early["cursor"].as_str().unwrap()).await.0, "CURSOR_EXPIRED", "how it stood then is not known");
        assert_eq!(states::keep_missing(later.server.database()).await.unwrap(), 0, "once");
    }
}
