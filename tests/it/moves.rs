//! A subscription moves to a successor product: without a gap, without an overlap, and both know each other.

use entity::product_subscription::State;
use itkatalog::subscriptions::tick;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, Row, STANDARD, id_of, next, step},
    municipality, nodes, provider, token, transformation_office,
};

const LINKS: &str =
    "query($id: ID!) { subscription(id: $id) { state version endsOn activeSince agreedFrom origin quantity
    successor { id state agreedFrom } predecessor { id endsOn } product { name } price { unit }
    pendingChange { action on quantity successor { id } expiresAt } permissions { action allowed rule { id } }
    history(first: 9) { edges { node { action state } } } } }";

/// A steward whose token holds for years.
fn steward() -> String {
    token(json!({ "roles": ["steward"], "sub": "steward", "exp": 1_900_000_000 }))
}

async fn see(app: &TestApp, id: &Value) -> Value {
    app.data_as(&steward(), LINKS, json!({ "id": id })).await["subscription"].clone()
}

/// The input of a move of a subscription to the central provider's product.
async fn to_central(app: &TestApp, row: &Row, more: Value) -> Value {
    let mut input =
        step(&id_of(row), row.version, json!({ "successor": app.product_id(INITIAL).await, "on": "2027-01-01" }));
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

/// Aachen's subscription, moved to the central provider from 2027-01-01: before and after.
async fn moved(app: &TestApp) -> (Value, Value) {
    let row = app.subscription(AACHEN, STANDARD, |row| row.quantity = 7).await;
    let asked = app.done(&transformation_office(), "migrateSubscription", to_central(app, &row, json!({})).await).await;
    let confirmed =
        app.done(&municipality(AACHEN), "confirmSubscription", next(&asked, json!({ "accept": true }))).await;
    let successor = see(app, &confirmed["id"]).await["successor"].clone();
    (confirmed, successor)
}

async fn count(app: &TestApp) -> u64 {
    use sea_orm::PaginatorTrait;
    entity::product_subscription::Entity::find().count(app.server.database().connection()).await.unwrap()
}

on_both_databases! {
    async fn the_municipality_confirms_and_the_old_one_ends_the_day_before_the_new_one_begins(app: TestApp) {
        let row = app.subscription(AACHEN, STANDARD, |row| row.quantity = 7).await;
        let payload = app.act(&transformation_office(), "migrateSubscription", to_central(app, &row, json!({ "quantity": 9 })).await).await;
        assert_eq!((&payload["decision"]["approvers"], &payload["errors"]), (&json!(["MUNICIPALITY"]), &json!([])));
        let waiting = see(app, &payload["subscription"]["id"]).await;
        assert_eq!((&waiting["state"], &waiting["successor"]), (&json!("ACTIVE"), &Value::Null), "nothing has an effect yet");
        let pending = &waiting["pendingChange"];
        assert_eq!((&pending["action"], &pending["on"], &pending["quantity"]), (&json!("MIGRATE_SUBSCRIPTION"), &json!("2027-01-01"), &json!(9)));
        assert_eq!(pending["successor"]["id"], app.product_id(INITIAL).await);
        assert_eq!(pending["expiresAt"], "2026-12-31T23:00:00.000000Z", "until the last day of the old one is over in Berlin");
        let before = count(app).await;
        let confirmed = app.done(&municipality(AACHEN), "confirmSubscription", next(&payload["subscription"], json!({ "accept": true }))).await;
        assert_eq!((&confirmed["state"], &confirmed["endsOn"]), (&json!("TERMINATING"), &json!("2026-12-31")));
        assert_eq!(count(app).await, before + 1);
        let old = see(app, &confirmed["id"]).await;
        let new = see(app, &old["successor"]["id"]).await;
        assert_eq!(new["predecessor"], json!({ "id": confirmed["id"], "endsOn": "2026-12-31" }));
        assert_eq!((&new["state"], &new["agreedFrom"], &new["origin"], &new["quantity"], &new["version"]), (&json!("APPROVED"), &json!("2027-01-01"), &json!("MIGRATED"), &json!(9), &json!(1)));
        assert_eq!(nodes(&new["history"]), [json!({ "action": "MIGRATE_SUBSCRIPTION", "state": "APPROVED" })]);
        let steps: Vec<_> = nodes(&old["history"]).iter().map(|entry| entry["action"].clone()).collect();
        assert_eq!(steps, ["CONFIRM_SUBSCRIPTION", "MIGRATE_SUBSCRIPTION"]);
    }

    async fn on_its_day_the_successor_runs_by_itself_and_is_paid_once(app: TestApp) {
        let cost = "{ municipality(by: {ags: \"05334002\"}) { annualCost { amount } } }";
        let (old, new) = moved(app).await;
        let before = app.data_as(&steward(), cost, json!({})).await;
        for (moment, states) in [("2026-12-31T22:30:00Z", ["TERMINATING", "APPROVED"]), ("2026-12-31T23:30:00Z", ["ENDED", "ACTIVE"])] {
            let then = app.at(moment).await;
            let seen = [see(&then, &old["id"]).await, see(&then, &new["id"]).await];
            assert_eq!(seen.clone().map(|seen| seen["state"].clone()), states, "{moment}");
            let list = "query($where: SubscriptionFilter) { subscriptions(first: 100, where: $where) { totalCount edges { node { id } } } }";
            for (id, state) in [&old["id"], &new["id"]].iter().zip(states) {
                let filter = json!({ "where": { "state": { "eq": state }, "municipality": { "eq": AACHEN } } });
                let found = nodes(&then.data_as(&steward(), list, filter).await["subscriptions"]);
                assert!(found.iter().any(|node| node["id"] == **id), "{moment} {state}");
            }
        }
        let then = app.at("2027-01-01T09:00:00Z").await;
        assert_eq!(see(&then, &new["id"]).await["activeSince"], "2027-01-01");
        assert_ne!(then.data_as(&steward(), cost, json!({})).await, before, "the successor is paid now");
        // The tick writes it down, once.
        let now = "2027-01-01T09:00:00Z".parse().unwrap();
        let report = tick::run(app.server.database(), "", now, now).await.unwrap();
        assert_eq!((report.begun, report.ended > 0), (1, true), "{report:?}");
        assert_eq!(tick::run(app.server.database(), "", now, now).await.unwrap(), tick::Report::default());
        let written = see(&then, &new["id"]).await;
        assert_eq!((&written["state"], &written["activeSince"], &written["version"]), (&json!("ACTIVE"), &json!("2027-01-01"), &json!(2)));
        assert_eq!(nodes(&written["history"])[0], json!({ "action": "BEGIN", "state": "ACTIVE" }));
    }

    async fn what_has_begun_by_itself_can_be_changed_before_anybody_writes_it_down(app: TestApp) {
        let (_, new) = moved(app).await;
        let then = app.at("2027-01-02T09:00:00Z").await;
        let subscription = json!({ "id": new["id"], "version": 1 });
        let town = token(json!({ "roles": ["municipality"], "municipality": AACHEN, "sub": "x", "exp": 1_900_000_000 }));
        let changed = then.done(&town, "changeSubscription", next(&subscription, json!({ "quantity": 8 }))).await;
        assert_eq!((&changed["state"], &changed["activeSince"], &changed["pendingChange"]["quantity"]), (&json!("ACTIVE"), &json!("2027-01-01"), &json!(8)));
    }

    async fn a_move_is_confirmed_only_while_its_product_is_there_and_can_be_refused_always(app: TestApp) {
        use sea_orm::ConnectionTrait;
        let row = app.subscription(AACHEN, STANDARD, |_| {}).await;
        let asked = app.done(&transformation_office(), "migrateSubscription", to_central(app, &row, json!({})).await).await;
        let db = app.server.database().connection();
        for statement in ["UPDATE products SET available_from = '2027-07-01', version = version + 1 WHERE external_id = 'DMS-02' AND initial_portfolio", "UPDATE catalogue_state SET version = version + 1"] {
            db.execute_unprepared(statement).await.unwrap();
        }
        let town = municipality(AACHEN);
        assert_eq!(app.refused(&town, "confirmSubscription", next(&asked, json!({ "accept": true }))).await["rule"], "lifecycle");
        assert_eq!(app.done(&town, "confirmSubscription", next(&asked, json!({ "accept": false }))).await["state"], "ACTIVE");
    }

    async fn neither_end_of_a_move_can_be_loosened_alone(app: TestApp) {
        let (old, new) = moved(app).await;
        let new = json!({ "id": new["id"], "version": 1 });
        for (token, mutation, subscription, more) in [
            (municipality(AACHEN), "revokeTermination", &old, json!({})),
            (municipality(AACHEN), "withdrawSubscription", &new, json!({})),
            (provider("zentral-nrw"), "activateSubscription", &new, json!({ "on": "2026-11-23" })),
        ] {
            let refused = app.refused(&token, mutation, next(subscription, more)).await;
            assert_eq!((&refused["code"], &refused["rule"]), (&json!("ILLEGAL_STEP"), &json!("legal-step")), "{mutation}");
        }
    }

    async fn a_refused_or_withdrawn_move_leaves_everything_as_it_was(app: TestApp) {
        for (token, mutation, more) in [
            (municipality(AACHEN), "confirmSubscription", json!({ "accept": false })),
            (municipality(AACHEN), "withdrawSubscription", json!({})),
            (transformation_office(), "withdrawSubscription", json!({})),
        ] {
            let row = app.subscription(AACHEN, STANDARD, |_| {}).await;
            let asked = app.done(&transformation_office(), "migrateSubscription", to_central(app, &row, json!({})).await).await;
            let before = count(app).await;
            let after = app.done(&token, mutation, next(&asked, more)).await;
            assert_eq!((&after["state"], &after["pendingChange"], &after["endsOn"]), (&json!("ACTIVE"), &Value::Null, &Value::Null));
            assert_eq!(count(app).await, before);
        }
    }

    async fn who_asked_for_a_move_does_not_confirm_it_and_too_late_is_too_late(app: TestApp) {
        let row = app.subscription(AACHEN, STANDARD, |_| {}).await;
        let both = token(json!({ "roles": ["transformation_office", "municipality"], "municipality": AACHEN, "sub": "both" }));
        let asked = app.done(&both, "migrateSubscription", to_central(app, &row, json!({ "on": "2026-11-25" })).await).await;
        let refused = app.refused(&both, "confirmSubscription", next(&asked, json!({ "accept": true }))).await;
        assert_eq!(refused["rule"], "two-people");
        let late = app.at("2026-11-24T23:30:00Z").await;
        let town = token(json!({ "roles": ["municipality"], "municipality": AACHEN, "sub": "x", "exp": 1_900_000_000 }));
        assert_eq!(late.refused(&town, "confirmSubscription", next(&asked, json!({ "accept": true }))).await["code"], "EXPIRED");
        let in_time = app.at("2026-11-24T22:30:00Z").await;
        assert_eq!(in_time.done(&town, "confirmSubscription", next(&asked, json!({ "accept": true }))).await["endsOn"], "2026-11-24");
    }

    async fn wrong_moves_are_told_by_their_place_and_change_nothing(app: TestApp) {
        let row = app.subscription(AACHEN, STANDARD, |_| {}).await;
        let before = count(app).await;
        let unknown = "UHJvZHVjdDowMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA";
        for (more, code, path) in [
            (json!({ "on": "2026-11-23" }), "BAD_USER_INPUT", "on"),
            (json!({ "on": "2026-11-01" }), "BAD_USER_INPUT", "on"),
            (json!({ "on": "2099-01-01" }), "BAD_USER_INPUT", "on"),
            (json!({ "quantity": 0 }), "BAD_USER_INPUT", "quantity"),
            (json!({ "quantity": -3 }), "BAD_USER_INPUT", "quantity"),
            (json!({ "successor": app.product_id(STANDARD).await }), "BAD_USER_INPUT", "successor"),
            (json!({ "successor": "x\u{0}" }), "BAD_USER_INPUT", "successor"),
            (json!({ "successor": id_of(&row) }), "BAD_USER_INPUT", "successor"),
            (json!({ "successor": unknown }), "NOT_FOUND", "successor"),
        ] {
            let refused = app.refused(&transformation_office(), "migrateSubscription", to_central(app, &row, more.clone()).await).await;
            assert_eq!((&refused["code"], &refused["path"]), (&json!(code), &json!(["input", path])), "{more}: {refused}");
        }
        // The successor counts other units: whoever asks says how many.
        let other = app.subscription(AACHEN, STANDARD, |row| row.price_unit = entity::price::Unit::Sheet).await;
        let refused = app.refused(&transformation_office(), "migrateSubscription", to_central(app, &other, json!({})).await).await;
        assert_eq!((&refused["code"], &refused["path"]), (&json!("BAD_USER_INPUT"), &json!(["input", "quantity"])));
        assert_eq!(count(app).await, before + 1);
        let terminating = app.subscription(AACHEN, STANDARD, |row| { row.state = State::Terminating; row.ends_on = "2027-05-31".parse().ok(); }).await;
        assert_eq!(app.refused(&transformation_office(), "migrateSubscription", to_central(app, &terminating, json!({})).await).await["code"], "ILLEGAL_STEP");
        // A product that Aachen can't have is no successor for it.
        let elsewhere = json!({ "successor": app.product_id(("krzn", "DMS-02")).await });
        let refused = app.refused(&transformation_office(), "migrateSubscription", to_central(app, &row, elsewhere).await).await;
        assert_eq!(refused["rule"], "not-offered");
    }

    async fn what_a_provider_takes_is_not_moved_for_nobody_could_confirm_it(app: TestApp) {
        let row = app.subscription(KLEVE, ("krzn", "DMS-02"), |row| {
            row.provider_id = Some(app.server.live().snapshot().providers[app.server.live().snapshot().provider_by_key("kdn").unwrap()].row.id);
            row.municipality_id = None;
        }).await;
        let refused = app.refused(&transformation_office(), "migrateSubscription", to_central(app, &row, json!({})).await).await;
        assert_eq!((&refused["code"], &refused["rule"]), (&json!("FORBIDDEN"), &json!("no-rule-permits")));
        assert_eq!(app.refused(&account_manager("kgst-st-2"), "migrateSubscription", to_central(app, &row, json!({})).await).await["code"], "NOT_FOUND");
    }
}
