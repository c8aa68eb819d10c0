//! Webhooks as callers make them, changes for them, and rounds of sending at moments that a test chooses.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{change::Type, webhook, webhook_delivery};
use itkatalog::{clock::Clock, feed::Changed, records, webhooks};
use sea_orm::{EntityTrait, QueryOrder, prelude::Uuid};
use serde_json::{Value, json};

use super::{Answer, NOW, TestApp, callers::land, receiver::Heard};

const WEBHOOK: &str = "id url description types version state disabledBecause disabledAt failingSince lastDeliveredAt
    position { sequence cursor } secretMadeAt previousSecretUntil createdAt updatedAt";
const DELIVERY: &str = "id messageId type sequence attempt at durationMs outcome status error";
const ERRORS: &str = "errors { code path message nextStep rule currentVersion }";

/// The moment of all tests, and so long after it.
pub fn after(time: TimeDelta) -> DateTime<Utc> {
    NOW.parse::<DateTime<Utc>>().unwrap() + time
}

/// The input of a new webhook.
pub fn new(url: &str) -> Value {
    json!({ "url": url, "description": "Spiegel des Landes" })
}

impl TestApp {
    /// Sends a change of webhooks with a key of its own, unless `input` has one.
    pub async fn send_webhook(&self, token: Option<&str>, mutation: &str, input: Value) -> Answer {
        let payload = match mutation {
            "deleteWebhook" => "webhookId".to_owned(),
            "replayWebhook" => format!("entries webhook {{ {WEBHOOK} }}"),
            "sendTestWebhook" => format!("delivery {{ {DELIVERY} }}"),
            _ => format!("secret webhook {{ {WEBHOOK} }}"),
        };
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {payload} {ERRORS} }} }}");
        let mut whole = json!({ "idempotencyKey": Uuid::new_v4().to_string() });
        whole.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        match token {
            Some(token) => self.ask_as(token, &query, json!({ "input": whole })).await,
            None => self.ask(&query, json!({ "input": whole })).await,
        }
    }

    /// The payload of a change of the Land that is expected to succeed.
    pub async fn webhook_done(&self, mutation: &str, input: Value) -> Value {
        let answer = self.send_webhook(Some(&land()), mutation, input).await;
        let payload = answer.body["data"][mutation].clone();
        assert_eq!(payload["errors"], json!([]), "{mutation}: {}", answer.body);
        payload
    }

    /// The code and the place of the one error of a change of the Land that is expected to fail.
    pub async fn webhook_refused(&self, mutation: &str, input: Value) -> (String, String) {
        let answer = self.send_webhook(Some(&land()), mutation, input).await;
        refusal(&answer, mutation)
    }

    /// Makes a webhook of the Land: itself, and its secret.
    pub async fn new_webhook(&self, url: &str) -> (Value, String) {
        let payload = self.webhook_done("saveWebhook", new(url)).await;
        (payload["webhook"].clone(), payload["secret"].as_str().unwrap().to_owned())
    }

    /// A webhook of the Land as it stands.
    pub async fn webhook(&self, id: &Value) -> Value {
        let query = format!("query($id: ID!) {{ webhook(id: $id) {{ {WEBHOOK} }} }}");
        self.data_as(&land(), &query, json!({ "id": id })).await["webhook"].clone()
    }

    /// Its last attempts, newest first.
    pub async fn deliveries(&self, id: &Value) -> Vec<Value> {
        let query = format!(
            "query($id: ID!) {{ webhook(id: $id) {{ deliveries(first: 100) {{ totalCount edges {{ node {{ {DELIVERY} }} }} }} }} }}"
        );
        let data = self.data_as(&land(), &query, json!({ "id": id })).await;
        super::nodes(&data["webhook"]["deliveries"])
    }

    /// The only webhook, as its row.
    pub async fn webhook_row(&self) -> webhook::Model {
        webhook::Entity::find().one(self.server.database().connection()).await.unwrap().unwrap()
    }

    /// All attempts, oldest first.
    pub async fn attempts(&self) -> Vec<webhook_delivery::Model> {
        let all = webhook_delivery::Entity::find().order_by_asc(webhook_delivery::Column::At);
        all.all(self.server.database().connection()).await.unwrap()
    }

    /// Writes entries of the feed about these things, in one transaction: the sequence of the first.
    pub async fn changes_of(&self, things: &[u128]) -> i64 {
        let changed = things.iter().map(|thing| {
            let id = Uuid::from_u128(*thing);
            Changed { kind: Type::Municipality, id, version: Some(1) }
        });
        let changed: Vec<Changed> = changed.collect();
        let db = self.server.database().begin_write().await.unwrap();
        records::append(&*db, &changed, [], after(TimeDelta::zero())).await.unwrap();
        db.commit().await.unwrap();
        self.server.desk().feed.look().await.unwrap() - things.len() as i64 + 1
    }

    /// Sends what is due at a moment: to how many webhooks.
    pub async fn round(&self, time: TimeDelta) -> usize {
        webhooks::round(self.server.desk(), Clock::Fixed(after(time))).await.unwrap()
    }
}

/// Code and place of the one error, of the payload or of the request.
pub fn refusal(answer: &Answer, mutation: &str) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match answer.body["data"][mutation]["errors"].as_array() {
        Some(errors) => {
            assert_eq!(errors.len(), 1, "{mutation}: {}", answer.body);
            assert!(!text(&errors[0]["message"]).is_empty() && !text(&errors[0]["nextStep"]).is_empty());
            let path: Vec<String> = errors[0]["path"].as_array().unwrap().iter().map(text).collect();
            (text(&errors[0]["code"]), path.join("."))
        }
        None => {
            let extensions = &answer.body["errors"][0]["extensions"];
            // A variable is named with its sign.
            (text(&extensions["code"]), text(&extensions["field"]).trim_start_matches('$').to_owned())
        }
    }
}

/// Whether a message is signed with a secret, as the published library sees it.
pub fn is_signed_with(secret: &str, heard: &Heard) -> bool {
    let published = standardwebhooks::Webhook::new(secret).unwrap();
    let timestamp = heard.header("webhook-timestamp").parse().unwrap();
    let expected = published.sign(heard.header("webhook-id"), timestamp, &heard.raw).unwrap();
    heard.header("webhook-signature").split(' ').any(|signature| signature == expected)
}
