//! Starts the service as production does, on a fresh copy of the sample data.

pub mod acts;
pub mod callers;
pub mod connections;
pub mod contacts;
pub mod copies;
mod databases;
pub mod exports;
pub mod live;
pub mod load;
pub mod mergers;
pub mod municipalities;
pub mod portfolio;
mod postgres;
pub mod program;
pub mod readers;
pub mod receiver;
pub mod service;
pub mod states;
pub mod stories;
mod trail;
pub mod webhooks;
pub mod writers;

use std::sync::OnceLock;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use entity::{change::Type, phase};
use itkatalog::{
    clock::Clock,
    config::{Config, Flags, WebhookKey},
    feed::Changed,
    outbound::Allowed,
    policies, records,
    server::Server,
};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::{Value, json};
use tower::ServiceExt;

pub use callers::{
    account_manager, auditor, jwks_path, land, municipality, provider, steward, token, transformation_office,
};
pub use databases::{Backend, TestDatabase};
pub use trail::breaks_at;

/// The moment of all tests, unless one chooses another: within the sample's phase FOUNDATION.
pub const NOW: &str = "2026-11-23T09:00:00Z";

/// Writes a test twice: as `name::sqlite` and as `name::postgres`.
macro_rules! on_both_databases {
    ($($(#[$attribute:meta])* async fn $name:ident($app:ident: TestApp) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(#[$attribute])*
            async fn check($app: &$crate::support::TestApp) $body

            #[tokio::test]
            async fn sqlite() {
                let app = $crate::support::TestApp::start($crate::support::Backend::Sqlite).await;
                check(&app).await;
                app.finish().await;
            }

            #[tokio::test]
            async fn postgres() {
                let app = $crate::support::TestApp::start($crate::support::Backend::Postgres).await;
                check(&app).await;
                app.finish().await;
            }
        }
    )+};
}

/// A running service with its own database.
pub struct TestApp {
    pub server: Server,
    pub config: Config,
    pub database: databases::TestDatabase,
}

/// An answer of the service.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl TestApp {
    /// Starts on a fresh copy of the sample data.
    pub async fn start(backend: Backend) -> Self {
        Self::on(databases::TestDatabase::with_sample_data(backend).await).await
    }

    /// Starts on a given database.
    pub async fn on(database: databases::TestDatabase) -> Self {
        let config = config(&database.url);
        let server = Server::build(config.clone(), clock(), false).await.unwrap();
        Self { server, config, database }
    }

    /// A second instance on the same database, at another moment.
    pub async fn at(&self, moment: &str) -> Self {
        let server = Server::build(self.config.clone(), Clock::Fixed(moment.parse().unwrap()), false).await.unwrap();
        let database = self.database.another();
        Self { server, config: self.config.clone(), database }
    }

    /// A second instance on the same database, with other settings.
    pub async fn with(&self, clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config.clone();
        change(&mut config);
        let server = Server::build(config.clone(), clock, false).await.unwrap();
        Self { server, config, database: self.database.another() }
    }

    pub async fn finish(self) {
        let Self { server, database, .. } = self;
        server.database().connection().clone().close().await.unwrap();
        database.remove().await;
    }

    /// Sends a GraphQL request as a modern client does.
    pub async fn ask(&self, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables }).to_string();
        self.send(post().header("accept", "application/graphql-response+json"), body).await
    }

    /// Sends a GraphQL request with a token.
    pub async fn ask_as(&self, token: &str, query: &str, variables: Value) -> Answer {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = post()
            .header("accept", "application/graphql-response+json")
            .header("authorization", format!("Bearer {token}"));
        self.send(request, body).await
    }

    /// The data of a request with a token that is expected to succeed.
    pub async fn data_as(&self, token: &str, query: &str, variables: Value) -> Value {
        let answer = self.ask_as(token, query, variables).await;
        assert_eq!(answer.body.get("errors"), None, "{query}");
        assert_eq!(answer.status, 200);
        answer.body["data"].clone()
    }

    /// Makes another phase the current one, as a change does.
    pub async fn enter_phase(&self, key: &str) {
        let db = self.server.database().begin_write().await.unwrap();
        for statement in [
            "UPDATE phases SET state = 'UPCOMING'".to_owned(),
            format!("UPDATE phases SET state = 'CURRENT' WHERE key = '{key}'"),
            "UPDATE catalogue_state SET version = version + 1".to_owned(),
        ] {
            db.execute_unprepared(&statement).await.unwrap();
        }
        let phases = phase::Entity::find().all(&*db).await.unwrap();
        let changed = phases.iter().map(|phase| Changed { kind: Type::Phase, id: phase.id, version: None });
        records::append(&*db, &changed.collect::<Vec<_>>(), [], NOW.parse().unwrap()).await.unwrap();
        db.commit().await.unwrap();
        self.server.live().refresh().await;
    }

    /// The data of a request that is expected to succeed.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let answer = self.ask(query, variables).await;
        assert_eq!(answer.body.get("errors"), None, "{query}");
        assert_eq!(answer.status, 200);
        answer.body["data"].clone()
    }

    /// The code, field and message of the one error of a request.
    pub async fn error(&self, query: &str, variables: Value) -> (String, Value, String) {
        let answer = self.ask(query, variables).await;
        let errors = answer.body["errors"].as_array().unwrap_or_else(|| panic!("no error: {}", answer.body));
        assert_eq!(errors.len(), 1, "{errors:?}");
        let extensions = &errors[0]["extensions"];
        assert!(extensions["requestId"].is_string(), "{errors:?}");
        let message = errors[0]["message"].as_str().unwrap().to_owned();
        (extensions["code"].as_str().unwrap().to_owned(), extensions["field"].clone(), message)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    pub async fn send(&self, request: axum::http::request::Builder, body: String) -> Answer {
        send(self.server.router(), request.body(Body::from(body)).unwrap()).await
    }
}

/// A POST to the GraphQL endpoint with a JSON body.
pub fn post() -> axum::http::request::Builder {
    Request::post("/graphql").header("content-type", "application/json")
}

pub async fn send(router: Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = axum::body::to_bytes(body, 100_000_000).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status: parts.status, headers: parts.headers, body }
}

pub fn clock() -> Clock {
    Clock::Fixed(NOW.parse().unwrap())
}

/// Names the policies that are in force.
pub fn fingerprint() -> String {
    static FINGERPRINT: OnceLock<String> = OnceLock::new();
    FINGERPRINT.get_or_init(|| policies::embedded().unwrap().fingerprint().to_owned()).clone()
}

/// Settings for a test: the defaults, another database, few connections.
pub fn config(database_url: &str) -> Config {
    let flags = Flags {
        database_url: Some(database_url.to_owned()),
        listen: Some("127.0.0.1:0".to_owned()),
        ..Flags::default()
    };
    let mut config = Config::load(&flags).unwrap();
    config.database_connections = 3;
    config.refresh_interval_ms = 100;
    config.rate_limit = 0;
    // Tests write past the records that would tell of it; `answers` keeps some.
    config.limits.answer_cache_bytes = 0;
    config.jwks = Some(jwks_path());
    config.jwt_issuer = Some(callers::ISSUER.to_owned());
    config.webhook_key = Some(WebhookKey::new([7; 32]));
    config.webhook_allow_private = Allowed::All;
    config.webhook_allow_http = true;
    config
}

/// All nodes of a connection.
pub fn nodes(connection: &Value) -> Vec<Value> {
    connection["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()).collect()
}

/// The values of one key of all nodes.
pub fn texts(connection: &Value, key: &str) -> Vec<String> {
    nodes(connection).iter().map(|node| node[key].as_str().unwrap().to_owned()).collect()
}
