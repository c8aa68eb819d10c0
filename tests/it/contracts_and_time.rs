//! Existing contracts, interest that becomes a request, and what happens by itself.

use entity::{
    idempotency_key,
    product_subscription::{Awaits, Matter, State},
};
use itkatalog::{idempotency, subscriptions::tick};
use sea_orm::{EntityTrait, prelude::DateTimeUtc, sea_query::Expr};
use serde_json::{Value, json};

use crate::support::{
    NOW, TestApp,
    acts::{AACHEN, INITIAL, KLEVE, NOT_JOINED, Row, STANDARD, id_of, next},
    auditor, fingerprint, land, municipality, nodes, provider, steward, transformation_office,
};

/// An existing contract of Aachen with a provider that has not joined.
async fn contract(app: &TestApp, more: Value) -> Value {
    let mut input = app.request_of(AACHEN, NOT_JOINED).await;
    input.as_object_mut().unwrap().remove("from");
    input["activeSince"] = json!("2019-07-01");
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

async fn row(app: &TestApp, id: sea_orm::prelude::Uuid) -> Row {
    let db = app.server.database().connection();
    entity::product_subscription::Entity::find_by_id(id).one(db).await.unwrap().unwrap()
}

on_both_databases! {
    async fn a_provider_reports_a_contract_on_its_own_terms(app: TestApp) {
        let price = json!({ "unit": "INHABITANT", "period": "YEAR", "amount": "0.35", "vatRate": "0" });
        let input = contract(app, json!({ "noticeMonths": 12, "termEnd": "2027-12-31", "legalBasis": "PUBLIC_LAW_AGREEMENT", "price": price })).await;
        let reported = app.done(&provider("kdn"), "reportContract", input).await;
        assert_eq!((&reported["state"], &reported["origin"], &reported["activeSince"]), (&json!("ACTIVE"), &json!("REPORTED"), &json!("2019-07-01")));
        assert_eq!((&reported["termEnd"], &reported["legalBasis"]), (&json!("2027-12-31"), &json!("PUBLIC_LAW_AGREEMENT")));
        let query = "query($id: ID!) { subscription(id: $id) { noticeMonths price { unit period amount { amount } vatRate } history(first: 1) { edges { node { action } } } } }";
        let seen = app.data_as(&municipality(AACHEN), query, json!({ "id": reported["id"] })).await["subscription"].clone();
        assert_eq!(seen["price"], json!({ "unit": "INHABITANT", "period": "YEAR", "amount": { "amount": "0.35" }, "vatRate": "0.00" }));
        assert_eq!((&seen["noticeMonths"], &nodes(&seen["history"])[0]["action"]), (&json!(12), &json!("REPORT_CONTRACT")));
        // Its changes are decided by its provider, and it can end it.
        let waiting = app.done(&municipality(AACHEN), "changeSubscription", next(&reported, json!({ "quantity": 4 }))).await;
        let changed = app.done(&provider("kdn"), "approveSubscription", next(&waiting, json!({}))).await;
        assert_eq!(app.done(&provider("kdn"), "terminateSubscription", next(&changed, json!({ "on": "2027-12-31" }))).await["state"], "TERMINATING");
    }

    async fn who_reports_depends_on_the_phase(app: TestApp) {
        for (phase, may) in [
            ("PREPARATION", [true, true, true, false]),
            ("FOUNDATION", [true, false, true, false]),
            ("INTEGRATION", [false, false, true, false]),
            ("STEADY_STATE", [false, false, false, false]),
        ] {
            app.enter_phase(phase).await;
            for (token, may) in [provider("kdn"), land(), transformation_office(), municipality(AACHEN)].iter().zip(may) {
                let payload = app.act(token, "reportContract", contract(app, json!({})).await).await;
                assert_eq!(payload["errors"] == json!([]), may, "{phase}: {payload}");
            }
        }
    }

    async fn values_of_a_contract_are_checked(app: TestApp) {
        let price = |amount: &str, vat: &str| json!({ "unit": "DEVICE", "period": "MONTH", "amount": amount, "vatRate": vat });
        for (more, path) in [
            (json!({ "activeSince": "2026-11-24" }), "activeSince"),
            (json!({ "activeSince": "1989-12-31" }), "activeSince"),
            (json!({ "noticeMonths": -1 }), "noticeMonths"),
            (json!({ "noticeMonths": 61 }), "noticeMonths"),
            (json!({ "termEnd": "2019-06-30" }), "termEnd"),
            (json!({ "termEnd": "2199-12-31" }), "termEnd"),
            (json!({ "quantity": 0 }), "quantity"),
            (json!({ "price": price("-1.00", "19.00") }), "price.amount"),
            (json!({ "price": price("1.005", "19.00") }), "price.amount"),
            (json!({ "price": price("99999999999999999999", "19.00") }), "price.amount"),
            (json!({ "price": price("1.00", "101") }), "price.vatRate"),
            (json!({ "price": { "unit": "REVENUE_PERCENT", "period": "YEAR", "amount": "1" } }), "price.unit"),
        ] {
            let error = app.refused(&provider("kdn"), "reportContract", contract(app, more.clone()).await).await;
            let named: Vec<_> = error["path"].as_array().unwrap().iter().skip(1).map(|part| part.as_str().unwrap()).collect();
            assert_eq!((&error["code"], named.join(".")), (&json!("BAD_USER_INPUT"), path.to_owned()), "{more}");
        }
    }

    async fn an_interest_becomes_a_request_and_keeps_its_history(app: TestApp) {
        let town = municipality(AACHEN);
        let interest = app.done(&town, "declareInterest", app.request_of(AACHEN, INITIAL).await).await;
        let known = json!({ "subscription": interest["id"], "version": interest["version"] });
        let mut input = app.request_of(AACHEN, INITIAL).await;
        input["interest"] = known.clone();
        let asked = app.done(&town, "requestSubscription", input.clone()).await;
        assert_eq!((&asked["id"], &asked["state"], &asked["version"]), (&interest["id"], &json!("REQUESTED"), &json!(2)));
        assert_eq!(app.done(&town, "requestSubscription", input).await, asked, "the same request again");
        let query = "query($id: ID!) { subscription(id: $id) { history(first: 5) { edges { node { action } } } } }";
        let seen = app.data_as(&town, query, json!({ "id": asked["id"] })).await;
        let actions: Vec<_> = nodes(&seen["subscription"]["history"]).iter().map(|entry| entry["action"].clone()).collect();
        assert_eq!(actions, ["REQUEST_SUBSCRIPTION", "DECLARE_INTEREST"]);
        // Once only, from its own version, and for the same thing.
        let again = async |product, interest: Value| {
            let mut input = app.request_of(AACHEN, product).await;
            input["interest"] = interest;
            app.refused(&town, "requestSubscription", input).await
        };
        let error = again(INITIAL, json!({ "subscription": asked["id"], "version": 2 })).await;
        assert_eq!(error["code"], "ILLEGAL_STEP");
        assert_eq!(again(INITIAL, known).await["code"], "CONFLICT");
        let other = app.done(&town, "declareInterest", app.request_of(AACHEN, INITIAL).await).await;
        let error = again(STANDARD, json!({ "subscription": other["id"], "version": 1 })).await;
        assert_eq!((&error["code"], &error["path"]), (&json!("BAD_USER_INPUT"), &json!(["input", "interest", "subscription"])));
        let foreign = app.subscription(KLEVE, INITIAL, |row| row.state = State::Interest).await;
        let error = again(INITIAL, json!({ "subscription": id_of(&foreign), "version": 1 })).await;
        assert_eq!((&error["code"], &error["path"]), (&json!("NOT_FOUND"), &json!(["input", "interest", "subscription"])));
    }

    async fn what_is_due_is_written_down_once(app: TestApp) {
        let past = "2026-11-23T08:00:00Z".parse().ok();
        let ended = app.subscription(AACHEN, INITIAL, |row| {
            row.state = State::Terminating;
            row.ends_on = "2026-11-22".parse().ok();
            (row.open_matter, row.awaits) = (Some(Matter::Revocation), Some(Awaits::Approval));
        }).await;
        let last_day = app.subscription(AACHEN, INITIAL, |row| {
            row.state = State::Terminating;
            row.ends_on = "2026-11-23".parse().ok();
        }).await;
        let expired = app.subscription(AACHEN, INITIAL, |row| {
            row.state = State::Requested;
            (row.open_matter, row.awaits, row.expires_at) = (Some(Matter::Request), Some(Awaits::Approval), past);
        }).await;
        let lapsed = app.subscription(AACHEN, INITIAL, |row| {
            (row.open_matter, row.awaits, row.expires_at) = (Some(Matter::Change), Some(Awaits::Approval), past);
            row.open_quantity = Some(9);
        }).await;
        let now = crate::support::NOW.parse().unwrap();
        let database = app.server.database();
        let policies = &fingerprint();
        let (one, other) = tokio::join!(tick::run(database, policies, now, now), tick::run(database, policies, now, now));
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!((one.ended + other.ended, one.expired + other.expired), (1, 2), "two at once: {one:?} {other:?}");
        assert_eq!(tick::run(database, policies, now, now).await.unwrap(), tick::Report::default());
        let states = [row(app, ended.id).await, row(app, last_day.id).await, row(app, expired.id).await, row(app, lapsed.id).await];
        assert_eq!(states.clone().map(|row| row.state), [State::Ended, State::Terminating, State::Expired, State::Active]);
        assert_eq!(states.clone().map(|row| row.version), [2, 1, 2, 2]);
        assert!(states.iter().all(|row| row.open_matter.is_none() && row.expires_at.is_none()));
        assert_eq!(states[3].quantity, 1);
        let query = "{ auditEvents(first: 3) { edges { node { action actor { issuer subject } after } } } }";
        let events = nodes(&app.data_as(&auditor(), query, json!({})).await["auditEvents"]);
        let mut actions: Vec<_> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["END", "EXPIRE", "EXPIRE"]);
        assert!(events.iter().all(|event| event["actor"] == json!({ "issuer": "itkatalog", "subject": "tick" })));
        let query = "query($id: ID!) { subscription(id: $id) { history(first: 1) { edges { node { action role state } } } } }";
        let seen = app.data_as(&steward(), query, json!({ "id": id_of(&expired) })).await;
        assert_eq!(nodes(&seen["subscription"]["history"])[0], json!({ "action": "EXPIRE", "role": null, "state": "EXPIRED" }));
        // Room for the next change.
        let input = crate::support::acts::step(&id_of(&lapsed), 2, json!({ "quantity": 3 }));
        assert_eq!(app.done(&municipality(AACHEN), "changeSubscription", input).await["pendingChange"]["quantity"], 3);
    }

    async fn a_key_is_forgotten_after_90_days_whether_it_was_removed_or_not(app: TestApp) {
        let (town, db) = (municipality(AACHEN), app.server.database());
        let input = app.request_of(AACHEN, INITIAL).await;
        let first = app.done(&town, "requestSubscription", input.clone()).await;
        let now: DateTimeUtc = NOW.parse().unwrap();
        let grow_old = async |days: i64| {
            let created = idempotency_key::Column::CreatedAt;
            let old = idempotency_key::Entity::update_many().col_expr(created, Expr::value(now - chrono::TimeDelta::days(days)));
            old.exec(db.connection()).await.unwrap();
        };
        grow_old(89).await;
        assert_eq!(idempotency::prune(db, now).await.unwrap(), 0);
        assert_eq!(app.done(&town, "requestSubscription", input.clone()).await["id"], first["id"], "known still");
        grow_old(90).await;
        let mut other = input.clone();
        other["quantity"] = json!(4);
        let second = app.done(&town, "requestSubscription", other.clone()).await;
        assert_ne!(second["id"], first["id"], "it is free again");
        assert_eq!(app.done(&town, "requestSubscription", other).await["id"], second["id"], "and known as what it stands for now");
        grow_old(90).await;
        assert_eq!(idempotency::prune(db, now).await.unwrap(), 1);
    }
}
