//! GraphQL over HTTP: what the library's own integration gets wrong is done here (status codes, media types,
//! bounded bodies, no batches, no mutation by GET).

use std::sync::{Arc, atomic::Ordering};

use async_graphql::{
    Request as Execution, Response as Outcome,
    parser::types::{ExecutableDocument, OperationType},
};
use axum::{
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};

use sha2::{Digest, Sha256};

use super::{
    App, Parts,
    answer::{Complete, Cost, MediaType, outcome, refusal, status_of_invalid_document},
    body::{self, Asked, Parameters, QueryString},
    negotiation,
    rate::Key,
    request::Info,
};
use crate::{
    clock::day_of,
    error::{Code, Error, Result},
    graphql::{context::Reading, guard, nulls, order, trusted, variables},
    identity::Claims,
};

/// How long a cache may answer from its copy: no longer than another instance may be behind.
const PUBLIC: &str = "public, max-age=1, must-revalidate";

/// `POST /graphql`.
pub async fn post(State(app): State<App>, request: Info, headers: HeaderMap, body: Body) -> Response {
    let admitted = admit(&app, &headers, &request).await;
    // The body is read whoever sends it: who is refused while still sending sees a broken connection instead of the answer.
    let limits = &app.0.limits;
    let limit = match &admitted {
        Ok((_, Some(_))) => ("body_bytes_signed_in", limits.body_bytes_signed_in),
        _ => ("body_bytes", limits.body_bytes),
    };
    let body = tokio::time::timeout(app.0.request_timeout, body::read(body, limit, content_length(&headers))).await;
    let (media_type, caller) = match admitted {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
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
    let parameters = body::from_json(&body);
    drop(body);
    match parameters {
        Ok(parameters) => run(&app, parameters, caller, &request, media_type, true).await,
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error, &request, media_type),
    }
}

/// `GET /graphql`: queries only.
pub async fn get(
    State(app): State<App>,
    request: Info,
    headers: HeaderMap,
    query: Result<Query<QueryString>, QueryRejection>,
) -> Response {
    let (media_type, caller) = match admit(&app, &headers, &request).await {
        Ok(admitted) => admitted,
        Err(refused) => return *refused,
    };
    let parameters =
        query.map_err(|_| body::broken_query_string()).and_then(|Query(query)| body::from_query_string(query));
    match parameters {
        Ok(parameters) => {
            let is_public = caller.is_none();
            let answer = run(&app, parameters, caller, &request, media_type, false).await;
            if is_public { cacheable(answer, &headers) } else { answer }
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error, &request, media_type),
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

/// Who may go on as whom, and which media type it gets.
async fn admit(
    app: &App,
    headers: &HeaderMap,
    request: &Info,
) -> Result<(MediaType, Option<Arc<Claims>>), Box<Response>> {
    let caller = match bearer(headers) {
        Ok(None) => None,
        Ok(Some(token)) => Some(app.0.identity.verify(token, app.0.desk.clock.now()).await.ok_or(())),
        Err(()) => Some(Err(())),
    };
    count(app, caller.as_ref().and_then(|caller| caller.as_deref().ok()), request)?;
    let caller = caller.transpose().map_err(|()| Box::new(unauthenticated(request)))?;
    let media_type = negotiation::accepted(headers).ok_or_else(|| {
        let error = Error::new(
            Code::BadRequest,
            "Geantwortet wird als application/graphql-response+json oder application/json. Bitte Accept anpassen.",
            "Answers are application/graphql-response+json or application/json. Please change Accept.",
        );
        Box::new(refusal(StatusCode::NOT_ACCEPTABLE, &error, request, MediaType::Json))
    })?;
    Ok((media_type, caller))
}

/// Counts the request; whose token is not accepted is counted by its address.
fn count(app: &App, claims: Option<&Claims>, request: &Info) -> Result<(), Box<Response>> {
    let Some(rates) = &app.0.rates else { return Ok(()) };
    let key = claims.map_or(Key::Address(request.address), Key::from);
    let (standing, counted) = rates.count(&key);
    // Nobody else counts this request.
    let _ = request.standing.set(standing);
    let refused = |error| Box::new(refusal(StatusCode::TOO_MANY_REQUESTS, &error, request, MediaType::Json));
    counted.map_err(refused)
}

/// The bearer token; none without the header. An error for anything else: never taken as anonymous.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ()> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let (scheme, token) = value.to_str().map_err(|_| ())?.split_once(' ').ok_or(())?;
    let is_bearer = scheme.eq_ignore_ascii_case("Bearer") && given.next().is_none();
    if is_bearer { Ok(Some(token.trim())) } else { Err(()) }
}

/// One answer for every token that is not accepted: it does not say why.
fn unauthenticated(request: &Info) -> Response {
    let error = Error::new(
        Code::Unauthenticated,
        "Die Anmeldung wird nicht angenommen. Ohne Token ist der öffentliche Katalog lesbar.",
        "The credentials are not accepted. Without a token the public catalogue can be read.",
    );
    let mut response = refusal(StatusCode::UNAUTHORIZED, &error, request, MediaType::Json);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

async fn run(
    app: &App,
    given: Parameters,
    caller: Option<Arc<Claims>>,
    request: &Info,
    media_type: MediaType,
    may_write: bool,
) -> Response {
    let prepared = match prepare(app, given, may_write, caller.is_none()) {
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
    if prepared.is_mutation {
        // A change is answered from the catalogue that it is decided on.
        let refreshed = tokio::time::timeout(app.0.request_timeout, app.0.desk.live.refresh()).await;
        if refreshed.is_err() {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, &too_slow(), request, media_type);
        }
    }
    let reading = reading(app, caller.as_deref(), request);
    let name = prepared.execution.operation_name.clone();
    let (is_mutation, has_asked) = (prepared.is_mutation, reading.has_asked_database.clone());
    let execution = app.0.schema.execute(prepared.execution.data(reading));
    let answered = tokio::time::timeout(app.0.request_timeout, execution).await;
    match answered {
        Ok(mut answered) => {
            let has_failed = !answered.errors.is_empty();
            let has_waited = is_mutation || has_asked.load(Ordering::Relaxed);
            if let (true, Ok(operation)) =
                (has_failed || has_waited, guard::operation(&prepared.document, name.as_deref()))
            {
                if has_failed {
                    let root = guard::root(operation);
                    let Outcome { data, errors, .. } = &mut answered;
                    nulls::complete(&app.0.types, &prepared.document, operation, root, data, errors);
                }
                order::arrange(&prepared.document, operation, &mut answered.data);
            }
            outcome(answered, request, media_type, request.wants_cost.then_some(prepared.cost))
        }
        Err(_) => refusal(StatusCode::SERVICE_UNAVAILABLE, &too_slow(), request, media_type),
    }
}

struct Prepared {
    document: Arc<ExecutableDocument>,
    execution: Execution,
    is_mutation: bool,
    cost: Cost,
}

enum Refused {
    Document(Error),
    Method(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Document(error)
    }
}

/// What a request stands on: one snapshot, one moment, one language, one caller.
fn reading(app: &App, caller: Option<&Claims>, request: &Info) -> Reading {
    let (snapshot, now) = (app.0.desk.live.snapshot(), app.0.desk.clock.now());
    Reading {
        caller: caller.map(|claims| claims.caller(&snapshot, day_of(now))),
        snapshot: snapshot.into(),
        now,
        today: day_of(now),
        language: request.language,
        request_id: request.id.clone(),
        desk: app.0.desk.clone(),
        persons: Arc::default(),
        days: app.0.days.clone(),
        roots: Arc::default(),
        is_of_another_day: false,
        has_asked_database: Arc::default(),
    }
}

/// Parses, measures and checks a request.
fn prepare(app: &App, given: Parameters, may_write: bool, is_anonymous: bool) -> Result<Prepared, Refused> {
    let app = &*app.0;
    let Parameters { document, operation_name, variables: mut values } = given;
    let query = text(app, document, is_anonymous)?;
    let document = app.documents.parse(&query)?;
    let operation = guard::operation(&document, operation_name.as_deref())?;
    let is_mutation = operation.ty == OperationType::Mutation;
    if is_mutation && !may_write {
        return Err(Refused::Method(Error::new(
            Code::BadRequest,
            "Änderungen gehen nur mit POST.",
            "Mutations go with POST only.",
        )));
    }
    // First the values, then their cost: `first: -1` is a wrong value, not a limit.
    variables::check(&app.types, operation, &mut values)?;
    let (measure, selections) = guard::check(&app.types, &document, operation, &values, &app.limits)?;
    app.documents.keep(&query, &document, selections);
    let mut execution = Execution::new(String::new()).variables(values);
    execution.operation_name = operation_name;
    execution.set_parsed_query(document.as_ref().clone());
    let cost = Cost { actual: measure.cost, limit: app.limits.cost };
    Ok(Prepared { document, execution, is_mutation, cost })
}

/// The text of the document that is asked for.
fn text(app: &Parts, asked: Asked, is_anonymous: bool) -> Result<Arc<str>> {
    match asked {
        Asked::Id(id) => app.trusted.find(&id),
        Asked::Text(text) if is_anonymous && app.only_trusted => {
            app.trusted.find(&trusted::id(&text)).map_err(|_| only_trusted())
        }
        Asked::Text(text) => Ok(text.into()),
    }
}

fn only_trusted() -> Error {
    Error::new(
        Code::Forbidden,
        "Ohne Token werden hier nur hinterlegte Dokumente beantwortet.",
        "Without a token only documents that are kept here are answered.",
    )
    .next(
        "Sich anmelden, oder das Dokument vom Betrieb hinterlegen lassen und mit documentId abfragen.",
        "Sign in, or have the operators keep the document and ask for it by documentId.",
    )
}

/// Lets caches keep what was answered without errors, and says nothing again to whom has it already.
fn cacheable(mut answer: Response, asked: &HeaderMap) -> Response {
    let Some(Complete(bytes)) = answer.extensions_mut().remove() else { return answer };
    // Weak: compressed, it is other bytes.
    let tag = format!("W/\"{}\"", base16ct::lower::encode_string(&Sha256::digest(&bytes)));
    let Ok(value) = HeaderValue::from_str(&tag) else { return answer };
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(PUBLIC));
    headers.insert(header::ETAG, value);
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(str::trim);
    if known.any(|known| known == "*" || known == tag) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        *answer.body_mut() = Body::empty();
        answer.headers_mut().remove(header::CONTENT_TYPE);
    }
    answer
}

fn not_allowed(error: &Error, request: &Info, media_type: MediaType, allowed: &'static str) -> Response {
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, error, request, media_type);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn status_of_unread(error: &Error) -> StatusCode {
    if error.code == Code::LimitExceeded { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST }
}

fn too_slow() -> Error {
    Error::new(
        Code::Unavailable,
        "Die Anfrage dauerte zu lange. Bitte kleinere Seiten abfragen oder es später noch einmal versuchen.",
        "The request took too long. Please ask for smaller pages or try again later.",
    )
}
