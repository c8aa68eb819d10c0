//! Who sees which subscriptions, in which order; tasks, costs, and what a municipality has.

use std::collections::BTreeSet;

use entity::{
    phase,
    product_subscription::{self, Awaits, LegalBasis, Matter, State},
    read,
};
use sea_orm::{EntityTrait, IntoSimpleExpr, Order, QueryOrder};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, STANDARD, id_of},
    auditor, land, municipality, nodes, provider, steward, texts, token, transformation_office,
};

const LIST: &str = "query($first: Int, $last: Int, $after: String, $before: String, $where: SubscriptionFilter, $orderBy: [SubscriptionOrder!]) {
    subscriptions(first: $first, last: $last, after: $after, before: $before, where: $where, orderBy: $orderBy) {
        totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        edges { cursor node { id state createdAt updatedAt origin product { provider { key } } subscriber { ... on Municipality { ags } ... on Provider { key } } } } } }";

async fn list(app: &TestApp, token: &str, variables: Value) -> Value {
    app.data_as(token, LIST, variables).await["subscriptions"].clone()
}

async fn everything(app: &TestApp, token: &str, filter: Value) -> Vec<Value> {
    let mut seen = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = list(app, token, json!({ "first": 100, "after": after, "where": filter })).await;
        seen.extend(nodes(&page));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            assert_eq!(page["totalCount"], seen.len());
            return seen;
        }
    }
}

async fn all_rows(app: &TestApp) -> Vec<crate::support::acts::Row> {
    entity::product_subscription::Entity::find().all(app.server.database().connection()).await.unwrap()
}

on_both_databases! {
    async fn everybody_sees_what_is_theirs_and_nothing_else(app: TestApp) {
        let total = all_rows(app).await.len();
        for token in [steward(), transformation_office(), land(), auditor()] {
            assert_eq!(list(app, &token, json!({ "first": 1 })).await["totalCount"], total);
        }
        let own = everything(app, &municipality(AACHEN), Value::Null).await;
        assert!(own.len() > 10 && own.iter().all(|node| node["subscriber"]["ags"] == AACHEN));
        let of_auditor = token(json!({ "roles": ["auditor"], "municipality": AACHEN }));
        assert_eq!(everything(app, &of_auditor, Value::Null).await.len(), own.len());
        let delivered = everything(app, &provider("zentral-nrw"), Value::Null).await;
        assert!(delivered.len() > 100 && delivered.iter().all(|node| node["product"]["provider"]["key"] == "zentral-nrw"));
        let group = everything(app, &account_manager("kgst-st-2"), Value::Null).await;
        let towns: BTreeSet<_> = group.iter().map(|node| node["subscriber"]["ags"].as_str().unwrap().to_owned()).collect();
        let members = app.data("{ municipalities(first: 100, where: {customerGroup: {eq: \"kgst-st-2\"}}) { edges { node { ags } } } }", json!({})).await;
        let members: BTreeSet<_> = texts(&members["municipalities"], "ags").into_iter().collect();
        assert!(towns.len() > 1 && towns.is_subset(&members), "{towns:?}");
        let anonymous = app.data(LIST, json!({ "first": 10 })).await;
        assert_eq!(anonymous["subscriptions"]["totalCount"], 0);
    }

    async fn the_subscriptions_of_a_municipality_are_for_those_who_may(app: TestApp) {
        let query = "{ municipality(by: {ags: \"05334002\"}) { subscriptions(first: 100) { totalCount edges { node { product { provider { key } } } } } annualCost { amount } } }";
        let rows = all_rows(app).await;
        let snapshot = app.server.live().snapshot();
        let aachen = snapshot.municipalities[snapshot.municipality_by_ags(AACHEN).unwrap()].row.id;
        let own = rows.iter().filter(|row| row.municipality_id == Some(aachen)).count();
        for token in [municipality(AACHEN), account_manager("kgst-st-2"), steward(), land(), auditor(), transformation_office()] {
            let seen = app.data_as(&token, query, json!({})).await;
            assert_eq!(seen["municipality"]["subscriptions"]["totalCount"], own);
            assert!(seen["municipality"]["annualCost"]["amount"].is_string());
        }
        let regioit = app.ask_as(&provider("regioit"), query, json!({})).await.body;
        let delivered = nodes(&regioit["data"]["municipality"]["subscriptions"]);
        assert!(!delivered.is_empty() && delivered.iter().all(|node| node["product"]["provider"]["key"] == "regioit"));
        assert_eq!(regioit["data"]["municipality"]["annualCost"], Value::Null);
        for (token, code) in [(Some(municipality(KLEVE)), "FORBIDDEN"), (Some(account_manager("kgst-st-4")), "FORBIDDEN"), (Some(token(json!({ "roles": ["king"] }))), "FORBIDDEN"), (None, "UNAUTHENTICATED")] {
            let answer = match &token { Some(token) => app.ask_as(token, query, json!({})).await, None => app.ask(query, json!({})).await };
            assert_eq!(answer.body["data"], json!({ "municipality": { "subscriptions": null, "annualCost": null } }));
            let codes: Vec<_> = answer.body["errors"].as_array().unwrap().iter().map(|error| error["extensions"]["code"].clone()).collect();
            assert_eq!(codes, [code, code]);
        }
    }

    async fn pages_lose_and_double_no_row_in_any_order_and_direction(app: TestApp) {
        let token = account_manager("kgst-st-2");
        let newest = everything(app, &token, Value::Null).await;
        let created: Vec<_> = newest.iter().map(|node| node["createdAt"].as_str().unwrap().to_owned()).collect();
        assert!(created.is_sorted_by(|one, other| one >= other), "newest first");
        for order in [json!([]), json!([{ "field": "CREATED_AT" }]), json!([{ "field": "UPDATED_AT", "direction": "DESC" }, { "field": "CREATED_AT" }])] {
            let mut forwards = Vec::new();
            let mut variables = json!({ "first": 37, "orderBy": order });
            loop {
                let page = list(app, &token, variables.clone()).await;
                forwards.extend(texts(&page, "id"));
                variables["after"] = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false { break; }
            }
            let mut backwards = Vec::new();
            let mut variables = json!({ "last": 41, "orderBy": order });
            loop {
                let page = list(app, &token, variables.clone()).await;
                backwards.splice(0..0, texts(&page, "id"));
                variables["before"] = page["pageInfo"]["startCursor"].clone();
                if page["pageInfo"]["hasPreviousPage"] == false { break; }
            }
            assert_eq!(forwards, backwards, "{order}");
            assert_eq!(forwards.iter().collect::<BTreeSet<_>>().len(), newest.len(), "{order}");
        }
        let foreign = app.data("{ products(first: 1) { pageInfo { endCursor } } }", json!({})).await["products"]["pageInfo"]["endCursor"].clone();
        let answer = app.ask_as(&token, LIST, json!({ "first": 1, "after": foreign })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["field"], "after");
    }

    async fn filters_join_like_in_logic(app: TestApp) {
        let token = steward();
        let rows = all_rows(app).await;
        let count = async |filter: Value| list(app, &token, json!({ "first": 1, "where": filter })).await["totalCount"].as_u64().unwrap() as usize;
        let in_state = |state: State| rows.iter().filter(|row| row.state == state).count();
        assert_eq!(count(json!({ "state": { "eq": "APPROVED" } })).await, in_state(State::Approved));
        assert_eq!(count(json!({ "state": { "in": ["APPROVED", "ACTIVE"] } })).await, in_state(State::Approved) + in_state(State::Active));
        assert_eq!(count(json!({ "state": { "in": [] } })).await, 0);
        assert_eq!(count(json!({ "not": { "state": { "eq": "ACTIVE" } } })).await, rows.len() - in_state(State::Active));
        assert_eq!(count(json!({ "or": [{ "state": { "eq": "ENDED" } }, { "origin": { "eq": "REPORTED" } }] })).await, in_state(State::Ended) + in_state(State::Active));
        assert_eq!(count(json!({ "or": [] })).await, 0);
        assert_eq!(count(json!({ "waitsForDecision": { "eq": true } })).await, in_state(State::Requested));
        assert_eq!(count(json!({ "not": { "waitsForDecision": { "eq": true } } })).await, rows.len() - in_state(State::Requested));
        let aachen = count(json!({ "municipality": { "eq": AACHEN } })).await;
        assert!(aachen > 0);
        assert_eq!(count(json!({ "not": { "municipality": { "eq": AACHEN } } })).await, rows.len() - aachen);
        assert_eq!(count(json!({ "municipality": { "eq": "05999999" } })).await, 0);
        assert_eq!(count(json!({ "not": { "subscribingProvider": { "eq": "krzn" } } })).await, rows.len());
        let of_central = count(json!({ "provider": { "eq": "zentral-nrw" } })).await;
        assert_eq!(of_central, everything(app, &provider("zentral-nrw"), Value::Null).await.len());
        let product = app.product_id(INITIAL).await;
        let of_product = count(json!({ "product": { "eq": product } })).await;
        assert!(of_product > 0 && of_product < of_central);
        assert_eq!(count(json!({ "sample": { "eq": false } })).await, 0);
    }

    async fn one_list_is_one_statement_however_many_rows(app: TestApp) {
        let query = "query($first: Int!) { municipality(by: {ags: \"05334002\"}) { subscriptions(first: $first) { edges { node { id product { name provider { name } } permissions { allowed rule { id } } history(first: 2) { edges { node { action } } } } } } } }";
        let mut counts = Vec::new();
        for first in [1, 20] {
            let before = app.server.database().statements();
            let seen = app.data_as(&municipality(AACHEN), query, json!({ "first": first })).await;
            assert_eq!(nodes(&seen["municipality"]["subscriptions"]).len(), first);
            counts.push(app.server.database().statements() - before);
        }
        // The refresher may look at the version meanwhile.
        assert!(counts.iter().all(|count| (2..=4).contains(count)), "one for the list, one for all histories: {counts:?}");
    }

    async fn fields_stand_in_the_order_of_the_document_whichever_is_answered_first(app: TestApp) {
        let query = "{ subscriptions(first: 1) { totalCount edges { node { history(first: 1) { totalCount } id } } } viewer { subject } z: phases { key } a: currentPhase { key } availableProducts(municipality: {ags: \"05334002\"}, first: 1) { totalCount edges { node { subscribed status } } } q: __typename }";
        for _ in 0..60 {
            let data = app.data_as(&municipality(AACHEN), query, json!({})).await;
            let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&data), ["subscriptions", "viewer", "z", "a", "availableProducts", "q"]);
            assert_eq!(keys(&data["subscriptions"]), ["totalCount", "edges"]);
            assert_eq!(keys(&data["subscriptions"]["edges"][0]["node"]), ["history", "id"]);
            assert_eq!(keys(&data["availableProducts"]["edges"][0]["node"]), ["subscribed", "status"]);
        }
    }

    async fn nodes_of_others_are_not_there(app: TestApp) {
        let (own, other) = (app.subscription(AACHEN, INITIAL, |_| {}).await, app.subscription(KLEVE, INITIAL, |_| {}).await);
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
        let ids = [id_of(&other), id_of(&own), id_of(&own)];
        let seen = app.data_as(&municipality(AACHEN), query, json!({ "ids": ids })).await;
        let own = json!({ "__typename": "ProductSubscription", "id": ids[1] });
        assert_eq!(seen["nodes"], json!([null, own, own]));
        assert_eq!(app.data(query, json!({ "ids": ids })).await["nodes"], json!([null, null, null]));
        let answer = app.ask("query($id: ID!) { node(id: $id) { id } }", json!({ "id": ids[1] })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "NOT_FOUND");
    }

    async fn the_yearly_cost_is_what_runs(app: TestApp) {
        let snapshot = app.server.live().snapshot();
        let aachen = snapshot.municipalities[snapshot.municipality_by_ags(AACHEN).unwrap()].row.id;
        use entity::price::{Period, Unit};
        for (unit, period, cents, quantity, state) in [
            (Unit::Device, Period::Month, Some(150), 10, State::Active),
            (Unit::Flat, Period::Year, Some(100_000), 5, State::Terminating),
            (Unit::Device, Period::Once, Some(99_999), 1, State::Active),
            (Unit::Case, Period::PerUse, Some(99_999), 1, State::Active),
            (Unit::RevenuePercent, Period::Year, None, 1, State::Active),
            (Unit::Device, Period::Year, Some(777), 1, State::Approved),
        ] {
            app.subscription(AACHEN, INITIAL, |row| {
                (row.price_unit, row.price_period, row.quantity, row.state) = (unit, period, quantity, state);
                row.price_amount_cents = cents;
                row.price_percent_basis_points = cents.is_none().then_some(500);
                row.ends_on = Some("2027-12-31".parse().unwrap());
            }).await;
        }
        let runs = |row: &&crate::support::acts::Row| row.municipality_id == Some(aachen) && matches!(row.state, State::Active | State::Terminating);
        let expected: i64 = all_rows(app).await.iter().filter(runs).map(|row| {
            let units = if row.price_unit == Unit::Flat { 1 } else { row.quantity };
            row.price_amount_cents.unwrap_or(0) * units * match row.price_period { Period::Year => 1, Period::Month => 12, _ => 0 }
        }).sum();
        let query = "{ municipality(by: {ags: \"05334002\"}) { annualCost { amount currency } } }";
        let cost = app.data_as(&municipality(AACHEN), query, json!({})).await["municipality"]["annualCost"].clone();
        assert_eq!(cost, json!({ "amount": format!("{}.{:02}", expected / 100, expected % 100), "currency": "EUR" }));
        assert!(expected > 118_000);
        let none = "{ municipality(by: {ags: \"05154000\"}) { annualCost { amount } } }";
        assert_eq!(app.data_as(&steward(), none, json!({})).await["municipality"]["annualCost"]["amount"], "0.00");
    }

    async fn who_may_know_learns_what_a_municipality_has(app: TestApp) {
        let query = "{ availableProducts(municipality: {ags: \"05334002\"}, first: 100, where: {provider: {in: [\"zentral-nrw\", \"regioit\"]}}) { edges { node { subscribed product { id provider { key } } } } } }";
        app.subscription(AACHEN, INITIAL, |row| row.state = State::Approved).await;
        app.subscription(AACHEN, STANDARD, |row| row.state = State::Withdrawn).await;
        let initial = app.product_id(INITIAL).await;
        let seen = async |token: &str| nodes(&app.data_as(token, query, json!({})).await["availableProducts"]);
        let own = seen(&municipality(AACHEN)).await;
        assert!(own.iter().all(|node| node["subscribed"].is_boolean()));
        assert_eq!(own.iter().find(|node| node["product"]["id"] == initial.as_str()).unwrap()["subscribed"], true);
        assert!(own.iter().any(|node| node["subscribed"] == false));
        for token in [account_manager("kgst-st-2"), steward(), land(), auditor()] {
            assert_eq!(seen(&token).await, own);
        }
        for node in seen(&provider("regioit")).await {
            assert_eq!(node["subscribed"].is_null(), node["product"]["provider"]["key"] != "regioit");
        }
        assert!(seen(&municipality(KLEVE)).await.iter().all(|node| node["subscribed"].is_null()));
        let anonymous = nodes(&app.data(query, json!({})).await["availableProducts"]);
        assert!(anonymous.iter().all(|node| node["subscribed"].is_null()));
    }

    async fn tasks_are_what_waits_for_the_caller(app: TestApp) {
        let query = "{ viewer { tasks(first: 100) { totalCount edges { node { kind dueOn subscription { id } } } } } }";
        let open = |matter: Matter, awaits: Awaits| move |row: &mut crate::support::acts::Row| {
            (row.open_matter, row.awaits) = (Some(matter), Some(awaits));
            row.asked_in = Some(entity::phase::Key::Foundation);
            row.expires_at = "2026-12-01T09:00:00Z".parse().ok();
            if matter == Matter::Request { row.state = State::Requested; }
        };
        let request = app.subscription(AACHEN, INITIAL, open(Matter::Request, Awaits::Approval)).await;
        let confirm = app.subscription(AACHEN, INITIAL, open(Matter::Request, Awaits::Confirmation)).await;
        let change = app.subscription(AACHEN, STANDARD, open(Matter::Change, Awaits::Approval)).await;
        let mine = app.subscription(AACHEN, STANDARD, |row| {
            open(Matter::Change, Awaits::Approval)(row);
            row.asked_by_issuer = Some(crate::support::callers::ISSUER.to_owned());
            row.asked_by_subject = Some(format!("municipality-{AACHEN}"));
        }).await;
        let near = app.subscription(AACHEN, INITIAL, |row| { row.term_end = "2027-03-31".parse().ok(); row.notice_months = 2; }).await;
        app.subscription(AACHEN, INITIAL, |row| { row.term_end = "2027-12-31".parse().ok(); row.notice_months = 2; }).await;
        app.subscription(AACHEN, INITIAL, |row| { row.term_end = "2026-12-31".parse().ok(); row.notice_months = 2; }).await;
        let tasks = async |token: &str| {
            let seen = app.data_as(token, query, json!({})).await["viewer"]["tasks"].clone();
            let of_test = [&request, &confirm, &change, &mine, &near].map(id_of);
            let found = nodes(&seen).into_iter().filter(|task| of_test.iter().any(|id| task["subscription"]["id"] == id.as_str()));
            let found = found.map(|task| format!("{} {} {}", task["kind"].as_str().unwrap(), task["dueOn"].as_str().unwrap(), task["subscription"]["id"].as_str().unwrap()));
            found.collect::<BTreeSet<_>>()
        };
        let task = |kind: &str, due: &str, row: &crate::support::acts::Row| format!("{kind} {due} {}", id_of(row));
        let due = "2026-12-01";
        assert_eq!(tasks(&municipality(AACHEN)).await, BTreeSet::from([task("CONFIRM", due, &confirm), task("EXPIRING", due, &mine), task("NOTICE_DEADLINE", "2027-01-31", &near)]));
        assert_eq!(tasks(&account_manager("kgst-st-2")).await, BTreeSet::from([task("APPROVE", due, &request), task("NOTICE_DEADLINE", "2027-01-31", &near)]));
        assert_eq!(tasks(&provider("regioit")).await, BTreeSet::from([task("APPROVE", due, &change), task("APPROVE", due, &mine)]));
        assert_eq!(tasks(&steward()).await, BTreeSet::from([task("APPROVE", due, &request), task("APPROVE", due, &change), task("APPROVE", due, &mine)]));
        assert_eq!(tasks(&municipality(KLEVE)).await, BTreeSet::new());
        assert_eq!(tasks(&land()).await, BTreeSet::new());
        assert_eq!(app.data(query, json!({})).await["viewer"]["tasks"]["totalCount"], 0);
    }

    async fn what_is_read_of_many_is_what_the_table_holds(app: TestApp) {
        let full = app.subscription(AACHEN, STANDARD, |row| {
            let (day, id) = ("2027-01-31".parse().ok(), Some(row.product_id));
            row.state = State::Terminating;
            row.legal_basis = Some(LegalBasis::Inhouse);
            (row.requested_from, row.agreed_from, row.active_since, row.ends_on, row.term_end) = (day, day, day, day, day);
            (row.price_amount_cents, row.price_percent_basis_points, row.open_quantity, row.open_on) = (None, Some(2), Some(3), day);
            (row.open_matter, row.awaits) = (Some(Matter::Migration), Some(Awaits::Confirmation));
            row.expires_at = "2027-01-31T09:00:00.123456Z".parse().ok();
            (row.asked_by_issuer, row.asked_by_subject) = (Some("issuer".to_owned()), Some("ä\"\u{1}".to_owned()));
            (row.asked_by_organisation, row.asked_in, row.open_product_id) = (id, Some(phase::Key::Integration), id);
            (row.collective_id, row.collective_by) = (id, row.municipality_id);
        }).await;
        let all = || product_subscription::Entity::find().order_by_asc(product_subscription::Column::Id);
        let db = app.server.database().connection();
        let by_id = product_subscription::Column::Id.into_simple_expr();
        let read = read::all(db, read::select().order_by_expr(by_id, Order::Asc)).await.unwrap();
        assert_eq!(read, all().all(db).await.unwrap());
        assert!(read.contains(&full) && read.len() > 1000);
    }
}
