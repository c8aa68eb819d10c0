//! Exports as callers start, follow and download them.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, request::Builder};
use entity::product;
use itkatalog::{clock::Clock, desk::Desk, exports, states};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    prelude::Uuid,
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Answer, TestApp};

const EXPORT: &str =
    "id what format filter asOf cursor state failure progress rows bytes sha256 rowsSha256 downloadPath
    createdAt finishedAt expiresAt";

/// A file as it came.
pub struct File {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl File {
    /// What stands in a header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The error of a refusal.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.bytes).unwrap();
        body["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned()
    }
}

impl TestApp {
    /// Sends `startExport` or `cancelExport` with a key of its own, unless `input` has one.
    pub async fn send_export(&self, token: Option<&str>, mutation: &str, input: Value) -> Answer {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{ export {{ {EXPORT} }} errors {{ code path message nextStep rule }} }} }}"
        );
        let mut whole = json!({ "idempotencyKey": Uuid::new_v4().to_string() });
        whole.as_object_mut().unwrap().extend(input.as_object().unwrap().clone());
        match token {
            Some(token) => self.ask_as(token, &query, json!({ "input": whole })).await,
            None => self.ask(&query, json!({ "input": whole })).await,
        }
    }

    /// The export after a change that is expected to succeed.
    pub async fn export_done(&self, token: &str, mutation: &str, input: Value) -> Value {
        let answer = self.send_export(Some(token), mutation, input).await;
        let payload = &answer.body["data"][mutation];
        assert_eq!(payload["errors"], json!([]), "{}", answer.body);
        payload["export"].clone()
    }

    /// The code and the place of the one error of a start that is expected to fail.
    pub async fn start_refused(&self, token: &str, input: Value) -> (String, String) {
        let answer = self.send_export(Some(token), "startExport", input).await;
        let error = &answer.body["data"]["startExport"]["errors"][0];
        assert!(error["message"].is_string() && error["nextStep"].is_string(), "{}", answer.body);
        (error["code"].as_str().unwrap().to_owned(), error["path"].to_string())
    }

    /// Starts an export and writes it to its end.
    pub async fn exported(&self, token: &str, input: Value) -> Value {
        let started = self.export_done(token, "startExport", input).await;
        assert_eq!((&started["state"], &started["downloadPath"]), (&json!("WAITING"), &Value::Null));
        assert_eq!(exports::round(self.server.desk()).await.unwrap(), 1);
        self.export(token, &started["id"]).await
    }

    /// An export as it stands now.
    pub async fn export(&self, token: &str, id: &Value) -> Value {
        let query = format!("query($id: ID!) {{ export(id: $id) {{ {EXPORT} }} }}");
        self.data_as(token, &query, json!({ "id": id })).await["export"].clone()
    }

    /// Downloads a file, or what is told instead.
    pub async fn download(&self, token: Option<&str>, path: &str, change: impl FnOnce(Builder) -> Builder) -> File {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = change(request).body(Body::empty()).unwrap();
        let (parts, body) = self.server.router().oneshot(request).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, 100_000_000).await.unwrap().to_vec();
        File { status: parts.status, headers: parts.headers, bytes }
    }

    /// Downloads a file that is there.
    pub async fn file(&self, token: &str, export: &Value) -> File {
        let file = self.download(Some(token), export["downloadPath"].as_str().unwrap(), |request| request).await;
        assert_eq!(file.status, 200);
        file
    }

    /// Writes down anew what everything is, after tables were changed past the program.
    pub async fn states_anew(&self) {
        let db = self.server.database().connection();
        for statement in ["DELETE FROM entity_states", "UPDATE record_heads SET states_from = -1"] {
            db.execute_unprepared(statement).await.unwrap();
        }
        states::keep_missing(self.server.database()).await.unwrap();
    }

    /// Gives a product another name, past all rules.
    pub async fn rename_product(&self, product: (&str, &str), name: &str) {
        let db = self.server.database().connection();
        let found = product::Entity::find().filter(product::Column::ExternalId.eq(product.1)).all(db).await.unwrap();
        let snapshot = self.server.live().snapshot();
        let provider = snapshot.providers[snapshot.provider_by_key(product.0).unwrap()].row.id;
        let found = found.into_iter().find(|row| row.provider_id == provider).unwrap();
        let version = found.version + 1;
        let mut row = found.into_active_model();
        (row.name, row.version) = (Set(name.to_owned()), Set(version));
        row.update(db).await.unwrap();
        db.execute_unprepared("UPDATE catalogue_state SET version = version + 1").await.unwrap();
        self.server.live().refresh().await;
    }

    /// The desk of this instance at another moment.
    pub fn desk_at(&self, moment: &str) -> Desk {
        Desk { clock: Clock::Fixed(moment.parse().unwrap()), ..Desk::clone(self.server.desk()) }
    }
}
