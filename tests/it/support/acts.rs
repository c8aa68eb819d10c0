//! Changes of subscriptions as callers send them, and subscriptions to change.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, prelude::Uuid};
use serde_json::{Value, json};

use super::{Answer, TestApp};

/// One row of `product_subscriptions`.
pub type Row = entity::product_subscription::Model;

/// Aachen, in customer group `kgst-st-2`, served by `regioit`.
pub const AACHEN: &str = "05334002";
/// Kleve, in customer group `kgst-st-4`, served by `krzn`.
pub const KLEVE: &str = "05154036";

/// A product of each kind that Aachen can have: provider and external id.
pub const INITIAL: (&str, &str) = ("zentral-nrw", "DMS-02");
pub const STANDARD: (&str, &str) = ("regioit", "DMS-02");
pub const OTHER: (&str, &str) = ("regioit", "BAU-05");
pub const NOT_JOINED: (&str, &str) = ("kdn", "BAS-04");

const PAYLOAD: &str = "
    subscription { id state version quantity origin legalBasis requestedFrom agreedFrom activeSince endsOn termEnd
        pendingChange { action quantity on requestedBy expiresAt } product { id name }
        subscriber { ... on Municipality { ags } ... on Provider { key } } }
    decision { action allowed needsApproval approvers phase rule { id } waysOut { kind phase role date product { id } } }
    errors { code path message nextStep rule currentVersion legalSteps earliest }";

impl TestApp {
    /// Sends a mutation by its name.
    pub async fn send_act(&self, token: Option<&str>, mutation: &str, input: Value) -> Answer {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {PAYLOAD} }} }}");
        match token {
            Some(token) => self.ask_as(token, &query, json!({ "input": input })).await,
            None => self.ask(&query, json!({ "input": input })).await,
        }
    }

    /// The payload of a mutation, whatever it says.
    pub async fn act(&self, token: &str, mutation: &str, input: Value) -> Value {
        let answer = self.send_act(Some(token), mutation, input).await;
        assert_eq!(answer.status, 200, "{mutation}: {}", answer.body);
        assert_eq!(answer.body.get("errors"), None, "{mutation}");
        answer.body["data"][mutation].clone()
    }

    /// The subscription after a mutation that is expected to succeed.
    pub async fn done(&self, token: &str, mutation: &str, input: Value) -> Value {
        let payload = self.act(token, mutation, input).await;
        assert_eq!(payload["errors"], json!([]), "{mutation}: {payload}");
        payload["subscription"].clone()
    }

    /// The one error of a mutation that is expected to fail.
    pub async fn refused(&self, token: &str, mutation: &str, input: Value) -> Value {
        let payload = self.act(token, mutation, input).await;
        let errors = payload["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{mutation}: {payload}");
        assert!(
            !errors[0]["message"].as_str().unwrap().is_empty() && !errors[0]["nextStep"].as_str().unwrap().is_empty()
        );
        assert_eq!(errors[0]["path"][0], "input");
        errors[0].clone()
    }

    /// The global id of a product.
    pub async fn product_id(&self, (provider, external_id): (&str, &str)) -> String {
        let query = "query($by: ProductBy!) { product(by: $by) { id } }";
        let by = json!({ "externalId": { "provider": provider, "externalId": external_id } });
        self.data(query, json!({ "by": by })).await["product"]["id"].as_str().unwrap().to_owned()
    }

    /// The input of a request of a municipality, with a key of its own.
    pub async fn request_of(&self, ags: &str, product: (&str, &str)) -> Value {
        json!({
            "subscriber": { "municipality": { "ags": ags } },
            "product": self.product_id(product).await,
            "quantity": 3,
            "from": "2027-01-01",
            "reason": reason("NEED"),
            "idempotencyKey": Uuid::new_v4().to_string(),
        })
    }

    /// Writes a subscription of a municipality as it stands, past all rules.
    pub async fn subscription(&self, ags: &str, product: (&str, &str), change: impl FnOnce(&mut Row)) -> Row {
        let db = self.server.database().connection();
        let snapshot = self.server.live().snapshot();
        let mut row = entity::product_subscription::Entity::find().one(db).await.unwrap().unwrap();
        let provider = snapshot.provider_by_key(product.0).unwrap();
        let at = snapshot.product_by_external_id(provider, product.1).unwrap();
        row.id = Uuid::new_v4();
        row.municipality_id = Some(snapshot.municipalities[snapshot.municipality_by_ags(ags).unwrap()].row.id);
        row.provider_id = None;
        row.product_id = snapshot.products[at].row.id;
        row.price_unit = snapshot.products[at].prices[0].row.unit;
        row.state = entity::product_subscription::State::Active;
        row.origin = entity::product_subscription::Origin::Requested;
        row.version = 1;
        row.quantity = 1;
        row.notice_months = 3;
        row.term_end = None;
        row.ends_on = None;
        row.asked_by_subject = Some("somebody else".to_owned());
        close(&mut row);
        change(&mut row);
        row.clone().into_active_model().insert(db).await.unwrap();
        row
    }
}

/// Nothing waits for a decision.
pub fn close(row: &mut Row) {
    row.open_matter = None;
    row.awaits = None;
    row.open_quantity = None;
    row.open_on = None;
    row.expires_at = None;
}

/// The global id of a subscription.
pub fn id_of(row: &Row) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    BASE64_URL_SAFE_NO_PAD.encode(format!("ProductSubscription:{}", row.id.simple()))
}

/// Why something is done.
pub fn reason(code: &str) -> Value {
    json!({ "code": code, "text": "Probe", "reference": "Ratsbeschluss 12/2026" })
}

/// The input of a step with a subscription, with a key of its own.
pub fn step(id: &str, version: i64, more: Value) -> Value {
    let key = Uuid::new_v4().to_string();
    let mut input = json!({ "subscription": id, "version": version, "reason": reason("OTHER"), "idempotencyKey": key });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

/// The same for a subscription as an answer told it.
pub fn next(subscription: &Value, more: Value) -> Value {
    step(subscription["id"].as_str().unwrap(), subscription["version"].as_i64().unwrap(), more)
}
