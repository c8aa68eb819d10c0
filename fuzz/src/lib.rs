//! The service as the targets see it: sample data, the real router, and what must hold of every answer.

mod cost;

use std::{path::PathBuf, sync::OnceLock, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use http_body_util::BodyExt;
use itkatalog::{
    clock::Clock,
    config::{Config, Flags},
    identity::demo::DemoKey,
    server::Server,
};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt;

pub use cost::Cost;

/// What no answer may say: it would tell of the inside.
const INSIDE: [&str; 8] = ["INTERNAL", "panicked", "sqlx", "SELECT ", "sea_orm", "async_graphql", "RUST_", ".rs:"];

/// A running service.
pub struct Service {
    runtime: Runtime,
    server: Server,
    key: DemoKey,
    signed_in: String,
}

impl Service {
    /// The one service of this process.
    pub fn get() -> &'static Self {
        static SERVICE: OnceLock<Service> = OnceLock::new();
        SERVICE.get_or_init(Self::start)
    }

    fn start() -> Self {
        let folder: PathBuf = std::env::temp_dir().join(format!("itkatalog-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the key");
        let database = format!("sqlite://{}", folder.join("itkatalog.db").display());
        let flags = Flags { database_url: Some(database), ..Flags::default() };
        let mut config = Config::load(&flags).expect("settings");
        config.rate_limit = 0;
        let key = DemoKey::read_or_create(&DemoKey::path(&config.database_url)).expect("a key");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let server = runtime.block_on(Server::build(config, Clock::System, true)).expect("a service");
        let signed_in = sign(&key, Map::new());
        Self { runtime, server, key, signed_in }
    }

    /// A token with these claims on top of those of somebody who may do a lot.
    pub fn token(&self, more: Map<String, Value>) -> String {
        sign(&self.key, more)
    }

    /// The token of somebody who may do a lot.
    pub fn signed_in(&self) -> &[u8] {
        self.signed_in.as_bytes()
    }

    /// The id of this installation, which cursors of the change feed name.
    pub fn installation(&self) -> &str {
        self.server.desk().feed.installation()
    }

    /// Sends a request, and looks at what comes back. The status and the answer.
    pub fn ask(&self, token: Option<&[u8]>, body: Vec<u8>) -> (StatusCode, Value) {
        let sent = String::from_utf8_lossy(&body).into_owned();
        let mut request = Request::post("/graphql").header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", [b"Bearer ", token].concat());
        }
        // Bytes that no header can hold: nothing to send.
        let Ok(request) = request.body(Body::from(body)) else { return (StatusCode::BAD_REQUEST, Value::Null) };
        let answer = self.runtime.block_on(async {
            let response = self.server.router().oneshot(request).await.expect("the router answers");
            let (parts, body) = response.into_parts();
            (parts.status, body.collect().await.expect("a whole answer").to_bytes())
        });
        let text = std::str::from_utf8(&answer.1).expect("an answer in UTF-8");
        assert!(!answer.0.is_server_error(), "{}: {text}", answer.0);
        for word in INSIDE {
            // What was sent may come back.
            assert!(!text.contains(word) || sent.contains(word), "{word}: {text}");
        }
        (answer.0, serde_json::from_str(text).expect("an answer in JSON"))
    }
}

fn sign(key: &DemoKey, more: Map<String, Value>) -> String {
    let mut claims = Map::new();
    claims.insert("sub".into(), "fuzz".into());
    claims.insert("roles".into(), json!(["provider", "steward", "auditor"]));
    claims.insert("provider".into(), "itkr".into());
    claims.extend(more);
    key.sign(claims, "itkatalog", Clock::System.now(), Duration::from_secs(86_400)).expect("a token")
}
