//! Answers of the GraphQL endpoint: bodies, status codes, and errors in the caller's language.

use async_graphql::{Response as Outcome, ServerError, Value, indexmap::IndexMap};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use serde::Serialize;

use super::request::Info;
use crate::{
    error::{Code, Error},
    graphql::written,
    text::Language,
};

/// Most errors of an answer: a document can hold thousands of mistakes.
const MOST_ERRORS: usize = 20;

/// The media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// `application/graphql-response+json`: a request that can't run has a status of its own.
    GraphqlResponse,
    /// `application/json`: for clients of old, 200 for everything that is GraphQL.
    Json,
    /// `text/event-stream`: result by result, after graphql-sse.
    EventStream,
}

/// What is told of a request: its data, and what went wrong. Without data when it did not run.
#[derive(Serialize)]
pub struct Told {
    /// What went wrong, in the caller's language.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ServerError>,
    /// What it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// What was asked for besides.
    pub extensions: Option<Extensions>,
}

/// What is told of a request that did not run.
pub fn refused(error: &Error, request: &Info) -> Told {
    Told { errors: vec![error.to_server_error(request.language, &request.id)], data: None, extensions: None }
}

/// What is told besides data and errors.
#[derive(Serialize)]
pub struct Extensions {
    /// What the document costs.
    pub cost: Cost,
}

/// What a document costs, told on demand.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    /// What it is.
    pub actual: u64,
    /// What it may be.
    pub limit: u64,
}

/// The bytes of an answer without errors, for who may keep it.
#[derive(Clone, Debug)]
pub struct Complete(pub Bytes);

/// An answer without data: the request did not run.
pub fn refusal(status: StatusCode, error: &Error, request: &Info, media_type: MediaType) -> Response {
    write(status, &refused(error, request), request, media_type)
}

/// The status of a document that can't run.
pub fn status_of_invalid_document(media_type: MediaType) -> StatusCode {
    match media_type {
        MediaType::GraphqlResponse | MediaType::EventStream => StatusCode::BAD_REQUEST,
        MediaType::Json => StatusCode::OK,
    }
}

/// The answer of a request that ran, or that the library refused to run.
pub fn outcome(outcome: Outcome, request: &Info, media_type: MediaType, cost: Option<Cost>) -> Response {
    let told = Told { extensions: cost.map(|cost| Extensions { cost }), ..told(outcome, request) };
    let status = if told.data.is_some() { StatusCode::OK } else { status_of_invalid_document(media_type) };
    write(status, &told, request, media_type)
}

/// What is told of a request that ran, or that the library refused to run.
pub fn told(mut outcome: Outcome, request: &Info) -> Told {
    // INVARIANT: errors of fields have a path; what failed without one did not run.
    let did_run = outcome.errors.iter().all(|error| !error.path.is_empty());
    if outcome.errors.is_empty() && outcome.data == Value::Null {
        // The library makes an answer without fields (all skipped) a null.
        outcome.data = Value::Object(IndexMap::new());
    }
    let mut errors: Vec<ServerError> = outcome.errors;
    errors.dedup();
    errors.truncate(MOST_ERRORS);
    let errors = errors.into_iter().map(|error| translate(error, request)).collect();
    Told { errors, data: did_run.then_some(outcome.data), extensions: None }
}

/// Gives every error its code, its request id, and the caller's language; masks what is a fault of ours.
fn translate(mut error: ServerError, request: &Info) -> ServerError {
    let ours = match error.source::<Error>() {
        Some(ours) => ours.clone(),
        None if error.source.is_some() => Error::internal(&error.message),
        None if error.path.is_empty() => {
            let message = error.message.as_str();
            Error::new(
                Code::GraphqlValidationFailed,
                format!("Das Dokument passt nicht zum Schema: {message}"),
                message,
            )
        }
        None => bad_value(&error),
    };
    let translated = ours.to_server_error(request.language, &request.id);
    error.message = translated.message;
    error.extensions = translated.extensions;
    error.source = None;
    error
}

/// An error of an input value: our scalars bring their field and their sentences.
fn bad_value(error: &ServerError) -> Error {
    let extension = |name: &str| match error.extensions.as_ref().and_then(|extensions| extensions.get(name)) {
        Some(Value::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let german = extension("de").map_or_else(|| format!("Ungültiger Wert: {}", error.message), str::to_owned);
    let english = extension("en").unwrap_or(&error.message);
    Error::bad_input(extension("field").unwrap_or("argument"), german, english)
}

fn write(status: StatusCode, body: &Told, request: &Info, media_type: MediaType) -> Response {
    let content_type = match media_type {
        MediaType::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
        // What can't begin to stream is answered as JSON.
        MediaType::Json | MediaType::EventStream => "application/json; charset=utf-8",
    };
    let language = match request.language {
        Language::De => "de",
        Language::En => "en",
    };
    let mut response = match written::to_json(body, body.data.as_ref().map_or(0, written::room)) {
        Ok(bytes) => {
            let bytes = Bytes::from(bytes);
            let mut response = Response::new(Body::from(bytes.clone()));
            if body.errors.is_empty() {
                response.extensions_mut().insert(Complete(bytes));
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, request_id = request.id, "an answer could not be written");
            return without_body();
        }
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language));
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-language, authorization"));
    response
}

/// A fault of ours that nothing can be told of.
pub fn without_body() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
