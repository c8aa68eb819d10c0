//! graphql-sse in its mode of distinct connections: one operation, `next` for each result, `complete` at its end.

use std::convert::Infallible;

use async_graphql::parser::types::OperationType;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{
    StreamExt,
    future::{self, FutureExt},
    stream,
};

use super::{
    App,
    answer::{MediaType, Told, refusal, refused, told},
    bearer::Bearer,
    connections::{Place, Transport},
    execute::{Prepared, answer_in_turn},
    live::Running,
    request::Info,
};

/// Tells nginx not to hold events back.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How far an operation has come.
enum State {
    Ready(Box<Prepared>),
    Running(Box<Running>),
    Last,
    Over,
}

/// An operation whose results are sent as they come.
struct Operation {
    app: App,
    bearer: Bearer,
    request: Info,
    state: State,
    _places: [Place; 2],
}

/// Answers a request result by result. It ends without `complete` when the token expires or the service stops.
pub fn stream(app: &App, prepared: Prepared, bearer: Bearer, request: &Info) -> Response {
    let connections = &app.0.connections;
    let places = connections
        .enter(Transport::EventStream)
        .and_then(|place| Ok([place, connections.enter_as(bearer.claims.as_deref())?]));
    let places = match places {
        Ok(places) => places,
        Err(error) => return refusal(StatusCode::TOO_MANY_REQUESTS, &error, request, MediaType::EventStream),
    };
    let mut stop = connections.stop();
    let stopped = async move { stop.wait().await };
    let end = future::select(stopped.boxed(), bearer.clone().expired(app.clone()).boxed());
    let state = State::Ready(Box::new(prepared));
    let operation = Operation { app: app.clone(), bearer, request: request.clone(), state, _places: places };
    let events = stream::unfold(operation, Operation::next).take_until(end);
    let keep_alive = KeepAlive::new().interval(app.0.live.keep_alive());
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    response.headers_mut().insert(BUFFERING, HeaderValue::from_static("no"));
    response
}

impl Operation {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let (told, state) = match std::mem::replace(&mut self.state, State::Over) {
            State::Ready(prepared) if prepared.kind == OperationType::Subscription => {
                let (caller, request) = (self.bearer.claims.clone(), self.request.clone());
                match Running::open(self.app.clone(), *prepared, caller, request).await {
                    Ok(running) => Self::go_on(Box::new(running)).await,
                    Err(told) => (told, State::Last),
                }
            }
            State::Ready(prepared) => {
                let answered = answer_in_turn(&self.app, &prepared, self.bearer.claims.as_deref(), &self.request).await;
                let told = answered.map(|outcome| told(outcome, &self.request));
                (told.unwrap_or_else(|error| refused(&error, &self.request)), State::Last)
            }
            State::Running(running) => Self::go_on(running).await,
            State::Last => return Some((Ok(Event::default().event("complete").data("")), self)),
            State::Over => return None,
        };
        match Event::default().event("next").json_data(&told) {
            Ok(event) => Some((Ok(event), Self { state, ..self })),
            Err(error) => {
                tracing::error!(%error, request_id = self.request.id, "an event could not be written");
                None
            }
        }
    }

    async fn go_on(mut running: Box<Running>) -> (Told, State) {
        match running.next().await {
            Ok(told) => (told, State::Running(running)),
            Err(told) => (told, State::Last),
        }
    }
}
