//! Figures for Prometheus.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use parking_lot::RwLock;

use super::{App, connections::Transport};

/// Upper bounds of the request duration's buckets, in seconds.
const BUCKETS: [f64; 10] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder of this process, once.
pub fn install() {
    HANDLE.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS);
        let installed = builder
            .map_err(|error| error.to_string())
            .and_then(|builder| builder.install_recorder().map_err(|error| error.to_string()));
        installed.inspect_err(|error| tracing::error!(error, "no metrics")).ok()
    });
}

/// A counter and a histogram, found once for each path and status: naming them anew costs more than counting.
type Kept = HashMap<String, HashMap<u16, (Counter, Histogram)>>;

static REQUESTS: LazyLock<RwLock<Kept>> = LazyLock::new(RwLock::default);

/// Counts a request and its duration.
pub fn count_request(path: &str, status: StatusCode, elapsed: Duration) {
    let count = |(requests, durations): &(Counter, Histogram)| {
        requests.increment(1);
        durations.record(elapsed.as_secs_f64());
    };
    let status = status.as_u16();
    if let Some(kept) = REQUESTS.read().get(path).and_then(|of_path| of_path.get(&status)) {
        return count(kept);
    }
    let labels = [("path", path.to_owned()), ("status", status.to_string())];
    let requests = metrics::counter!("itkatalog_requests_total", &labels);
    let durations = metrics::histogram!("itkatalog_request_duration_seconds", "path" => path.to_owned());
    count(REQUESTS.write().entry(path.to_owned()).or_default().entry(status).or_insert((requests, durations)));
}

/// Keeps the recorder's memory bounded; to be called every few seconds.
pub fn upkeep() {
    if let Some(Some(handle)) = HANDLE.get() {
        handle.run_upkeep();
    }
}

/// `GET /metrics`.
pub async fn show(State(app): State<App>) -> impl IntoResponse {
    let snapshot = app.0.desk.live.snapshot();
    metrics::gauge!("itkatalog_catalogue_version").set(snapshot.version as f64);
    metrics::gauge!("itkatalog_catalogue_products").set(snapshot.products.len() as f64);
    metrics::gauge!("itkatalog_database_up").set(f64::from(u8::from(app.0.desk.live.is_database_up())));
    for (name, transport) in [("websocket", Transport::WebSocket), ("event_stream", Transport::EventStream)] {
        let open = app.0.connections.count(transport);
        metrics::gauge!("itkatalog_connections", "transport" => name).set(open as f64);
    }
    metrics::gauge!("itkatalog_feed_sequence").set(app.0.desk.feed.head() as f64);
    metrics::counter!("itkatalog_sql_statements_total").absolute(app.0.desk.database.statements());
    let fingerprint = app.0.desk.engine.fingerprint().to_owned();
    metrics::gauge!("itkatalog_policies_info", "fingerprint" => fingerprint).set(1.0);
    let text = HANDLE.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
