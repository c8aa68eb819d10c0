//! Health: whether the process runs, and whether it can do all of its work.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::App;
use crate::identity::Readiness;

/// Longest wait for the database.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /livez`: the process runs.
pub async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers, has the schema that this program knows, its catalogue is the one that is
/// served, and there are keys to verify tokens with, if any are configured. While not, the last catalogue goes on being served from memory.
pub async fn ready(State(app): State<App>) -> Response {
    let check = tokio::time::timeout(PATIENCE, app.0.desk.database.has_current_schema()).await;
    let (database, migrations) = match check {
        Ok(Ok(true)) => ("up", "current"),
        Ok(Ok(false)) => ("up", "different"),
        Ok(Err(_)) | Err(_) => ("down", "unknown"),
    };
    let catalogue = if app.0.desk.live.is_current() { "current" } else { "stale" };
    let keys = match app.0.identity.readiness(app.0.desk.clock.now()).await {
        Readiness::NotConfigured => "not configured",
        Readiness::Ready => "loaded",
        Readiness::Waiting => "missing",
    };
    let is_ready = migrations == "current" && catalogue == "current" && keys != "missing";
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": is_ready,
        "database": database,
        "migrations": migrations,
        "catalogue": catalogue,
        "keys": keys,
        "catalogueVersion": app.0.desk.live.snapshot().version,
    });
    (status, Json(body)).into_response()
}
