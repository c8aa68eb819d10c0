//! The life of a subscription: asked, decided, delivered, changed, ended; by whom the rules allow.

use entity::product_subscription::{Awaits, Matter, State};
use serde_json::{Value, json};

use crate::support::{
    account_manager,
    acts::{AACHEN, INITIAL, KLEVE, NOT_JOINED, OTHER, STANDARD, close, id_of, next, reason, step},
    municipality, nodes, provider, steward, token, transformation_office,
};

fn code(error: &Value) -> &str {
    error["code"].as_str().unwrap()
}

on_both_databases! {
    async fn a_municipality_gets_a_product_changes_it_and_leaves(app: TestApp) {
        let (town, manager, central) = (municipality(AACHEN), account_manager("kgst-st-2"), provider("zentral-nrw"));
        let asked = app.act(&town, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        assert_eq!(asked["decision"]["approvers"], json!(["ACCOUNT_MANAGER", "STEWARD"]));
        let asked = asked["subscription"].clone();
        assert_eq!((&asked["state"], &asked["version"], &asked["quantity"]), (&json!("REQUESTED"), &json!(1), &json!(3)));
        assert_eq!((&asked["requestedFrom"], &asked["pendingChange"]), (&json!("2027-01-01"), &Value::Null));

        let approved = app.done(&manager, "approveSubscription", next(&asked, json!({ "agreedFrom": "2027-02-01", "legalBasis": "INHOUSE" }))).await;
        assert_eq!((&approved["state"], &approved["agreedFrom"]), (&json!("APPROVED"), &json!("2027-02-01")));
        assert_eq!(approved["legalBasis"], "INHOUSE");
        let active = app.done(&central, "activateSubscription", next(&approved, json!({ "on": "2026-11-23" }))).await;
        assert_eq!((&active["state"], &active["activeSince"]), (&json!("ACTIVE"), &json!("2026-11-23")));
        assert_eq!(active["termEnd"], "2029-11-22", "a term of 36 months from the first day");

        let waiting = app.done(&town, "changeSubscription", next(&active, json!({ "quantity": 9 }))).await;
        assert_eq!((&waiting["state"], &waiting["quantity"]), (&json!("ACTIVE"), &json!(3)));
        let pending = &waiting["pendingChange"];
        assert_eq!((&pending["action"], &pending["quantity"]), (&json!("CHANGE_SUBSCRIPTION"), &json!(9)));
        assert_eq!(pending["requestedBy"], format!("municipality-{AACHEN}"));
        assert_eq!(pending["expiresAt"], "2027-02-21T09:00:00.000000Z");
        let changed = app.done(&manager, "approveSubscription", next(&waiting, json!({}))).await;
        assert_eq!((&changed["quantity"], &changed["pendingChange"]), (&json!(9), &Value::Null));

        let leaving = app.done(&town, "terminateSubscription", next(&changed, json!({ "on": "2029-12-31" }))).await;
        assert_eq!((&leaving["state"], &leaving["endsOn"]), (&json!("TERMINATING"), &json!("2029-12-31")));
        assert_eq!(leaving["version"], 6);
        let staying = app.done(&town, "revokeTermination", next(&leaving, json!({}))).await;
        assert_eq!(staying["pendingChange"]["action"], "REVOKE_TERMINATION");
        let stayed = app.done(&central, "approveSubscription", next(&staying, json!({}))).await;
        assert_eq!((&stayed["state"], &stayed["endsOn"]), (&json!("ACTIVE"), &Value::Null));

        let query = "query($id: ID!) { subscription(id: $id) { history(first: 20) { totalCount edges { node { action state version role reason { code text reference } } } } } }";
        for token in [&town, &manager, &central] {
            let seen = app.data_as(token, query, json!({ "id": asked["id"] })).await;
            let history = nodes(&seen["subscription"]["history"]);
            let steps: Vec<_> = history.iter().rev().map(|entry| (entry["action"].as_str().unwrap(), entry["role"].as_str().unwrap())).collect();
            assert_eq!(steps, [
                ("REQUEST_SUBSCRIPTION", "MUNICIPALITY"),
                ("APPROVE_SUBSCRIPTION", "ACCOUNT_MANAGER"),
                ("ACTIVATE_SUBSCRIPTION", "PROVIDER"),
                ("CHANGE_SUBSCRIPTION", "MUNICIPALITY"),
                ("APPROVE_SUBSCRIPTION", "ACCOUNT_MANAGER"),
                ("TERMINATE_SUBSCRIPTION", "MUNICIPALITY"),
                ("REVOKE_TERMINATION", "MUNICIPALITY"),
                ("APPROVE_SUBSCRIPTION", "PROVIDER"),
            ]);
            assert_eq!(history[7]["reason"], reason("NEED"));
            assert_eq!(history[0]["version"], 8);
        }
        let answer = app.ask_as(&municipality(KLEVE), query, json!({ "id": asked["id"] })).await;
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "NOT_FOUND");
        assert_eq!(answer.body["data"], json!({ "subscription": null }));
    }

    async fn a_request_is_decided_by_whom_its_kind_of_product_says(app: TestApp) {
        let town = municipality(AACHEN);
        for (product, approvers, decider) in [
            (INITIAL, json!(["ACCOUNT_MANAGER", "STEWARD"]), steward()),
            (STANDARD, json!(["PROVIDER", "STEWARD"]), provider("regioit")),
            (OTHER, json!(["PROVIDER", "STEWARD"]), provider("regioit")),
        ] {
            let asked = app.act(&town, "requestSubscription", app.request_of(AACHEN, product).await).await;
            assert_eq!(asked["decision"]["approvers"], approvers, "{product:?}");
            let done = app.done(&decider, "rejectSubscription", next(&asked["subscription"], json!({}))).await;
            assert_eq!(done["state"], "REJECTED", "{product:?}");
        }
        let refused = app.act(&town, "requestSubscription", app.request_of(AACHEN, NOT_JOINED).await).await;
        assert_eq!(refused["errors"][0]["rule"], "no-rule-permits");
        let ways: Vec<_> = refused["decision"]["waysOut"].as_array().unwrap().iter().map(|way| way["kind"].clone()).collect();
        assert!(ways.contains(&json!("JOINING")), "{ways:?}");
    }

    async fn what_an_account_manager_asks_the_municipality_confirms(app: TestApp) {
        let (town, manager) = (municipality(AACHEN), account_manager("kgst-st-2"));
        let asked = app.act(&manager, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        assert_eq!(asked["decision"]["approvers"], json!(["MUNICIPALITY"]));
        let asked = asked["subscription"].clone();
        let error = app.refused(&steward(), "approveSubscription", next(&asked, json!({}))).await;
        assert_eq!((code(&error), &error["legalSteps"]), ("ILLEGAL_STEP", &json!(["CONFIRM_SUBSCRIPTION", "WITHDRAW_SUBSCRIPTION"])));
        let error = app.refused(&manager, "approveSubscription", next(&asked, json!({}))).await;
        assert_eq!((code(&error), &error["rule"]), ("FORBIDDEN", &json!("two-people")));
        let error = app.refused(&municipality(KLEVE), "confirmSubscription", next(&asked, json!({ "accept": true }))).await;
        assert_eq!(code(&error), "NOT_FOUND");
        let confirmed = app.done(&town, "confirmSubscription", next(&asked, json!({ "accept": true }))).await;
        assert_eq!((&confirmed["state"], &confirmed["agreedFrom"]), (&json!("APPROVED"), &json!("2027-01-01")));

        let active = app.done(&steward(), "activateSubscription", next(&confirmed, json!({ "on": "2026-11-20" }))).await;
        let asked = app.done(&manager, "terminateSubscription", next(&active, json!({ "on": "2030-01-31" }))).await;
        assert_eq!((&asked["state"], &asked["pendingChange"]["on"]), (&json!("ACTIVE"), &json!("2030-01-31")));
        let refused = app.done(&town, "confirmSubscription", next(&asked, json!({ "accept": false }))).await;
        assert_eq!((&refused["state"], &refused["pendingChange"]), (&json!("ACTIVE"), &Value::Null));
        let asked = app.done(&manager, "terminateSubscription", next(&refused, json!({ "on": "2030-01-31" }))).await;
        let left = app.done(&town, "confirmSubscription", next(&asked, json!({ "accept": true }))).await;
        assert_eq!((&left["state"], &left["endsOn"]), (&json!("TERMINATING"), &json!("2030-01-31")));
    }

    async fn an_account_manager_acts_for_its_groups_only(app: TestApp) {
        let error = app.refused(&account_manager("kgst-st-1"), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        assert_eq!((code(&error), &error["rule"]), ("FORBIDDEN", &json!("no-rule-permits")));
        let row = app.subscription(AACHEN, INITIAL, |_| {}).await;
        let change = step(&id_of(&row), 1, json!({ "quantity": 2 }));
        assert_eq!(code(&app.refused(&account_manager("kgst-st-1"), "changeSubscription", change).await), "NOT_FOUND");
    }

    async fn the_same_person_in_two_roles_does_not_decide_its_own(app: TestApp) {
        let both = token(json!({
            "roles": ["municipality", "account_manager", "steward"],
            "municipality": AACHEN,
            "customer_groups": ["kgst-st-2"],
        }));
        let asked = app.act(&both, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await["subscription"].clone();
        let error = app.refused(&both, "approveSubscription", next(&asked, json!({}))).await;
        assert_eq!((code(&error), &error["rule"]), ("FORBIDDEN", &json!("two-people")));
        let other = token(json!({ "roles": ["steward"], "sub": "somebody" }));
        let error = app.refused(&other, "approveSubscription", next(&asked, json!({}))).await;
        assert_eq!(error["rule"], "two-people", "another token of the same person");
        assert_eq!(app.done(&steward(), "approveSubscription", next(&asked, json!({}))).await["state"], "APPROVED");
    }

    async fn whoever_asked_can_withdraw_and_so_can_the_municipality(app: TestApp) {
        let (town, manager) = (municipality(AACHEN), account_manager("kgst-st-2"));
        for withdrawer in [&town, &manager] {
            let asked = app.done(&manager, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
            let gone = app.done(withdrawer, "withdrawSubscription", next(&asked, json!({}))).await;
            assert_eq!(gone["state"], "WITHDRAWN");
        }
        let asked = app.done(&manager, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        let error = app.refused(&steward(), "withdrawSubscription", next(&asked, json!({}))).await;
        assert_eq!(code(&error), "FORBIDDEN");
        let active = app.subscription(AACHEN, INITIAL, |_| {}).await;
        let error = app.refused(&town, "withdrawSubscription", step(&id_of(&active), 1, json!({}))).await;
        assert_eq!((code(&error), &error["legalSteps"]), ("ILLEGAL_STEP", &json!(["CHANGE_SUBSCRIPTION", "TERMINATE_SUBSCRIPTION", "MIGRATE_SUBSCRIPTION"])));
        let waiting = app.done(&town, "changeSubscription", step(&id_of(&active), 1, json!({ "quantity": 2 }))).await;
        let kept = app.done(&town, "withdrawSubscription", next(&waiting, json!({}))).await;
        assert_eq!((&kept["state"], &kept["pendingChange"], &kept["quantity"]), (&json!("ACTIVE"), &Value::Null, &json!(1)));
    }

    async fn one_change_waits_at_a_time(app: TestApp) {
        let town = municipality(AACHEN);
        let row = app.subscription(AACHEN, STANDARD, |_| {}).await;
        let waiting = app.done(&town, "changeSubscription", step(&id_of(&row), 1, json!({ "quantity": 2 }))).await;
        for (mutation, more) in [("changeSubscription", json!({ "quantity": 4 })), ("terminateSubscription", json!({ "on": "2028-01-31" }))] {
            let error = app.refused(&town, mutation, next(&waiting, more)).await;
            assert_eq!(code(&error), "ILLEGAL_STEP");
            assert_eq!(error["legalSteps"], json!(["APPROVE_SUBSCRIPTION", "REJECT_SUBSCRIPTION", "WITHDRAW_SUBSCRIPTION"]));
        }
        let dropped = app.done(&provider("regioit"), "rejectSubscription", next(&waiting, json!({}))).await;
        assert_eq!((&dropped["state"], &dropped["quantity"], &dropped["pendingChange"]), (&json!("ACTIVE"), &json!(1), &Value::Null));
    }

    async fn a_request_without_approval_is_agreed_at_once(app: TestApp) {
        app.enter_phase("INTEGRATION").await;
        let town = municipality(AACHEN);
        let asked = app.act(&town, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        assert_eq!((&asked["decision"]["needsApproval"], &asked["decision"]["approvers"]), (&json!(false), &json!([])));
        let agreed = &asked["subscription"];
        assert_eq!((&agreed["state"], &agreed["agreedFrom"], &agreed["version"]), (&json!("APPROVED"), &json!("2027-01-01"), &json!(1)));
        let row = app.subscription(AACHEN, INITIAL, |_| {}).await;
        let changed = app.done(&town, "changeSubscription", step(&id_of(&row), 1, json!({ "quantity": 7 }))).await;
        assert_eq!((&changed["quantity"], &changed["pendingChange"]), (&json!(7), &Value::Null));
    }

    async fn before_the_founding_interest_is_the_only_way_in(app: TestApp) {
        app.enter_phase("PREPARATION").await;
        let town = municipality(AACHEN);
        let mut input = app.request_of(AACHEN, INITIAL).await;
        let error = app.refused(&town, "requestSubscription", input.clone()).await;
        assert_eq!((code(&error), &error["rule"]), ("FORBIDDEN", &json!("no-rule-permits")));
        input["from"] = Value::Null;
        let interest = app.done(&town, "declareInterest", input).await;
        assert_eq!((&interest["state"], &interest["requestedFrom"]), (&json!("INTEREST"), &Value::Null));
        assert_eq!(app.done(&town, "withdrawSubscription", next(&interest, json!({}))).await["state"], "WITHDRAWN");
    }

    async fn a_steward_decides_what_an_earlier_phase_left_open(app: TestApp) {
        let open = |row: &mut crate::support::acts::Row| {
            row.state = State::Requested;
            row.open_matter = Some(Matter::Request);
            row.awaits = Some(Awaits::Approval);
            row.asked_in = Some(entity::phase::Key::Preparation);
        };
        let row = app.subscription(AACHEN, NOT_JOINED, open).await;
        let approved = app.act(&steward(), "approveSubscription", step(&id_of(&row), 1, json!({}))).await;
        assert_eq!(approved["decision"]["rule"]["id"], "steward-approves-what-an-earlier-phase-left-open");
        let now = app.subscription(AACHEN, NOT_JOINED, |row| { open(row); row.asked_in = Some(entity::phase::Key::Foundation); }).await;
        assert_eq!(code(&app.refused(&steward(), "approveSubscription", step(&id_of(&now), 1, json!({}))).await), "FORBIDDEN");
    }

    async fn a_provider_ends_what_was_reported_or_is_phased_out(app: TestApp) {
        use entity::product_subscription::Origin;
        let central = provider("zentral-nrw");
        let reported = app.subscription(AACHEN, INITIAL, |row| row.origin = Origin::Reported).await;
        let ended = app.done(&central, "terminateSubscription", step(&id_of(&reported), 1, json!({ "on": "2027-06-30" }))).await;
        assert_eq!(ended["state"], "TERMINATING");
        let requested = app.subscription(AACHEN, INITIAL, |_| {}).await;
        let error = app.refused(&central, "terminateSubscription", step(&id_of(&requested), 1, json!({ "on": "2027-06-30" }))).await;
        assert_eq!(code(&error), "FORBIDDEN");
        let phased_out = app.subscription(AACHEN, ("regioit", "BAU-02"), |_| {}).await;
        let act = app.act(&provider("regioit"), "terminateSubscription", step(&id_of(&phased_out), 1, json!({ "on": "2027-06-30" }))).await;
        assert_eq!(act["decision"]["rule"]["id"], "own-provider-ends-phased-out-product");
    }

    async fn a_product_in_phase_out_takes_no_new_subscription_but_lets_one_change_and_end(app: TestApp) {
        let (town, phased_out) = (municipality(AACHEN), ("regioit", "BAU-02"));
        for mutation in ["requestSubscription", "declareInterest"] {
            let error = app.refused(&town, mutation, app.request_of(AACHEN, phased_out).await).await;
            assert_eq!((code(&error), &error["rule"]), ("FORBIDDEN", &json!("lifecycle")));
        }
        let row = app.subscription(AACHEN, phased_out, |_| {}).await;
        let waiting = app.done(&town, "changeSubscription", step(&id_of(&row), 1, json!({ "quantity": 2 }))).await;
        let changed = app.done(&provider("regioit"), "approveSubscription", next(&waiting, json!({}))).await;
        assert_eq!(app.done(&town, "terminateSubscription", next(&changed, json!({ "on": "2027-06-30" }))).await["state"], "TERMINATING");
        let retired = app.subscription(AACHEN, ("regioit", "ARB-04"), |_| {}).await;
        let error = app.refused(&town, "changeSubscription", step(&id_of(&retired), 1, json!({ "quantity": 2 }))).await;
        assert_eq!(error["rule"], "lifecycle");
    }

    async fn a_planned_product_can_be_requested_for_its_day(app: TestApp) {
        let (town, planned) = (municipality(AACHEN), ("regioit", "BAS-11"));
        let mut input = app.request_of(AACHEN, planned).await;
        let refused = app.act(&town, "requestSubscription", input.clone()).await;
        assert_eq!(refused["errors"][0]["rule"], "lifecycle");
        let ways = refused["decision"]["waysOut"].as_array().unwrap();
        let date = ways.iter().find(|way| way["kind"] == "DATE").unwrap();
        assert_eq!(date["date"], "2027-02-01");
        input["from"] = date["date"].clone();
        assert_eq!(app.done(&town, "requestSubscription", input).await["state"], "REQUESTED");
    }

    async fn what_is_not_offered_here_names_what_is(app: TestApp) {
        let refused = app.act(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, ("krzn", "DMS-02")).await).await;
        assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["rule"]), (&json!("FORBIDDEN"), &json!("not-offered")));
        let ways = refused["decision"]["waysOut"].as_array().unwrap();
        let product = ways.iter().find(|way| way["kind"] == "PRODUCT").unwrap()["product"]["id"].clone();
        let mut input = app.request_of(AACHEN, INITIAL).await;
        input["product"] = product;
        assert_eq!(app.done(&municipality(AACHEN), "requestSubscription", input).await["state"], "REQUESTED");
    }

    async fn what_is_due_counts_as_done(app: TestApp) {
        let town = municipality(AACHEN);
        let past = "2026-11-23T08:59:59Z".parse().unwrap();
        let expired = app.subscription(AACHEN, INITIAL, |row| {
            row.state = State::Requested;
            row.open_matter = Some(Matter::Request);
            row.awaits = Some(Awaits::Approval);
            row.expires_at = Some(past);
        }).await;
        let ended = app.subscription(AACHEN, INITIAL, |row| {
            row.state = State::Terminating;
            row.ends_on = "2026-11-22".parse().ok();
        }).await;
        let last_day = app.subscription(AACHEN, INITIAL, |row| {
            row.state = State::Terminating;
            row.ends_on = "2026-11-23".parse().ok();
        }).await;
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on ProductSubscription { state } } }";
        let ids = [&expired, &ended, &last_day].map(id_of);
        let seen = app.data_as(&town, query, json!({ "ids": ids })).await;
        assert_eq!(seen["nodes"], json!([{ "state": "EXPIRED" }, { "state": "ENDED" }, { "state": "TERMINATING" }]));
        let error = app.refused(&steward(), "approveSubscription", step(&id_of(&expired), 1, json!({}))).await;
        assert_eq!(code(&error), "EXPIRED");
        assert_eq!(code(&app.refused(&town, "revokeTermination", step(&id_of(&ended), 1, json!({}))).await), "ILLEGAL_STEP");
        let revoked = app.done(&town, "revokeTermination", step(&id_of(&last_day), 1, json!({}))).await;
        assert_eq!(revoked["pendingChange"]["action"], "REVOKE_TERMINATION");
        let pending = app.subscription(AACHEN, INITIAL, |row| {
            row.open_matter = Some(Matter::Change);
            row.awaits = Some(Awaits::Approval);
            row.open_quantity = Some(5);
            row.expires_at = Some(past);
        }).await;
        let changed = app.done(&town, "changeSubscription", step(&id_of(&pending), 1, json!({ "quantity": 6 }))).await;
        assert_eq!(changed["pendingChange"]["quantity"], 6, "what expired makes room");
    }

    async fn the_same_key_changes_nothing_twice(app: TestApp) {
        let town = municipality(AACHEN);
        let input = app.request_of(AACHEN, INITIAL).await;
        let first = app.act(&town, "requestSubscription", input.clone()).await;
        let again = app.act(&town, "requestSubscription", input.clone()).await;
        assert_eq!(first["subscription"], again["subscription"]);
        assert_eq!((&again["decision"]["rule"], &again["decision"]["approvers"]), (&first["decision"]["rule"], &first["decision"]["approvers"]));
        let mut other = input.clone();
        other["quantity"] = json!(4);
        assert_eq!(code(&app.refused(&town, "requestSubscription", other).await), "IDEMPOTENCY_KEY_REUSED");
        // Another person's key, and another mutation's, is another key.
        let manager = app.done(&account_manager("kgst-st-2"), "requestSubscription", input.clone()).await;
        assert_ne!(manager["id"], first["subscription"]["id"]);
        let interest = app.done(&town, "declareInterest", input.clone()).await;
        assert_eq!(interest["state"], "INTEREST");
        // A refusal is not kept: the key is free.
        let mut refused = app.request_of(KLEVE, INITIAL).await;
        assert_eq!(code(&app.refused(&town, "requestSubscription", refused.clone()).await), "FORBIDDEN");
        refused["subscriber"] = json!({ "municipality": { "ags": AACHEN } });
        assert_eq!(app.done(&town, "requestSubscription", refused).await["state"], "REQUESTED");
        let approve = next(&first["subscription"], json!({}));
        let approved = app.done(&steward(), "approveSubscription", approve.clone()).await;
        assert_eq!(app.done(&steward(), "approveSubscription", approve).await, approved);
    }

    async fn a_stale_version_shows_the_current_one(app: TestApp) {
        let row = app.subscription(AACHEN, INITIAL, |row| row.version = 7).await;
        let payload = app.act(&municipality(AACHEN), "changeSubscription", step(&id_of(&row), 6, json!({ "quantity": 2 }))).await;
        let error = &payload["errors"][0];
        assert_eq!((code(error), &error["currentVersion"], &error["path"]), ("CONFLICT", &json!(7), &json!(["input", "version"])));
        assert_eq!(payload["subscription"]["version"], 7);
        let error = app.refused(&transformation_office(), "changeSubscription", step(&id_of(&row), 6, json!({ "quantity": 2 }))).await;
        assert_eq!(code(&error), "FORBIDDEN", "who has no right learns of that, not of versions");
    }

    async fn a_provider_can_take_products_too(app: TestApp) {
        let own = provider("regioit");
        let mut input = app.request_of(AACHEN, INITIAL).await;
        input["subscriber"] = json!({ "provider": { "key": "regioit" } });
        let asked = app.done(&own, "requestSubscription", input.clone()).await;
        assert_eq!((&asked["state"], &asked["subscriber"]["key"]), (&json!("REQUESTED"), &json!("regioit")));
        assert_eq!(app.done(&steward(), "approveSubscription", next(&asked, json!({}))).await["state"], "APPROVED");
        input["subscriber"] = json!({ "provider": { "key": "krzn" } });
        input["idempotencyKey"] = json!("another");
        assert_eq!(code(&app.refused(&own, "requestSubscription", input).await), "FORBIDDEN");
        let mut row = app.subscription(AACHEN, INITIAL, |_| {}).await;
        close(&mut row);
        assert_eq!(code(&app.refused(&own, "changeSubscription", step(&id_of(&row), 1, json!({ "quantity": 2 }))).await), "NOT_FOUND");
    }

    async fn what_is_over_does_not_come_back(app: TestApp) {
        let row = app.subscription(AACHEN, INITIAL, |row| {
            row.state = State::Terminating;
            row.ends_on = "2026-11-22".parse().ok();
            row.open_matter = Some(Matter::Revocation);
            row.awaits = Some(Awaits::Approval);
        }).await;
        let error = app.refused(&steward(), "approveSubscription", step(&id_of(&row), 1, json!({}))).await;
        assert_eq!((code(&error), &error["legalSteps"]), ("ILLEGAL_STEP", &json!([])));
        let open = app.subscription(AACHEN, INITIAL, |row| {
            row.state = State::Terminating;
            row.ends_on = "2026-12-24".parse().ok();
        }).await;
        let asked = app.done(&municipality(AACHEN), "revokeTermination", step(&id_of(&open), 1, json!({}))).await;
        assert_eq!(asked["pendingChange"]["expiresAt"], "2026-12-24T23:00:00.000000Z", "until the end of the last day in Berlin");
    }

    async fn a_notice_that_waits_expires_when_it_is_too_late_to_confirm_it(app: TestApp) {
        let row = app.subscription(AACHEN, INITIAL, |row| row.notice_months = 1).await;
        let manager = account_manager("kgst-st-2");
        let asked = app.done(&manager, "terminateSubscription", step(&id_of(&row), 1, json!({ "on": "2026-12-31" }))).await;
        assert_eq!(asked["pendingChange"]["expiresAt"], "2026-11-30T23:00:00.000000Z");
        let confirm = next(&asked, json!({ "accept": true }));
        let town = crate::support::token(json!({ "roles": ["municipality"], "municipality": AACHEN, "exp": 4_000_000_000_i64 }));
        let on_time = app.at("2026-11-30T22:59:59Z").await;
        let later = app.at("2026-11-30T23:00:00Z").await;
        assert_eq!(code(&later.refused(&town, "confirmSubscription", confirm.clone()).await), "EXPIRED");
        assert_eq!(on_time.done(&town, "confirmSubscription", confirm).await["endsOn"], "2026-12-31");
    }

    async fn a_request_that_is_repeated_on_another_day_is_the_same_request(app: TestApp) {
        let mut input = app.request_of(AACHEN, INITIAL).await;
        input["from"] = json!("2026-11-23");
        let first = app.done(&municipality(AACHEN), "requestSubscription", input.clone()).await;
        let tomorrow = app.at("2026-11-23T09:50:00Z").await;
        assert_eq!(tomorrow.done(&municipality(AACHEN), "requestSubscription", input.clone()).await, first);
        input["idempotencyKey"] = json!("another");
        let next_day = app.at("2026-11-24T08:00:00Z").await;
        let token = crate::support::token(json!({ "roles": ["municipality"], "municipality": AACHEN, "exp": 4_000_000_000_i64, "sub": format!("municipality-{AACHEN}") }));
        assert_eq!(code(&next_day.refused(&token, "requestSubscription", input.clone()).await), "BAD_USER_INPUT");
        input["idempotencyKey"] = json!("k");
        let again = app.done(&token, "requestSubscription", input.clone()).await;
        assert_eq!(next_day.done(&token, "requestSubscription", input).await, again);
    }

    async fn an_approval_looks_at_the_product_again(app: TestApp) {
        let open = |row: &mut crate::support::acts::Row| {
            row.state = State::Requested;
            row.open_matter = Some(Matter::Request);
            row.awaits = Some(Awaits::Approval);
            row.requested_from = "2027-01-01".parse().ok();
        };
        let phased_out = app.subscription(AACHEN, ("regioit", "BAU-02"), open).await;
        let error = app.refused(&steward(), "approveSubscription", step(&id_of(&phased_out), 1, json!({}))).await;
        assert_eq!((code(&error), &error["rule"]), ("FORBIDDEN", &json!("lifecycle")));
        assert_eq!(app.done(&steward(), "rejectSubscription", step(&id_of(&phased_out), 1, json!({}))).await["state"], "REJECTED");
        let planned = app.subscription(AACHEN, ("regioit", "BAS-11"), open).await;
        let early = step(&id_of(&planned), 1, json!({ "agreedFrom": "2027-01-31" }));
        let error = app.refused(&steward(), "approveSubscription", early).await;
        assert_eq!((code(&error), &error["earliest"]), ("BAD_USER_INPUT", &json!("2027-02-01")));
        let approved = app.done(&steward(), "approveSubscription", step(&id_of(&planned), 1, json!({}))).await;
        assert_eq!(approved["agreedFrom"], "2027-02-01", "the first day of the product, when that has become later");
        let agreed = app.subscription(AACHEN, ("regioit", "BAS-11"), |row| row.state = State::Approved).await;
        let early = step(&id_of(&agreed), 1, json!({ "on": "2026-11-23" }));
        let error = app.refused(&provider("regioit"), "activateSubscription", early).await;
        assert_eq!((code(&error), &error["path"], &error["earliest"]), ("BAD_USER_INPUT", &json!(["input", "on"]), &json!("2027-02-01")));
        let gone = app.subscription(AACHEN, ("regioit", "ARB-04"), |row| row.state = State::Approved).await;
        let error = app.refused(&provider("regioit"), "activateSubscription", step(&id_of(&gone), 1, json!({ "on": "2026-11-23" }))).await;
        assert_eq!(error["rule"], "lifecycle");
    }

    async fn who_can_never_approve_is_not_named(app: TestApp) {
        let mut input = app.request_of(AACHEN, INITIAL).await;
        input["subscriber"] = json!({ "provider": { "key": "regioit" } });
        let asked = app.act(&provider("regioit"), "requestSubscription", input).await;
        assert_eq!(asked["decision"]["approvers"], json!(["STEWARD"]), "a provider is in no customer group");
    }

    async fn approving_a_change_changes_nothing_else(app: TestApp) {
        use entity::product_subscription::LegalBasis;
        let row = app.subscription(AACHEN, INITIAL, |row| row.legal_basis = Some(LegalBasis::Tender)).await;
        let waiting = app.done(&municipality(AACHEN), "changeSubscription", step(&id_of(&row), 1, json!({ "quantity": 5 }))).await;
        let more = json!({ "legalBasis": "INHOUSE", "agreedFrom": "2020-05-01" });
        let changed = app.done(&steward(), "approveSubscription", next(&waiting, more)).await;
        assert_eq!((&changed["quantity"], &changed["legalBasis"]), (&json!(5), &json!("TENDER")));
        assert_eq!(changed["agreedFrom"], waiting["agreedFrom"]);
    }
}
