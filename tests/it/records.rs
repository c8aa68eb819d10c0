//! The audit trail and the change feed: without gaps, chained, in the order of commits, from the first write on.

use entity::{audit_event, change, product_subscription, subscription_history};
use itkatalog::{audit, database::writes_together};
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::json;

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, KLEVE, id_of, next, step},
    municipality, provider, steward, token,
};

async fn events(app: &TestApp) -> Vec<audit_event::Model> {
    let db = app.server.database().connection();
    audit_event::Entity::find().order_by_asc(audit_event::Column::Sequence).all(db).await.unwrap()
}

async fn changes(app: &TestApp) -> Vec<change::Model> {
    let db = app.server.database().connection();
    change::Entity::find().order_by_asc(change::Column::Sequence).all(db).await.unwrap()
}

fn assert_chain(events: &[audit_event::Model]) {
    let mut previous = "0".repeat(64);
    for (event, sequence) in events.iter().zip(1..) {
        assert_eq!(event.sequence, sequence);
        assert_eq!(event.previous_hash, previous);
        assert!(audit::holds(event), "{event:?}");
        previous.clone_from(&event.hash);
    }
}

on_both_databases! {
    async fn loading_data_is_a_write_like_any_other(app: TestApp) {
        let events = events(app).await;
        let actions: Vec<_> = events.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(actions, ["LOAD_REFERENCE_DATA", "LOAD_SAMPLE_DATA"]);
        assert_chain(&events);
        let changes = changes(app).await;
        assert!(changes.iter().zip(1..).all(|(change, sequence)| change.sequence == sequence));
        let count = |kind: change::Type| changes.iter().filter(|change| change.kind == kind).count();
        assert_eq!(count(change::Type::Municipality), 427);
        let db = app.server.database().connection();
        let subscriptions = product_subscription::Entity::find().all(db).await.unwrap();
        assert_eq!(count(change::Type::ProductSubscription), subscriptions.len());
        // Every version of every sample subscription has its entry in the history.
        let history = subscription_history::Entity::find().all(db).await.unwrap();
        assert_eq!(history.len() as i64, subscriptions.iter().map(|row| row.version).sum::<i64>());
    }

    async fn what_a_change_writes_is_sent_together_where_the_database_takes_it_so(app: TestApp) {
        let (town, input) = (municipality(AACHEN), app.request_of(AACHEN, INITIAL).await);
        let database = app.server.database();
        let before = database.statements();
        app.done(&town, "requestSubscription", input).await;
        let taken = database.statements() - before;
        assert_eq!(taken, if writes_together(database.connection()) { 3 } else { 9 }, "beginning, locking and committing aside");
    }

    async fn a_change_has_one_event_and_one_entry_and_a_refusal_an_event_only(app: TestApp) {
        let (before_events, before_changes) = (events(app).await.len(), changes(app).await.len());
        let town = municipality(AACHEN);
        let asked = app.done(&town, "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        let approved = app.done(&account_manager("kgst-st-2"), "approveSubscription", next(&asked, json!({}))).await;
        app.refused(&town, "activateSubscription", next(&approved, json!({ "on": "2026-11-23" }))).await;
        app.refused(&town, "terminateSubscription", next(&approved, json!({ "on": "2027-11-23" }))).await;
        app.refused(&town, "requestSubscription", app.request_of(KLEVE, INITIAL).await).await;
        app.refused(&municipality(KLEVE), "withdrawSubscription", next(&approved, json!({}))).await;
        // Somebody else was faster: no rule refused.
        app.refused(&steward(), "activateSubscription", next(&asked, json!({ "on": "2026-11-23" }))).await;
        let events = events(app).await;
        assert_chain(&events);
        let told: Vec<_> = events[before_events..].iter().map(|event| {
            (event.action.as_str(), event.outcome, event.rule.as_deref().unwrap())
        }).collect();
        use audit_event::Outcome::{Committed, Refused};
        assert_eq!(told, [
            ("REQUEST_SUBSCRIPTION", Committed, "own-municipality-requests-initial-portfolio"),
            ("APPROVE_SUBSCRIPTION", Committed, "account-manager-approves-initial-portfolio"),
            ("ACTIVATE_SUBSCRIPTION", Refused, "no-rule-permits"),
            ("TERMINATE_SUBSCRIPTION", Refused, "legal-step"),
            ("REQUEST_SUBSCRIPTION", Refused, "no-rule-permits"),
                ("WITHDRAW_SUBSCRIPTION", Refused, "no-rule-permits"),
        ]);
        let approval = &events[before_events + 1];
        assert_eq!((approval.issuer.as_str(), approval.subject.as_str()), ("https://issuer.example", "manager-kgst-st-2"));
        assert_eq!(approval.roles, "[\"ACCOUNT_MANAGER\"]");
        let before: serde_json::Value = serde_json::from_str(approval.before.as_ref().unwrap()).unwrap();
        let after: serde_json::Value = serde_json::from_str(approval.after.as_ref().unwrap()).unwrap();
        assert_eq!((&before["state"], &before["version"], &after["state"], &after["version"]), (&json!("REQUESTED"), &json!(1), &json!("APPROVED"), &json!(2)));
        assert_eq!((approval.reason_code.as_deref(), approval.reason_text.as_deref()), (Some("OTHER"), Some("Probe")));
        assert!(approval.request_id.is_some());
        let changes = changes(app).await;
        let told: Vec<_> = changes[before_changes..].iter().map(|change| (change.kind, change.entity_version)).collect();
        assert_eq!(told, [(change::Type::ProductSubscription, Some(1)), (change::Type::ProductSubscription, Some(2))]);
        assert!(changes.iter().zip(1..).all(|(change, sequence)| change.sequence == sequence));
    }

    async fn of_two_hundred_approvals_at_once_exactly_one_wins(app: TestApp) {
        let asked = app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        let stewards: Vec<String> = (0..200).map(|number| token(json!({ "roles": ["steward"], "sub": format!("steward-{number}") }))).collect();
        let approvals = stewards.iter().map(|steward| app.act(steward, "approveSubscription", next(&asked, json!({}))));
        let payloads = futures_util::future::join_all(approvals).await;
        let winners = payloads.iter().filter(|payload| payload["errors"] == json!([])).count();
        let losers = payloads.iter().filter(|payload| payload["errors"][0]["code"] == "CONFLICT");
        assert_eq!((winners, losers.count()), (1, 199));
        let events = events(app).await;
        assert_chain(&events);
        assert_eq!(events.iter().filter(|event| event.action == "APPROVE_SUBSCRIPTION").count(), 1);
        let seen = app.data_as(&steward(), "query($id: ID!) { subscription(id: $id) { version state } }", json!({ "id": asked["id"] })).await;
        assert_eq!(seen["subscription"], json!({ "version": 2, "state": "APPROVED" }));
    }

    async fn one_request_sent_many_times_at_once_happens_once(app: TestApp) {
        let town = municipality(AACHEN);
        let input = app.request_of(AACHEN, INITIAL).await;
        let payloads = futures_util::future::join_all((0..20).map(|_| app.act(&town, "requestSubscription", input.clone()))).await;
        assert!(payloads.iter().all(|payload| payload["errors"] == json!([]) && payload["subscription"] == payloads[0]["subscription"]));
        let approve = next(&payloads[0]["subscription"], json!({}));
        let steward = steward();
        let payloads = futures_util::future::join_all((0..20).map(|_| app.act(&steward, "approveSubscription", approve.clone()))).await;
        assert!(payloads.iter().all(|payload| payload["errors"] == json!([]) && payload["subscription"]["version"] == 2), "{payloads:?}");
    }

    async fn writers_beside_each_other_leave_no_gap_and_no_fork(app: TestApp) {
        let mut rows = Vec::new();
        for _ in 0..20 {
            rows.push(app.subscription(AACHEN, INITIAL, |row| row.state = entity::product_subscription::State::Approved).await);
        }
        let (before_events, before_changes) = (events(app).await.len(), changes(app).await.len());
        let central = provider("zentral-nrw");
        let town = municipality(AACHEN);
        let activations = rows.iter().map(|row| app.act(&central, "activateSubscription", step(&id_of(row), 1, json!({ "on": "2026-11-23" }))));
        let refusals = rows.iter().map(|row| app.act(&town, "activateSubscription", step(&id_of(row), 1, json!({ "on": "2026-11-23" }))));
        let (done, refused) = futures_util::future::join(futures_util::future::join_all(activations), futures_util::future::join_all(refusals)).await;
        assert!(done.iter().all(|payload| payload["errors"] == json!([])) && refused.iter().all(|payload| payload["errors"][0]["code"] == "FORBIDDEN"));
        let (events, changes) = (events(app).await, changes(app).await);
        assert_chain(&events);
        assert_eq!((events.len() - before_events, changes.len() - before_changes), (40, 20));
        assert!(changes.iter().zip(1..).all(|(change, sequence)| change.sequence == sequence));
    }
}
