//! What is sent to webhooks: signed, thin, of everything that their owner may read, and each change once where nothing fails.

use chrono::TimeDelta;
use entity::webhook;
use itkatalog::clock::Clock;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};

use crate::support::{
    acts::{AACHEN, INITIAL, KLEVE},
    land, municipality, nodes,
    receiver::{Receiver, Reply},
    token,
    webhooks::{is_signed_with, new},
};

const FEED: &str = "query($after: String) { changes(first: 100, after: $after) { edges { cursor node { sequence previous type at entityId entityVersion } } latestCursor } }";

const NOTHING: TimeDelta = TimeDelta::zero();

on_both_databases! {
    async fn a_change_arrives_signed_and_says_what_the_feed_says(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (webhook, secret) = app.new_webhook(&receiver.url()).await;
        assert_eq!(app.round(NOTHING).await, 0, "nothing from before it was made");
        let asked = app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
        assert_eq!(app.round(NOTHING).await, 1);
        let heard = receiver.heard();
        assert_eq!(heard.len(), 1);
        let feed = app.data_as(&land(), FEED, json!({ "after": webhook["position"]["cursor"] })).await;
        let entry = &nodes(&feed["changes"])[0];
        assert_eq!(heard[0].body, json!({ "type": "product_subscription.changed", "timestamp": heard[0].body["timestamp"], "data": {
            "cursor": feed["changes"]["edges"][0]["cursor"], "sequence": entry["sequence"], "previous": entry["previous"],
            "type": "PRODUCT_SUBSCRIPTION", "entityId": asked["id"], "entityVersion": entry["entityVersion"] } }));
        let moment = |value: &Value| value.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert_eq!(moment(&heard[0].body["timestamp"]), moment(&entry["at"]));
        assert!(is_signed_with(&secret, &heard[0]));
        assert!(heard[0].header("webhook-id").starts_with("msg_") && heard[0].header("content-type") == "application/json");
        assert_eq!(heard[0].path, "/hooks/geheim");
        let now = app.webhook(&webhook["id"]).await;
        assert_eq!((&now["position"]["sequence"], &now["failingSince"]), (&entry["sequence"], &Value::Null));
        let log = app.deliveries(&webhook["id"]).await;
        assert_eq!(log.len(), 1);
        assert_eq!((&log[0]["outcome"], &log[0]["status"], &log[0]["attempt"]), (&json!("DELIVERED"), &json!(204), &json!(1)));
        assert_eq!(log[0]["messageId"], heard[0].header("webhook-id"));
        assert_eq!((app.round(TimeDelta::hours(1)).await, receiver.heard().len()), (0, 1), "once");
        let metrics = app.get("/metrics").await.body;
        assert!(metrics.as_str().unwrap().contains("itkatalog_webhook_deliveries_total{outcome=\"delivered\"}"));
    }

    async fn a_published_library_accepts_messages_and_refuses_those_of_others(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (_, secret) = app.new_webhook(&receiver.url()).await;
        app.changes_of(&[1]).await;
        itkatalog::webhooks::round(app.server.desk(), Clock::System).await.unwrap();
        let heard = &receiver.heard()[0];
        let published = standardwebhooks::Webhook::new(&secret).unwrap();
        published.verify(&heard.raw, &heard.headers).unwrap();
        let (_, other) = app.new_webhook(&receiver.url()).await;
        assert!(standardwebhooks::Webhook::new(&other).unwrap().verify(&heard.raw, &heard.headers).is_err());
        let forged = String::from_utf8(heard.raw.to_vec()).unwrap().replace("municipality", "provider");
        assert!(published.verify(forged.as_bytes(), &heard.headers).is_err());
        let mut headers = heard.headers.clone();
        headers.insert("webhook-id", "msg_another".parse().unwrap());
        assert!(published.verify(&heard.raw, &headers).is_err());
    }

    async fn after_a_rotation_both_secrets_hold_for_a_day_and_then_the_new_one(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (webhook, first) = app.new_webhook(&receiver.url()).await;
        let rotate = json!({ "webhook": webhook["id"], "version": 1, "idempotencyKey": "once" });
        let rotated = app.webhook_done("rotateWebhookSecret", rotate.clone()).await;
        let second = rotated["secret"].as_str().unwrap().to_owned();
        assert!(first != second && second.starts_with("whsec_") && second.len() >= 38, "{}", second.len());
        let again = app.webhook_done("rotateWebhookSecret", rotate).await;
        assert_eq!((&again["secret"], &again["webhook"]["version"]), (&Value::Null, &json!(2)), "told once, made once");
        for (time, old, new) in [(NOTHING, true, true), (TimeDelta::hours(23), true, true), (TimeDelta::hours(24), false, true)] {
            app.changes_of(&[1]).await;
            app.round(time).await;
            let heard = receiver.heard().pop().unwrap();
            assert_eq!((is_signed_with(&first, &heard), is_signed_with(&second, &heard)), (old, new), "{time}");
        }
        let input = json!({ "webhook": webhook["id"], "version": 2, "overlapHours": 0 });
        let third = app.webhook_done("rotateWebhookSecret", input).await["secret"].as_str().unwrap().to_owned();
        app.changes_of(&[1]).await;
        app.round(TimeDelta::hours(25)).await;
        let heard = receiver.heard().pop().unwrap();
        assert_eq!((is_signed_with(&second, &heard), is_signed_with(&third, &heard)), (false, true), "the old one ends at once");
    }

    async fn only_the_types_that_were_asked_for_are_sent_and_each_names_the_one_before(app: TestApp) {
        let receiver = Receiver::willing().await;
        let mut input = new(&receiver.url());
        input["types"] = json!(["PRODUCT_SUBSCRIPTION", "PRODUCT_SUBSCRIPTION"]);
        let webhook = app.webhook_done("saveWebhook", input).await["webhook"].clone();
        assert_eq!(webhook["types"], json!(["PRODUCT_SUBSCRIPTION"]));
        app.changes_of(&[1, 2]).await;
        for _ in 0..2 {
            app.done(&municipality(AACHEN), "requestSubscription", app.request_of(AACHEN, INITIAL).await).await;
            app.changes_of(&[1]).await;
        }
        app.round(NOTHING).await;
        let heard = receiver.heard();
        assert_eq!(heard.len(), 2);
        let mut sequences: Vec<i64> = heard.iter().map(|heard| heard.sequence()).collect();
        sequences.sort_unstable();
        assert!(heard.iter().any(|heard| heard.body["data"]["previous"] == sequences[0]), "{heard:?}");
        let head = app.server.desk().feed.head();
        assert_eq!(app.webhook(&webhook["id"]).await["position"]["sequence"], head, "what is not sent is behind it too");
    }

    async fn no_more_is_sent_than_the_owner_may_read(app: TestApp) {
        let receiver = Receiver::willing().await;
        app.new_webhook(&receiver.url()).await;
        // As operators' own rules could let a municipality have it.
        let row = app.webhook_row().await;
        let snapshot = app.server.live().snapshot();
        let aachen = snapshot.municipalities[snapshot.municipality_by_ags(AACHEN).unwrap()].row.id;
        let of_aachen = webhook::ActiveModel { id: Set(row.id), roles: Set("[\"MUNICIPALITY\"]".into()), municipality_id: Set(Some(aachen)), ..Default::default() };
        of_aachen.update(app.server.database().connection()).await.unwrap();
        for ags in [KLEVE, AACHEN, KLEVE] {
            app.done(&municipality(ags), "requestSubscription", app.request_of(ags, INITIAL).await).await;
        }
        app.round(NOTHING).await;
        let own = "{ changes(first: 100, types: [PRODUCT_SUBSCRIPTION]) { edges { node { entityId } } } }";
        let own = nodes(&app.data_as(&municipality(AACHEN), own, json!({})).await["changes"]);
        let heard = receiver.heard();
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].body["data"]["entityId"], own.last().unwrap()["entityId"]);
    }

    async fn a_paused_webhook_gets_nothing_and_everything_when_it_goes_on(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        let save = |version: i64, active: bool| {
            let mut input = new(&receiver.url());
            input.as_object_mut().unwrap().extend(json!({ "webhook": webhook["id"], "version": version, "active": active }).as_object().unwrap().clone());
            input
        };
        let paused = app.webhook_done("saveWebhook", save(1, false)).await;
        assert_eq!((&paused["webhook"]["state"], &paused["secret"]), (&json!("PAUSED"), &Value::Null));
        let first = app.changes_of(&[1, 2, 1]).await;
        assert_eq!((app.round(NOTHING).await, receiver.heard().len()), (0, 0));
        app.webhook_done("saveWebhook", save(2, true)).await;
        app.round(NOTHING).await;
        let mut taken = receiver.taken();
        taken.sort_unstable();
        assert_eq!(taken, [first, first + 1, first + 2]);
    }

    async fn a_replay_sends_everything_after_a_cursor_again(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        let first = app.changes_of(&[1, 1, 1]).await;
        app.round(NOTHING).await;
        let cursor = receiver.heard()[0].body["data"]["cursor"].clone();
        let mut input = json!({ "webhook": webhook["id"], "version": 1, "after": cursor, "dryRun": true });
        let told = app.webhook_done("replayWebhook", input.clone()).await;
        assert_eq!((&told["entries"], &told["webhook"]["version"]), (&json!(2), &json!(1)));
        assert_eq!((app.round(NOTHING).await, receiver.heard().len()), (0, 3), "a dry run changes nothing");
        input["dryRun"] = json!(false);
        assert_eq!(app.webhook_done("replayWebhook", input).await["entries"], 2);
        app.round(NOTHING).await;
        assert_eq!(receiver.taken(), [first, first + 1, first + 2, first + 1, first + 2]);
        let heard = receiver.heard();
        assert_eq!(heard[1].header("webhook-id"), heard[3].header("webhook-id"), "the same message");
    }

    async fn a_test_message_tells_what_came_of_it(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (webhook, secret) = app.new_webhook(&receiver.url()).await;
        let input = json!({ "webhook": webhook["id"], "idempotencyKey": "once" });
        let sent = app.webhook_done("sendTestWebhook", input.clone()).await["delivery"].clone();
        assert_eq!((&sent["outcome"], &sent["type"], &sent["sequence"]), (&json!("DELIVERED"), &json!("webhook.test"), &Value::Null));
        assert_eq!(app.webhook_done("sendTestWebhook", input).await["delivery"], sent);
        let heard = receiver.heard();
        assert_eq!((heard.len(), &heard[0].body["type"], &heard[0].body["data"]), (1, &json!("webhook.test"), &json!({})));
        assert!(is_signed_with(&secret, &heard[0]));
        receiver.behave(|_| Reply::Status(500));
        let refused = app.webhook_done("sendTestWebhook", json!({ "webhook": webhook["id"] })).await["delivery"].clone();
        assert_eq!((&refused["outcome"], &refused["status"]), (&json!("REFUSED"), &json!(500)));
        let now = app.webhook(&webhook["id"]).await;
        assert_eq!((&now["state"], &now["failingSince"], &now["version"]), (&json!("ACTIVE"), &Value::Null, &json!(1)), "it changes nothing");
        assert_eq!(app.deliveries(&webhook["id"]).await.len(), 2);
    }

    async fn attempts_are_kept_for_30_days(app: TestApp) {
        let receiver = Receiver::willing().await;
        app.new_webhook(&receiver.url()).await;
        app.changes_of(&[1]).await;
        app.round(NOTHING).await;
        let prune = async |days| itkatalog::webhooks::prune(app.server.database(), crate::support::webhooks::after(TimeDelta::days(days))).await.unwrap();
        assert_eq!((prune(30).await, prune(31).await), (0, 1));
    }

    async fn who_loses_the_role_sees_its_webhooks_and_changes_none(app: TestApp) {
        let receiver = Receiver::willing().await;
        let (webhook, _) = app.new_webhook(&receiver.url()).await;
        let without = token(json!({ "roles": [], "sub": "land" }));
        assert_eq!(app.data_as(&without, "{ webhooks { id } }", json!({})).await["webhooks"], json!([{ "id": webhook["id"] }]));
        let answer = app.send_webhook(Some(&without), "deleteWebhook", json!({ "webhook": webhook["id"], "version": 1 })).await;
        assert_eq!(answer.body["data"]["deleteWebhook"]["errors"][0]["code"], "FORBIDDEN");
        assert!(webhook::Entity::find().one(app.server.database().connection()).await.unwrap().is_some());
    }
}
