//! The outside: routes, the GraphQL handler, health, metrics. Only here, in `server` and in `identity` is axum named.

mod address;
mod answer;
mod answers;
mod bearer;
mod body;
mod cached;
pub mod connections;
mod execute;
mod exports;
mod graphiql;
mod graphql;
mod health;
mod live;
pub mod metrics;
mod negotiation;
mod operation;
mod origin;
mod outer;
mod rate;
mod request;
mod sse;
mod websocket;

pub use address::Peer;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use tokio::sync::Semaphore;

use self::{connections::Connections, rate::Key};
use crate::{
    as_of::Days,
    config::Config,
    desk::Desk,
    error::{Code, Error},
    graphql::{Schema, documents::Documents, schema, schema_for_valid, sdl, trusted::Trusted, types::Types},
    identity::{Claims, Identity},
};

/// What every request shares.
#[derive(Clone)]
pub struct App(Arc<Parts>);

struct Parts {
    schema: Schema,
    /// For documents that are known to be valid, with values that were checked.
    schema_for_valid: Schema,
    sdl: String,
    types: Types,
    documents: Documents,
    answers: answers::Answers,
    desk: Arc<Desk>,
    days: Arc<Days>,
    identity: Identity,
    limits: crate::config::Limits,
    live: crate::config::Live,
    allowed_origins: Vec<String>,
    connections: Arc<Connections>,
    request_timeout: Duration,
    in_flight: Arc<Semaphore>,
    rates: rate::Rates,
    trusted: Trusted,
    only_trusted: bool,
}

impl App {
    /// Puts the parts together.
    pub fn new(config: &Config, desk: Arc<Desk>, identity: Identity) -> Result<Self, String> {
        let schema = schema();
        let sdl = sdl(&schema);
        let types = Types::from_sdl(&sdl).map_err(|error| format!("the schema can't be read back: {error}"))?;
        Ok(Self(Arc::new(Parts {
            documents: Documents::new(&config.limits),
            answers: answers::Answers::new(&config.limits),
            limits: config.limits.clone(),
            live: config.live.clone(),
            allowed_origins: config.allowed_origins.clone(),
            connections: Connections::new(config.live.clone()),
            request_timeout: Duration::from_millis(config.request_timeout_ms),
            in_flight: Arc::new(Semaphore::new(config.limits.in_flight)),
            trusted: Trusted::read(config.documents.as_deref())?,
            only_trusted: config.only_trusted_documents,
            rates: rate::Rates::new(config.rate_limit, &config.rate_limits),
            schema,
            schema_for_valid: schema_for_valid(),
            sdl,
            types,
            days: Arc::new(Days::new(desk.database.clone())),
            desk,
            identity,
        })))
    }

    /// Counts a request, or an operation on a connection that stays; whose token is not accepted is counted by its address.
    fn count(&self, claims: Option<&Claims>, request: &request::Info) -> Result<(), Error> {
        if let Some(claims) = claims {
            self.0.desk.usage.count(&claims.client(), self.0.desk.clock.now());
        }
        let client = claims.map(|claims| claims.client_id.as_str());
        let Some((standing, counted)) = self.0.rates.count(&Key::of(claims, request.address), client) else {
            return Ok(());
        };
        // What was told of a connection stays told; its operations are counted all the same.
        let _ = request.standing.set(standing);
        counted.inspect_err(|error| self.note_refusal(claims, error))
    }

    /// Notes that a limit refused a request of somebody with a token.
    fn note_refusal(&self, claims: Option<&Claims>, error: &Error) {
        if let (Some(claims), Code::RateLimited | Code::LimitExceeded) = (claims, error.code) {
            self.0.desk.usage.count_refusal(&claims.client(), self.0.desk.clock.now());
        }
    }

    /// The connections that stay.
    pub fn connections(&self) -> Arc<Connections> {
        self.0.connections.clone()
    }

    /// All routes.
    pub fn router(self, config: &Config) -> Result<Router, String> {
        metrics::install();
        let graphql = get(graphql::get).post(graphql::post).fallback(graphql::other_method);
        let routes = Router::new()
            .route("/graphql", outer::bounded(graphql, self.0.in_flight.clone()))
            .route("/exports/{id}", outer::bounded(get(exports::download), self.0.in_flight.clone()))
            .route("/graphiql", get(graphiql::page))
            .route("/graphiql/{file}", get(graphiql::part))
            .route("/schema.graphql", get(schema_text))
            .route("/livez", get(health::live))
            .route("/readyz", get(health::ready))
            .route("/metrics", get(metrics::show))
            .fallback(nothing_here);
        Ok(outer::around(routes, config)?.with_state(self))
    }
}

async fn schema_text(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], app.0.sdl.clone())
}

async fn nothing_here(request: request::Info) -> Response {
    let error = Error::new(
        Code::NotFound,
        "Hier ist nichts. Die Schnittstelle ist /graphql, das Schema /schema.graphql.",
        "There is nothing here. The interface is /graphql, the schema /schema.graphql.",
    );
    answer::refusal(StatusCode::NOT_FOUND, &error, &request, answer::MediaType::Json)
}
