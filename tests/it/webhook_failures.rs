//! Receivers that fail: tried again for three days, in order, without losing anything and without holding up others.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use entity::webhook_delivery::Outcome;
use itkatalog::changes::remove_before;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::support::{
    TestApp, clock,
    receiver::{Heard, Receiver, Reply},
    webhooks::{after, new},
};

const NOTHING: TimeDelta = TimeDelta::zero();

fn thing(heard: &Heard) -> String {
    heard.body["data"]["entityId"].as_str().unwrap().to_owned()
}

/// Everything was taken once, and of each thing in order.
fn assert_in_order(taken: &[Heard], expected: impl Iterator<Item = i64>) {
    let mut all: Vec<i64> = taken.iter().map(Heard::sequence).collect();
    let mut things: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for heard in taken {
        things.entry(thing(heard)).or_default().push(heard.sequence());
    }
    assert!(things.values().all(|sequences| sequences.is_sorted()), "{things:?}");
    all.sort_unstable();
    all.dedup();
    assert!(all.into_iter().eq(expected));
}

fn again(webhook: &Value, version: i64, url: &str) -> Value {
    let mut input = new(url);
    input["webhook"] = webhook["id"].clone();
    input["version"] = json!(version);
    input
}

async fn outcome(app: &TestApp) -> Outcome {
    app.attempts().await.last().unwrap().outcome
}

on_both_databases! {
    async fn what_fails_is_tried_for_three_days_then_the_webhook_is_disabled_and_nothing_is_lost(app: TestApp) {
        let receiver = Receiver::start(|_| Reply::Status(500)).await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        let first = app.changes_of(&[1, 1, 2]).await;
        app.round(NOTHING).await;
        assert_eq!(app.webhook(&webhook["id"]).await["failingSince"], json!("2026-11-23T09:00:00.000000Z"));
        let (mut rounds, mut waited) = (0, TimeDelta::zero());
        while let Some(retry_at) = app.webhook_row().await.retry_at.filter(|_| rounds < 100) {
            let due = retry_at - after(NOTHING);
            assert_eq!(app.round(due - TimeDelta::seconds(1)).await, 0, "not before its time");
            app.round(due).await;
            (rounds, waited) = (rounds + 1, due);
            if app.webhook(&webhook["id"]).await["state"] == "DISABLED" { break; }
        }
        assert_eq!(waited, TimeDelta::days(3), "to the end");
        let disabled = app.webhook(&webhook["id"]).await;
        assert_eq!((&disabled["disabledBecause"], &disabled["position"]), (&json!("FAILING"), &webhook["position"]));
        assert!(disabled["disabledAt"].is_string());
        let heard = receiver.heard();
        let tries = |sequence| heard.iter().filter(|heard| heard.sequence() == sequence).count();
        assert!((10..30).contains(&tries(first)) && tries(first + 1) == 0, "{} {}", tries(first), tries(first + 1));
        let of_first: Vec<&Heard> = heard.iter().filter(|heard| heard.sequence() == first).collect();
        assert!(of_first.iter().all(|heard| heard.header("webhook-id") == of_first[0].header("webhook-id")), "the same message");
        let log = app.deliveries(&webhook["id"]).await;
        assert!(log.iter().all(|entry| entry["status"] == 500 && entry["error"] == "answered with 500"));
        let attempts: Vec<i64> = log.iter().filter(|entry| entry["sequence"] == first).map(|entry| entry["attempt"].as_i64().unwrap()).collect();
        assert!(attempts.iter().rev().copied().eq(1..=attempts.len() as i64), "{attempts:?}");
        assert_eq!(app.round(TimeDelta::days(10)).await, 0, "it is left alone");
        receiver.behave(|_| Reply::Status(200));
        let saved = app.webhook_done("saveWebhook", again(&webhook, 1, &receiver.url())).await["webhook"].clone();
        assert_eq!((&saved["state"], &saved["disabledBecause"], &saved["failingSince"]), (&json!("ACTIVE"), &Value::Null, &Value::Null));
        app.round(TimeDelta::days(10)).await;
        let taken: Vec<Heard> = receiver.heard().into_iter().filter(Heard::is_taken).collect();
        assert_in_order(&taken, first..first + 3);
        assert_eq!(app.webhook(&webhook["id"]).await["position"]["sequence"], first + 2);
    }

    async fn a_receiver_that_is_gone_is_left_alone_until_its_owner_wants_it_again(app: TestApp) {
        let receiver = Receiver::start(|_| Reply::Status(410)).await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        let first = app.changes_of(&[1, 1]).await;
        app.round(NOTHING).await;
        let gone = app.webhook(&webhook["id"]).await;
        assert_eq!((&gone["state"], &gone["disabledBecause"]), (&json!("DISABLED"), &json!("GONE")));
        assert_eq!((app.round(TimeDelta::days(1)).await, receiver.heard().len()), (0, 1));
        receiver.behave(|_| Reply::Status(200));
        let replay = json!({ "webhook": webhook["id"], "version": 1, "after": gone["position"]["cursor"] });
        assert_eq!(app.webhook_done("replayWebhook", replay).await["webhook"]["state"], "ACTIVE");
        app.round(TimeDelta::days(1)).await;
        assert_eq!(receiver.taken(), [first, first + 1]);
    }

    async fn one_thing_that_fails_holds_up_its_own_changes_only(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        let first = app.changes_of(&[1, 2, 1, 3, 2, 1]).await;
        receiver.behave(move |heard| Reply::Status(if heard.sequence() == first { 500 } else { 200 }));
        app.round(NOTHING).await;
        let mut taken = receiver.taken();
        taken.sort_unstable();
        assert_eq!(taken, [first + 1, first + 3, first + 4]);
        let position = app.webhook(&webhook["id"]).await["position"]["sequence"].clone();
        assert_eq!(position, first - 1, "everything before the one that failed");
        let more = app.changes_of(&[3, 1]).await;
        app.round(TimeDelta::seconds(1)).await;
        assert_eq!(*receiver.taken().last().unwrap(), more, "others go on");
        receiver.behave(|_| Reply::Status(200));
        app.round(TimeDelta::minutes(1)).await;
        let taken: Vec<Heard> = receiver.heard().into_iter().filter(Heard::is_taken).collect();
        assert_eq!(taken.len(), 8, "none twice");
        assert_in_order(&taken, first..first + 8);
    }

    async fn a_receiver_that_fails_three_times_in_ten_gets_everything_in_order(app: TestApp) {
        let mut random = ChaCha8Rng::seed_from_u64(20_261_123);
        let statuses = [500, 429, 404, 302];
        let receiver = Receiver::start(move |_| Reply::Status(if random.random_bool(0.3) { statuses[random.random_range(0..4)] } else { 200 })).await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let things: Vec<u128> = (0..250).map(|_| random.random_range(0..25)).collect();
        let first = app.changes_of(&things).await;
        let last = first + 249;
        for hours in 0..70 {
            app.round(TimeDelta::hours(hours)).await;
            if app.webhook(&webhook["id"]).await["position"]["sequence"] == last { break; }
        }
        let heard = receiver.heard();
        let failed = heard.iter().filter(|heard| !heard.is_taken()).count();
        assert!(failed > 50, "{failed} of {}", heard.len());
        let taken: Vec<Heard> = heard.into_iter().filter(Heard::is_taken).collect();
        assert_in_order(&taken, first..=last);
        assert_eq!(taken.len(), 250, "what was answered well is not sent again");
        let now = app.webhook(&webhook["id"]).await;
        assert_eq!((&now["state"], &now["failingSince"]), (&json!("ACTIVE"), &Value::Null));
    }

    async fn a_receiver_that_is_down_is_asked_with_a_few_messages_only(app: TestApp) {
        let receiver = Receiver::start(|_| Reply::Status(503)).await;
        app.new_webhook(&receiver.url()).await;
        let things: Vec<u128> = (0..150).collect();
        let first = app.changes_of(&things).await;
        app.round(NOTHING).await;
        let asked = receiver.heard().len();
        assert!((5..=8).contains(&asked), "{asked}");
        app.changes_of(&[1000]).await;
        app.round(TimeDelta::seconds(1)).await;
        assert_eq!(receiver.heard().len(), asked, "what is new waits too");
        receiver.behave(|_| Reply::Status(200));
        app.round(TimeDelta::minutes(1)).await;
        let taken: Vec<Heard> = receiver.heard().into_iter().filter(Heard::is_taken).collect();
        assert_in_order(&taken, first..=first + 150);
    }

    async fn a_receiver_may_ask_for_a_rest(app: TestApp) {
        for (asked, rest) in [("7200", TimeDelta::hours(2)), ("99999999", TimeDelta::days(1)), ("1", TimeDelta::seconds(10)), ("bald", TimeDelta::seconds(10))] {
            let receiver = Receiver::start(move |_| Reply::With(429, "retry-after", asked.to_owned())).await;
            let (webhook, _) = app.new_webhook(&receiver.url()).await;
            app.changes_of(&[1]).await;
            app.round(NOTHING).await;
            // Other entries wait too.
            app.changes_of(&[2]).await;
            app.round(rest - TimeDelta::seconds(1)).await;
            let early = receiver.heard().len();
            receiver.behave(|_| Reply::Status(200));
            // A second attempt may have failed: its delay is thrice as long, and chance can double it.
            app.round(rest + TimeDelta::minutes(1)).await;
            assert_eq!((early <= 2, receiver.taken().len()), (true, 2), "{asked}");
            if rest > TimeDelta::minutes(1) { assert_eq!(early, 1, "{asked}"); }
            app.webhook_done("deleteWebhook", json!({ "webhook": webhook["id"], "version": 1 })).await;
        }
    }

    async fn redirects_are_not_followed(app: TestApp) {
        let elsewhere = Receiver::willing().await;
        let url = elsewhere.url();
        let receiver = Receiver::start(move |_| Reply::With(307, "location", url.clone())).await;
        app.new_webhook(&receiver.url()).await;
        app.changes_of(&[1]).await;
        app.round(NOTHING).await;
        assert_eq!((receiver.heard().len(), elsewhere.heard().len(), outcome(app).await), (1, 0, Outcome::Refused));
    }

    async fn who_does_not_answer_in_time_or_cannot_be_reached_has_failed(app: TestApp) {
        let receiver = Receiver::start(|_| Reply::Nothing).await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        app.changes_of(&[1]).await;
        let impatient = app.with(clock(), |config| config.webhook_timeout_ms = 200).await;
        impatient.round(NOTHING).await;
        assert_eq!(outcome(app).await, Outcome::TimedOut);
        let port = { tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port() };
        app.webhook_done("saveWebhook", again(&webhook, 1, &format!("http://127.0.0.1:{port}/"))).await;
        app.round(TimeDelta::minutes(1)).await;
        assert_eq!(outcome(app).await, Outcome::Unreachable);
        app.webhook_done("saveWebhook", again(&webhook, 2, "https://no-such-host.invalid/")).await;
        app.round(TimeDelta::minutes(2)).await;
        assert_eq!(outcome(app).await, Outcome::Unreachable);
        let log = app.deliveries(&webhook["id"]).await;
        assert!(log.iter().all(|entry| entry["status"] == Value::Null && !entry["error"].as_str().unwrap().is_empty()), "{log:?}");
        impatient.server.database().close().await.unwrap();
    }

    async fn one_that_does_not_answer_holds_up_neither_others_nor_writers(app: TestApp) {
        let (silent, willing) = (Receiver::start(|_| Reply::Nothing).await, Receiver::willing().await);
        app.new_webhook(&silent.url()).await;
        app.new_webhook(&willing.url()).await;
        app.changes_of(&[1, 2]).await;
        let desk = app.server.desk().clone();
        let round = tokio::spawn(async move { itkatalog::webhooks::round(&desk, clock()).await });
        willing.hears(2).await;
        silent.hears(2).await;
        let third = app.changes_of(&[3]).await;
        // What the first round sent may not be noted yet.
        while willing.heard().len() < 3 {
            assert_eq!(silent.heard().len(), 2);
            app.round(NOTHING).await;
        }
        assert_eq!(*willing.taken().last().unwrap(), third);
        assert!(!round.is_finished(), "the silent one is still waited for");
        round.abort();
    }

    async fn who_was_away_longer_than_the_feed_is_kept_is_told_and_begins_anew(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        app.changes_of(&[1, 2]).await;
        remove_before(app.server.database(), after(TimeDelta::days(1))).await.unwrap();
        app.round(NOTHING).await;
        let expired = app.webhook(&webhook["id"]).await;
        assert_eq!((&expired["state"], &expired["disabledBecause"], receiver.heard().len()), (&json!("DISABLED"), &json!("EXPIRED"), 0));
        let replay = |after: &Value| json!({ "webhook": webhook["id"], "version": 1, "after": after });
        assert_eq!(app.webhook_refused("replayWebhook", replay(&webhook["position"]["cursor"])).await, ("CURSOR_EXPIRED".to_owned(), "input.after".to_owned()));
        let latest = app.data("{ changes(first: 1) { latestCursor } }", json!({})).await["changes"]["latestCursor"].clone();
        assert_eq!(app.webhook_done("replayWebhook", replay(&latest)).await["webhook"]["state"], "ACTIVE");
        let first = app.changes_of(&[3]).await;
        app.round(NOTHING).await;
        assert_eq!(receiver.taken(), [first]);
    }
}
