//! Wrong input of changes: a clear error that names field, problem and next step, and nothing is changed.

use entity::{audit_event, product_subscription, subscription_history};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    acts::{AACHEN, INITIAL, KLEVE, id_of, step},
    municipality, provider, steward,
};

/// Rows that a refused change must not add to.
async fn rows(app: &TestApp) -> [u64; 3] {
    let db = app.server.database().connection();
    [
        product_subscription::Entity::find().count(db).await.unwrap(),
        subscription_history::Entity::find().count(db).await.unwrap(),
        entity::change::Entity::find().count(db).await.unwrap(),
    ]
}

fn with(mut input: Value, path: &str, value: Value) -> Value {
    let mut place = &mut input;
    for part in path.split('.') {
        place = place.as_object_mut().unwrap().entry(part).or_insert(Value::Null);
    }
    *place = value;
    input
}

async fn refuse(app: &TestApp, token: &str, mutation: &str, input: Value, code: &str, path: &str) -> Value {
    let before = rows(app).await;
    let error = app.refused(token, mutation, input).await;
    let named: Vec<&str> =
        error["path"].as_array().unwrap().iter().skip(1).map(|part| part.as_str().unwrap()).collect();
    assert_eq!((error["code"].as_str().unwrap(), named.join(".").as_str()), (code, path), "{mutation}: {error}");
    assert_eq!(rows(app).await, before, "{mutation}: nothing is changed");
    error
}

on_both_databases! {
    async fn values_of_a_request_are_checked(app: TestApp) {
        let town = municipality(AACHEN);
        let right = app.request_of(AACHEN, INITIAL).await;
        for (path, value) in [
            ("quantity", json!(0)),
            ("quantity", json!(-5)),
            ("from", json!("2026-11-22")),
            ("from", json!("2036-11-24")),
            ("from", json!("2199-12-31")),
            ("reason.text", json!("")),
            ("reason.text", json!("  \n")),
            ("reason.text", json!("x".repeat(2001))),
            ("reason.text", json!("a\0b")),
            ("reason.reference", json!("x".repeat(201))),
            ("reason.reference", json!("\0")),
            ("idempotencyKey", json!("")),
            ("idempotencyKey", json!(" ")),
            ("idempotencyKey", json!("x".repeat(201))),
            ("idempotencyKey", json!("a\0")),
            ("product", json!("x")),
            ("product", json!("")),
        ] {
            refuse(app, &town, "requestSubscription", with(right.clone(), path, value), "BAD_USER_INPUT", path).await;
        }
        let municipality_id = app.data("{ municipality(by: {ags: \"05334002\"}) { id } }", json!({})).await["municipality"]["id"].clone();
        refuse(app, &town, "requestSubscription", with(right.clone(), "product", municipality_id), "BAD_USER_INPUT", "product").await;
        let nowhere = "UHJvZHVjdDowMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMA";
        refuse(app, &town, "requestSubscription", with(right.clone(), "product", json!(nowhere)), "NOT_FOUND", "product").await;
        let unknown = json!({ "municipality": { "ags": "05999999" } });
        refuse(app, &town, "requestSubscription", with(right.clone(), "subscriber", unknown), "NOT_FOUND", "subscriber").await;
        let unknown = json!({ "provider": { "key": "nobody" } });
        refuse(app, &town, "requestSubscription", with(right.clone(), "subscriber", unknown), "NOT_FOUND", "subscriber").await;
        let other = json!({ "municipality": { "ags": KLEVE } });
        refuse(app, &town, "requestSubscription", with(right.clone(), "subscriber", other), "FORBIDDEN", "").await;
        // The last day that is possible is possible.
        app.done(&town, "requestSubscription", with(right, "from", json!("2036-11-23"))).await;
    }

    async fn values_of_the_wrong_type_are_told_by_their_place(app: TestApp) {
        let town = municipality(AACHEN);
        let right = app.request_of(AACHEN, INITIAL).await;
        for (path, value, field) in [
            ("quantity", json!("3"), "$input.quantity"),
            ("quantity", json!(2_147_483_648_i64), "$input.quantity"),
            ("quantity", json!(1.5), "$input.quantity"),
            ("quantity", Value::Null, "$input.quantity"),
            ("from", json!("tomorrow"), "$input.from"),
            ("from", json!(20270101), "$input.from"),
            ("reason.code", json!("WHY"), "$input.reason.code"),
            ("reason", Value::Null, "$input.reason"),
            ("idempotencyKey", Value::Null, "$input.idempotencyKey"),
            ("subscriber", json!({}), "$input.subscriber"),
            ("subscriber", json!({ "municipality": null }), "$input.subscriber"),
            ("subscriber", json!({ "municipality": { "ags": AACHEN }, "provider": { "key": "krzn" } }), "$input.subscriber"),
            ("more", json!(1), "$input.more"),
        ] {
            let answer = app.send_act(Some(&town), "requestSubscription", with(right.clone(), path, value)).await;
            let extensions = &answer.body["errors"][0]["extensions"];
            assert_eq!((&extensions["code"], &extensions["field"]), (&json!("BAD_USER_INPUT"), &json!(field)), "{}", answer.body);
        }
    }

    async fn values_of_steps_are_checked(app: TestApp) {
        use entity::product_subscription::State;
        let (town, central) = (municipality(AACHEN), provider("zentral-nrw"));
        let approved = app.subscription(AACHEN, INITIAL, |row| row.state = State::Approved).await;
        let active = app.subscription(AACHEN, INITIAL, |row| row.term_end = "2027-12-31".parse().ok()).await;
        let requested = app.subscription(AACHEN, INITIAL, |row| {
            row.state = State::Requested;
            row.open_matter = Some(entity::product_subscription::Matter::Request);
            row.awaits = Some(entity::product_subscription::Awaits::Approval);
        }).await;
        let (approved, active, requested) = (id_of(&approved), id_of(&active), id_of(&requested));
        for on in ["2026-11-24", "2199-12-31", "2025-11-22", "1900-01-01"] {
            refuse(app, &central, "activateSubscription", step(&approved, 1, json!({ "on": on })), "BAD_USER_INPUT", "on").await;
        }
        for (on, earliest) in [("2026-11-22", json!("2027-12-31")), ("2199-12-31", Value::Null), ("2026-11-23", json!("2027-12-31")), ("2027-12-30", json!("2027-12-31"))] {
            let error = refuse(app, &town, "terminateSubscription", step(&active, 1, json!({ "on": on })), "BAD_USER_INPUT", "on").await;
            assert_eq!(error["earliest"], earliest, "{on}");
        }
        for quantity in [0, -1, 1] {
            refuse(app, &town, "changeSubscription", step(&active, 1, json!({ "quantity": quantity })), "BAD_USER_INPUT", "quantity").await;
        }
        refuse(app, &steward(), "approveSubscription", step(&requested, 1, json!({ "agreedFrom": "2026-11-22" })), "BAD_USER_INPUT", "agreedFrom").await;
        for version in [0, -1, 2] {
            refuse(app, &town, "terminateSubscription", step(&active, version, json!({ "on": "2027-12-31" })), "CONFLICT", "version").await;
        }
        for id in ["", "x", "UHJvdmlkZXI6MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA"] {
            refuse(app, &town, "terminateSubscription", step(id, 1, json!({ "on": "2027-12-31" })), "BAD_USER_INPUT", "subscription").await;
        }
        refuse(app, &municipality(KLEVE), "terminateSubscription", step(&active, 1, json!({ "on": "2027-12-31" })), "NOT_FOUND", "subscription").await;
        // The first day that is possible is possible.
        app.done(&town, "terminateSubscription", step(&active, 1, json!({ "on": "2027-12-31" }))).await;
        app.done(&central, "activateSubscription", step(&approved, 1, json!({ "on": "2026-07-01" }))).await;
    }

    async fn notice_counts_from_the_day_it_is_given(app: TestApp) {
        let row = app.subscription(AACHEN, INITIAL, |row| row.notice_months = 3).await;
        let town = municipality(AACHEN);
        let error = refuse(app, &town, "terminateSubscription", step(&id_of(&row), 1, json!({ "on": "2027-02-22" })), "BAD_USER_INPUT", "on").await;
        assert_eq!(error["earliest"], "2027-02-23");
        app.done(&town, "terminateSubscription", step(&id_of(&row), 1, json!({ "on": "2027-02-23" }))).await;
    }

    async fn messages_come_in_the_language_of_the_request(app: TestApp) {
        let row = app.subscription(AACHEN, INITIAL, |row| row.term_end = "2027-12-31".parse().ok()).await;
        let query = "mutation($input: TerminateSubscriptionInput!) { terminateSubscription(input: $input) { errors { message nextStep } } }";
        let input = step(&id_of(&row), 1, json!({ "on": "2027-01-31" }));
        let body = json!({ "query": query, "variables": { "input": input } }).to_string();
        let send = |language: &'static str| {
            let request = crate::support::post().header("accept-language", language);
            app.send(request.header("authorization", format!("Bearer {}", municipality(AACHEN))), body.clone())
        };
        let german = send("de-DE").await.body["data"]["terminateSubscription"]["errors"][0].clone();
        assert!(german["message"].as_str().unwrap().contains("Frühester letzter Tag ist der 31.12.2027"), "{german}");
        let english = send("en").await.body["data"]["terminateSubscription"]["errors"][0].clone();
        assert!(english["message"].as_str().unwrap().contains("The earliest last day is 2027-12-31"), "{english}");
        assert_ne!(german["nextStep"], english["nextStep"]);
    }

    async fn wrong_input_leaves_no_trace_and_a_refusal_its_own_event_only(app: TestApp) {
        let town = municipality(AACHEN);
        let db = app.server.database().connection();
        let before = audit_event::Entity::find().count(db).await.unwrap();
        let wrong = with(app.request_of(AACHEN, INITIAL).await, "quantity", json!(-1));
        refuse(app, &town, "requestSubscription", wrong, "BAD_USER_INPUT", "quantity").await;
        assert_eq!(audit_event::Entity::find().count(db).await.unwrap(), before);
        refuse(app, &town, "requestSubscription", app.request_of(KLEVE, INITIAL).await, "FORBIDDEN", "").await;
        assert_eq!(audit_event::Entity::find().count(db).await.unwrap(), before + 1);
    }
}
