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

/// Longest wait for the database.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET /livez`: the process runs.
pub async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the database answers, has the schema that this program knows, and its catalogue is the one that is
/// served. While not, the last catalogue goes on being served from memory.
pub async fn ready(State(app): State<App>) -> Response {
    let check = tokio::time::timeout(PATIENCE, app.0.database.has_current_schema()).await;
    let (database, migrations) = match check {
        Ok(Ok(true)) => ("up", "current"),
        Ok(Ok(false)) => ("up", "different"),
        Ok(Err(_)) | Err(_) => ("down", "unknown"),
    };
    let catalogue = if app.0.live.is_current() { "current" } else { "stale" };
    let is_ready = migrations == "current" && catalogue == "current";
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "ready": is_ready,
        "database": database,
        "migrations": migrations,
        "catalogue": catalogue,
        "catalogueVersion": app.0.live.snapshot().version,
    });
    (status, Json(body)).into_response()
}
