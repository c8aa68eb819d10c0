//! Products to compare, and what is sent about them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use entity::product;
use itkatalog::{catalogue::Snapshot, portfolios::versions};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, prelude::Uuid};
use serde_json::{Value, json};

use super::{TestApp, acts::reason};

/// The global id of a product.
pub fn id_of(id: Uuid) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(format!("Product:{}", id.simple()))
}

impl TestApp {
    /// Writes a product like another one, past all rules: another portfolio's, where `provider` says so.
    pub async fn product_like(
        &self,
        (like, external_id): (&str, &str),
        provider: &str,
        change: impl FnOnce(&mut product::Model),
    ) -> product::Model {
        let snapshot = self.server.live().snapshot();
        let at = snapshot.product_by_external_id(snapshot.provider_by_key(like).unwrap(), external_id).unwrap();
        let mut row = product::Model::clone(&snapshot.products[at].row);
        row.id = Uuid::new_v4();
        row.external_id = row.id.to_string();
        row.provider_id = snapshot.providers[snapshot.provider_by_key(provider).unwrap()].row.id;
        row.version = 1;
        change(&mut row);
        row.clone().into_active_model().insert(self.server.database().connection()).await.unwrap();
        self.publish().await;
        row
    }

    /// Writes a product as it is given, past all rules.
    pub async fn rewrite(&self, row: &product::Model) {
        let db = self.server.database().connection();
        // The catalogue tells changed products by version and moment.
        let snapshot = self.server.live().snapshot();
        let before = snapshot.products.find(row.id).map_or(row.updated_at, |at| snapshot.products[at].row.updated_at);
        let row = product::Model { updated_at: before + chrono::TimeDelta::microseconds(1), ..row.clone() };
        product::Entity::update(row.into_active_model().reset_all()).exec(db).await.unwrap();
        self.publish().await;
    }

    async fn publish(&self) {
        // Every product has a version of now, as loading data sees to.
        let db = self.server.database().connection();
        let snapshot = Snapshot::read(db).await.unwrap();
        versions::keep_missing(db, &snapshot).await.unwrap();
        let raise = "UPDATE catalogue_state SET version = version + 1";
        self.server.database().connection().execute_unprepared(raise).await.unwrap();
        self.server.live().refresh().await;
    }

    /// The payload of a change about products: reason and key are added, `answer` is what is asked of it.
    pub async fn change(&self, token: &str, mutation: &str, input: Value, answer: &str) -> Value {
        let answer = self.send_change(Some(token), mutation, input, answer).await;
        assert_eq!(answer.body.get("errors"), None, "{mutation}");
        answer.body["data"][mutation].clone()
    }

    /// The answer to it.
    pub async fn send_change(
        &self,
        token: Option<&str>,
        mutation: &str,
        mut input: Value,
        answer: &str,
    ) -> super::Answer {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let errors = "errors { code path message nextStep rule currentVersion }";
        let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {answer} {errors} }} }}");
        let fields = input.as_object_mut().unwrap();
        fields.entry("reason").or_insert_with(|| reason("OTHER"));
        fields.entry("idempotencyKey").or_insert_with(|| json!(Uuid::new_v4().to_string()));
        match token {
            Some(token) => self.ask_as(token, &query, json!({ "input": input })).await,
            None => self.ask(&query, json!({ "input": input })).await,
        }
    }
}
