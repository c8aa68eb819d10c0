//! The chain of the audit trail: nothing in it is changed, removed, moved or rewritten unnoticed.

use entity::audit_event::{self, Column};
use itkatalog::audit::{self, Fault, Head};
use sea_orm::{ColumnTrait, IdenStatic, Iterable};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, INITIAL, next},
    breaks_at, municipality,
};

/// An event in which every column holds something: its place among all.
async fn full_event(app: &TestApp) -> usize {
    let asked = app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
    app.done(&account_manager("kgst-st-2"), "approveSubscription", next(&asked, json!({}))).await;
    app.events().await.len() - 1
}

/// The same event with another value in one column.
fn with(event: &audit_event::Model, column: Column, value: Value) -> audit_event::Model {
    let mut json = serde_json::to_value(event).unwrap();
    json[column.as_str()] = value;
    serde_json::from_value(json).unwrap()
}

fn other(column: Column, value: &Value) -> Value {
    match (column, value) {
        (Column::At, _) => json!("2026-11-23T09:00:00.000001Z"),
        (Column::Outcome, _) => json!("REFUSED"),
        (Column::EntityId, _) => json!("00000000-0000-0000-0000-000000000001"),
        (_, Value::Number(number)) => json!(number.as_i64().unwrap() + 1),
        (_, Value::String(text)) => json!(format!("{text}x")),
        (_, value) => panic!("{column:?} holds nothing: {value}"),
    }
}

/// The trail from an event on as somebody would write it who knows how: hashes and all.
fn rewritten(events: &[audit_event::Model], from: usize) -> Vec<audit_event::Model> {
    let mut events = events.to_vec();
    events[from].subject = "somebody else".to_owned();
    for place in from..events.len() {
        if place > from {
            events[place].previous_hash = events[place - 1].hash.clone();
        }
        events[place] = audit::seal(events[place].clone());
    }
    events
}

on_both_databases! {
    async fn a_change_of_any_column_is_found(app: TestApp) {
        let place = full_event(app).await;
        app.unprotect().await;
        let events = app.events().await;
        let values = serde_json::to_value(&events[place]).unwrap();
        assert_eq!(values.as_object().unwrap().len(), Column::iter().count());
        for column in Column::iter() {
            let value = &values[column.as_str()];
            let mut tries = vec![other(column, value)];
            // A text of a reason may be erased, see below.
            if column.def().is_null() && !matches!(column, Column::ReasonText) { tries.push(Value::Null) }
            for try_ in tries {
                let mut tampered = events.clone();
                tampered[place] = with(&events[place], column, try_.clone());
                app.replace_events(&tampered).await;
                assert_eq!(breaks_at(app.verify().await), events[place].sequence, "{column:?} = {try_}");
            }
        }
        app.replace_events(&events).await;
        app.verify().await.unwrap();
    }

    async fn an_event_that_was_removed_or_moved_is_found(app: TestApp) {
        app.some_events().await;
        app.unprotect().await;
        let events = app.events().await;
        for place in 0..events.len() {
            let mut fewer = events.clone();
            fewer.remove(place);
            app.replace_events(&fewer).await;
            assert_eq!(breaks_at(app.verify().await), events[place].sequence);
        }
        let mut moved = events.clone();
        (moved[2].sequence, moved[3].sequence) = (4, 3);
        app.replace_events(&moved).await;
        assert_eq!(breaks_at(app.verify().await), 3, "two events changed places");
        app.replace_events(&events).await;
        assert_eq!(app.verify().await.unwrap().head, app.head().await);
        app.execute("UPDATE record_heads SET audit_hash = 'x' || audit_hash").await.unwrap();
        assert_eq!(breaks_at(app.verify().await), 6, "the head");
        assert_eq!(breaks_at(audit::head(app.server.database()).await.map(|_| unreachable!())), 6);
    }

    async fn a_trail_that_was_cut_off_together_with_its_head_is_found_by_a_head_kept_elsewhere(app: TestApp) {
        app.some_events().await;
        let kept = app.head().await;
        app.verify_head(&kept, &[]).await.unwrap();
        app.unprotect().await;
        app.execute("DELETE FROM audit_events WHERE sequence = 5").await.unwrap();
        app.rewrite_head().await;
        app.verify().await.unwrap();
        assert_eq!(breaks_at(app.verify_head(&kept, &[]).await), 5);
    }

    async fn a_tail_that_was_rewritten_with_its_hashes_is_found_by_a_head_kept_elsewhere(app: TestApp) {
        app.some_events().await;
        let kept = app.head().await;
        let events = app.events().await;
        app.unprotect().await;
        app.replace_events(&rewritten(&events, 2)).await;
        app.rewrite_head().await;
        app.verify().await.unwrap();
        assert_eq!(breaks_at(app.verify_head(&kept, &[]).await), 5);
        let earlier = |place: usize| Head { sequence: events[place].sequence, hash: events[place].hash.clone() };
        assert_eq!(breaks_at(app.verify_head(&earlier(2), &[]).await), 3);
        app.verify_head(&earlier(1), &[]).await.unwrap();
    }

    async fn a_head_of_any_event_is_found_again_and_a_trail_may_grow_after_it(app: TestApp) {
        let mut heads = vec![Head::genesis(), app.head().await];
        app.some_events().await;
        heads.extend(app.events().await.into_iter().map(|event| Head { sequence: event.sequence, hash: event.hash }));
        for head in heads {
            app.verify_head(&head, &[]).await.unwrap();
            assert_eq!(head.to_string().parse(), Ok(head));
        }
    }

    async fn the_database_refuses_to_rewrite_the_trail(app: TestApp) {
        app.some_events().await;
        for statement in [
            "UPDATE audit_events SET subject = 'somebody' WHERE sequence = 3",
            "UPDATE audit_events SET rule = NULL WHERE sequence = 3",
            "UPDATE audit_events SET policies = 'other' WHERE sequence = 3",
            "UPDATE audit_events SET policies = NULL WHERE sequence = 3",
            "UPDATE audit_events SET reason_text = 'other' WHERE sequence = 3",
            "UPDATE audit_events SET after = '{}' WHERE sequence = 3",
            "DELETE FROM audit_events WHERE sequence = 5",
            "DELETE FROM audit_events",
        ] {
            let error = app.execute(statement).await.unwrap_err().to_string();
            assert!(error.contains("append-only"), "{statement}: {error}");
        }
    }

    async fn what_has_to_be_erased_can_be_because_the_chain_holds_its_digest(app: TestApp) {
        app.some_events().await;
        app.execute("UPDATE audit_events SET reason_text = NULL WHERE sequence = 4").await.unwrap();
        app.execute("UPDATE audit_events SET reason_text = NULL, salt = NULL, before = NULL, after = NULL WHERE sequence = 3").await.unwrap();
        assert_eq!(app.verify().await.unwrap().head, app.head().await);
    }

    async fn events_from_before_the_policies_were_recorded_still_hold(app: TestApp) {
        app.some_events().await;
        app.unprotect().await;
        let mut events: Vec<_> = app.events().await.into_iter().map(|event| audit_event::Model { policies: None, ..event }).collect();
        for place in 0..events.len() {
            if place > 0 { events[place].previous_hash = events[place - 1].hash.clone() }
            events[place] = audit::seal(events[place].clone());
        }
        app.replace_events(&events).await;
        app.rewrite_head().await;
        app.verify().await.unwrap();
        app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, ("regioit", "DMS-02")).await).await;
        assert!(app.events().await.pop().unwrap().policies.is_some());
        app.verify().await.unwrap();
    }
}

/// The formula is frozen: the hash was computed by another program from the JSON of the tuples.
#[test]
fn an_event_without_policies_keeps_the_hash_that_it_always_had() {
    let event = audit_event::Model {
        sequence: 1,
        at: "2026-01-01T00:00:00Z".parse().unwrap(),
        action: "END".to_owned(),
        outcome: audit_event::Outcome::Committed,
        issuer: "itkatalog".to_owned(),
        subject: "tick".to_owned(),
        roles: "[]".to_owned(),
        organisation: None,
        entity_type: None,
        entity_id: None,
        before: None,
        after: None,
        content_digest: None,
        reason_code: Some("OTHER".to_owned()),
        reason_text: None,
        reason_digest: None,
        reason_reference: None,
        rule: None,
        policies: None,
        request_id: None,
        salt: None,
        previous_hash: "0".repeat(64),
        hash: "8fdb681765331db3b09341c4dfe3381dcf9df275772154f3b3426d03037af33d".to_owned(),
    };
    assert!(audit::holds(&event));
    assert!(!audit::holds(&audit_event::Model { policies: Some(String::new()), ..event }));
}

#[test]
fn a_malformed_head_is_told_how_it_should_look() {
    let hash = "0".repeat(64);
    for text in [
        "",
        "5",
        &hash,
        &format!("5 {hash}"),
        &format!("-1:{hash}"),
        &format!("5:{}", &hash[1..]),
        &format!("5:{}X", &hash[1..]),
    ] {
        assert!(text.parse::<Head>().unwrap_err().contains("SEQUENCE:HASH"), "{text}");
    }
    let fault = Fault::BreaksAt { sequence: 3, why: "it was changed".to_owned() };
    assert_eq!(fault.to_string(), "the audit trail breaks at event 3: it was changed");
}
