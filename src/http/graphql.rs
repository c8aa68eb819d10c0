//! GraphQL over HTTP: what the library's own integration gets wrong is done here (status codes, media types,
//! bounded bodies, no batches, no mutation by GET).

use axum::{
    body::Body,
    extract::{
        Query, State,
        rejection::QueryRejection,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};

use super::{
    App,
    answer::{MediaType, outcome, refusal, status_of_invalid_document},
    bearer::Bearer,
    body::{self, Parameters, QueryString},
    execute::{May, Refused, answer, prepare, too_slow},
    negotiation,
    request::Info,
    sse, websocket,
};
use crate::error::{Code, Error, Result};

/// Who may go on, and which media type it gets.
struct Admitted {
    bearer: Bearer,
    media_type: MediaType,
}

/// `POST /graphql`.
pub async fn post(State(app): State<App>, request: Info, headers: HeaderMap, body: Body) -> Response {
    // The body is read first: who is refused while still sending sees a broken connection instead of the answer.
    let body = tokio::time::timeout(
        app.0.request_timeout,
        body::read(body, app.0.limits.body_bytes, content_length(&headers)),
    )
    .await;
    let admitted = match admit(&app, &headers, &request).await {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    let media_type = admitted.media_type;
    let body = match body {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return refusal(status_of_unread(&error), &error, &request, media_type),
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
    match body::from_json(&body) {
        Ok(parameters) => {
            let may = May { change: true, follow: media_type == MediaType::EventStream };
            run(&app, parameters, admitted, &request, may).await
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error, &request, media_type),
    }
}

/// `GET /graphql`: no mutations; upgraded it is a WebSocket.
pub async fn get(
    State(app): State<App>,
    request: Info,
    headers: HeaderMap,
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
    let parameters =
        query.map_err(|_| body::broken_query_string()).and_then(|Query(query)| body::from_query_string(query));
    match parameters {
        Ok(parameters) => {
            let may = May { change: false, follow: admitted.media_type == MediaType::EventStream };
            run(&app, parameters, admitted, &request, may).await
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
    let bearer = Bearer::of_request(app, headers).await.map_err(|_| Box::new(unauthenticated(request)))?;
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

async fn run(app: &App, given: Parameters, admitted: Admitted, request: &Info, may: May) -> Response {
    let media_type = admitted.media_type;
    let prepared = match prepare(app, given, may) {
        Ok(prepared) => prepared,
        Err(Refused::Method(error)) => return not_allowed(&error, request, media_type, "POST"),
        Err(Refused::Document(error)) => {
            let status = match error.code {
                Code::BadRequest => StatusCode::BAD_REQUEST,
                _ => status_of_invalid_document(media_type),
            };
            return refusal(status, &error, request, media_type);
        }
    };
    if media_type == MediaType::EventStream {
        return sse::stream(app, prepared, admitted.bearer, request);
    }
    match answer(app, &prepared, admitted.bearer.claims.as_deref(), request).await {
        Ok(answered) => outcome(answered, request, media_type),
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
