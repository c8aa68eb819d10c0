//! GraphQL over HTTP: what the library's own integration gets wrong is done here (status codes, media types,
//! bounded bodies, no batches, no mutation by GET).

use axum::{
    body::Bytes,
    extract::{
        Query, Request, State,
        rejection::QueryRejection,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use futures_util::future::BoxFuture;

use super::{
    App,
    answer::{MediaType, outcome, refusal, status_of_invalid_document},
    answers::Asked,
    bearer::Bearer,
    body::{self, Parameters, QueryString},
    execute::{Answered, Form, May, Refused, answer, prepare, too_slow},
    negotiation,
    request::Info,
    sse, websocket,
};
use crate::{
    error::{Code, Error, Result},
    identity::Claims,
};

/// Who may go on, and which media type it gets.
struct Admitted {
    bearer: Bearer,
    media_type: MediaType,
}

impl Admitted {
    fn asked(&self, method: Method, request: &Info, headers: &HeaderMap, what: &Bytes) -> Asked {
        Asked::new(method, self.media_type, self.bearer.claims.as_ref(), request, headers, what)
    }
}

/// `POST /graphql`.
pub async fn post(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let (request, headers) = (Info::of(&parts), parts.headers);
    let admitted = admit(&app, &headers, &request).await;
    // The body is read whoever sends it: who is refused while still sending sees a broken connection instead of the answer.
    let limits = &app.0.limits;
    let limit = match &admitted {
        Ok(Admitted { bearer: Bearer { claims: Some(_), .. }, .. }) => {
            ("body_bytes_signed_in", limits.body_bytes_signed_in)
        }
        _ => ("body_bytes", limits.body_bytes),
    };
    let body = tokio::time::timeout(app.0.request_timeout, body::read(body, limit, content_length(&headers))).await;
    let admitted = match admitted {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    let media_type = admitted.media_type;
    let body = match body {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => {
            app.note_refusal(admitted.bearer.claims.as_deref(), &error);
            return refusal(status_of_unread(&error), &error, &request, media_type);
        }
        Err(_) => return refusal(StatusCode::REQUEST_TIMEOUT, &too_slow(), &request, media_type),
    };
    if !negotiation::is_json(&headers) {
        let error = Error::new(
            Code::BadRequest,
            "Der Inhalt muss unkomprimiertes JSON sein: Content-Type: application/json.",
            "The body must be plain JSON: Content-Type: application/json.",
        );
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error, &request, media_type);
    }
    let asked = admitted.asked(Method::POST, &request, &headers, &body);
    if let Some(answer) = kept(&app, &asked, &headers).await {
        return answer;
    }
    let parameters = body::from_json(&body);
    drop(body);
    match parameters {
        Ok(parameters) => {
            let may = May { change: true, follow: media_type == MediaType::EventStream };
            run(&app, parameters, admitted, (&request, &headers), may, asked).await
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error, &request, media_type),
    }
}

/// `GET /graphql`: no mutations; upgraded it is a WebSocket.
pub async fn get(
    State(app): State<App>,
    request: Info,
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    query: Result<Query<QueryString>, QueryRejection>,
) -> Response {
    if let Ok(upgrade) = upgrade {
        return websocket::upgrade(app, request, &headers, upgrade).await;
    }
    let admitted = match admit(&app, &headers, &request).await {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    let asked = Bytes::copy_from_slice(uri.query().unwrap_or_default().as_bytes());
    let asked = admitted.asked(Method::GET, &request, &headers, &asked);
    if let Some(answer) = kept(&app, &asked, &headers).await {
        return answer;
    }
    let parameters =
        query.map_err(|_| body::broken_query_string()).and_then(|Query(query)| body::from_query_string(query));
    match parameters {
        Ok(parameters) => {
            let may = May { change: false, follow: admitted.media_type == MediaType::EventStream };
            run(&app, parameters, admitted, (&request, &headers), may, asked).await
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error, &request, admitted.media_type),
    }
}

/// Any other method.
pub async fn other_method(request: Info, method: Method) -> Response {
    let error = Error::new(
        Code::BadRequest,
        format!("{method} gibt es hier nicht. Bitte POST verwenden, oder GET für Abfragen."),
        format!("{method} does not exist here. Please use POST, or GET for queries."),
    );
    not_allowed(&error, &request, MediaType::Json, "GET, POST")
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn admit(app: &App, headers: &HeaderMap, request: &Info) -> Result<Admitted, Box<Response>> {
    let bearer = Bearer::of_request(app, headers).await;
    count(app, bearer.as_ref().ok().and_then(|bearer| bearer.claims.as_deref()), request)?;
    let bearer = bearer.map_err(|_| Box::new(unauthenticated(request)))?;
    let media_type = negotiation::accepted(headers).ok_or_else(|| {
        let error = Error::new(
            Code::BadRequest,
            "Geantwortet wird als application/graphql-response+json, application/json oder text/event-stream. Bitte Accept anpassen.",
            "Answers are application/graphql-response+json, application/json or text/event-stream. Please change Accept.",
        );
        Box::new(refusal(StatusCode::NOT_ACCEPTABLE, &error, request, MediaType::Json))
    })?;
    Ok(Admitted { bearer, media_type })
}

/// Counts the request, or answers that it is one too many.
pub fn count(app: &App, claims: Option<&Claims>, request: &Info) -> Result<(), Box<Response>> {
    let refused = |error| Box::new(refusal(StatusCode::TOO_MANY_REQUESTS, &error, request, MediaType::Json));
    app.count(claims, request).map_err(refused)
}

/// One answer for every token that is not accepted: it does not say why.
pub fn unauthenticated(request: &Info) -> Response {
    let error = Error::new(
        Code::Unauthenticated,
        "Die Anmeldung wird nicht angenommen. Ohne Token ist der öffentliche Katalog lesbar.",
        "The credentials are not accepted. Without a token the public catalogue can be read.",
    );
    let mut response = refusal(StatusCode::UNAUTHORIZED, &error, request, MediaType::Json);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// The answer that is kept, if there is one that still holds.
async fn kept(app: &App, asked: &Asked, headers: &HeaderMap) -> Option<Response> {
    if wants_check(headers) {
        let check = async { tokio::join!(app.0.desk.live.refresh(), app.0.desk.feed.look()) };
        // Whatever it gives: who is away is told by what follows.
        let _ = tokio::time::timeout(app.0.request_timeout, check).await;
    }
    app.0.answers.find(&app.0.desk, asked, headers).await
}

/// Whether the caller wants what another instance has just written.
fn wants_check(headers: &HeaderMap) -> bool {
    let directives = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    directives.flat_map(|value| value.split(',')).any(|directive| directive.trim().eq_ignore_ascii_case("no-cache"))
}

/// Runs a request. On the heap, and made here: who is told a kept answer carries none of it along, and the stack is left to what runs.
fn run<'r>(
    app: &'r App,
    given: Parameters,
    admitted: Admitted,
    came: (&'r Info, &'r HeaderMap),
    may: May,
    asked: Asked,
) -> BoxFuture<'r, Response> {
    Box::pin(run_here(app, given, admitted, came, may, asked))
}

async fn run_here(
    app: &App,
    given: Parameters,
    admitted: Admitted,
    (request, headers): (&Info, &HeaderMap),
    may: May,
    asked: Asked,
) -> Response {
    let media_type = admitted.media_type;
    let prepared = match prepare(app, given, may, admitted.bearer.claims.as_deref()) {
        Ok(prepared) => prepared,
        Err(Refused::Method(error)) => return not_allowed(&error, request, media_type, "POST"),
        Err(Refused::Document(error)) => {
            let status = match error.code {
                Code::BadRequest => StatusCode::BAD_REQUEST,
                Code::Forbidden => StatusCode::FORBIDDEN,
                _ => status_of_invalid_document(media_type),
            };
            return refusal(status, &error, request, media_type);
        }
    };
    if media_type == MediaType::EventStream {
        return sse::stream(app, prepared, admitted.bearer, request);
    }
    match answer(app, &prepared, admitted.bearer.claims.as_deref(), request, Form::Written).await {
        Ok(Answered { outcome: answered, before }) => {
            let response = outcome(answered, request, media_type, request.wants_cost.then_some(prepared.cost));
            app.0.answers.keep(&app.0.desk, asked, before, response, headers).await
        }
        Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, &error, request, media_type),
    }
}

fn not_allowed(error: &Error, request: &Info, media_type: MediaType, allowed: &'static str) -> Response {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, error, request, media_type);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn status_of_unread(error: &Error) -> StatusCode {
    if error.code == Code::LimitExceeded { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
}
