//! Downloads of exports: to the account that started them, whole or from a byte on.

use ::entity::{
    change::Type,
    export::{Format, State as Stage},
};
use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use futures_util::TryStreamExt;

use super::{
    App,
    answer::{MediaType, refusal},
    bearer::Bearer,
    graphql::{count, unauthenticated},
    request::Info,
};
use crate::{
    clock::day_of,
    error::{Code, Error, Result},
    exports::{self, Row},
    ids,
    subscriptions::scope,
};

/// How soon to ask again for a file that is being written, in seconds.
const RETRY_SECONDS: u64 = 1;

/// `GET /exports/{id}`.
pub async fn download(State(app): State<App>, Path(id): Path<String>, request: Info, headers: HeaderMap) -> Response {
    let bearer = Bearer::of_request(&app, &headers).await;
    if let Err(refused) = count(&app, bearer.as_ref().ok().and_then(|bearer| bearer.claims.as_deref()), &request) {
        return *refused;
    }
    let Ok(bearer) = bearer else { return unauthenticated(&request) };
    match find(&app, &bearer, &id).await {
        Ok(row) => send(&app, &row, &headers, &request).unwrap_or_else(|error| refused(&error, &request)),
        Err(error) => refused(&error, &request),
    }
}

async fn find(app: &App, bearer: &Bearer, id: &str) -> Result<Row> {
    let claims = bearer.claims.as_deref().ok_or_else(scope::unauthenticated)?;
    let desk = &app.0.desk;
    let caller = claims.caller(&desk.live.snapshot(), day_of(desk.clock.now()));
    let id = ids::parse(id).filter(|(type_name, _)| type_name == "Export").map(|(_, id)| id).ok_or_else(not_found)?;
    exports::find(desk.database.connection(), &caller, id).await?.ok_or_else(not_found)
}

/// The file, or the part of it that is asked for.
fn send(app: &App, row: &Row, headers: &HeaderMap, request: &Info) -> Result<Response> {
    let (Stage::Done, Some(sha256)) = (row.state, &row.sha256) else { return Err(not_there(row)) };
    let length = u64::try_from(row.bytes).map_err(Error::internal)?;
    let tag = format!("\"{sha256}\"");
    let names =
        |name, tag: &str| headers.get_all(name).iter().any(|value| value.to_str().is_ok_and(|text| text.contains(tag)));
    if names(header::IF_NONE_MATCH, &tag) {
        return described(Response::builder().status(StatusCode::NOT_MODIFIED), row, sha256)
            .body(Body::empty())
            .map_err(Error::internal);
    }
    // A range of another file is none: then the whole is sent.
    let is_same = !headers.contains_key(header::IF_RANGE) || names(header::IF_RANGE, &tag);
    let asked = headers.get(header::RANGE).filter(|_| is_same).and_then(|value| value.to_str().ok());
    let asked = asked.and_then(|text| http_range_header::parse_range_header(text).ok());
    let Some(asked) = asked else { return whole(app, row, sha256, length) };
    let Ok(ranges) = asked.validate(length) else { return Ok(out_of_range(length, request)) };
    match ranges.as_slice() {
        [range] => part(app, row, sha256, length, (*range.start(), *range.end())),
        // Several at once are not worth their form: a server may send everything instead.
        _ => whole(app, row, sha256, length),
    }
}

fn whole(app: &App, row: &Row, sha256: &str, length: u64) -> Result<Response> {
    let answer = described(Response::builder(), row, sha256).header(header::CONTENT_LENGTH, length);
    answer.body(bytes(app, row, 0, length)).map_err(Error::internal)
}

fn part(app: &App, row: &Row, sha256: &str, length: u64, (first, last): (u64, u64)) -> Result<Response> {
    let answer = described(Response::builder().status(StatusCode::PARTIAL_CONTENT), row, sha256)
        .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))
        .header(header::CONTENT_LENGTH, last + 1 - first);
    answer.body(bytes(app, row, first, last + 1)).map_err(Error::internal)
}

/// The bytes from one on up to another. What can't be read breaks the answer off: its length tells that it is not whole.
fn bytes(app: &App, row: &Row, from: u64, to: u64) -> Body {
    let bytes = exports::read(app.0.desk.database.clone(), row.id, from, to);
    Body::from_stream(bytes.map_err(|error| {
        tracing::warn!(%error, "a download broke off");
        std::io::Error::other("broken off")
    }))
}

fn described(answer: axum::http::response::Builder, row: &Row, sha256: &str) -> axum::http::response::Builder {
    let (media_type, ending) = match row.format {
        Format::Jsonl => (JSONL, "jsonl"),
        Format::Csv => (CSV, "csv"),
    };
    let what = match row.kind {
        Type::Product => "products",
        Type::Provider => "providers",
        Type::Municipality => "municipalities",
        _ => "subscriptions",
    };
    let day = row.as_of.unwrap_or_else(|| day_of(row.created_at));
    let digest = base16ct::mixed::decode_vec(sha256).map(|bytes| BASE64_STANDARD.encode(bytes)).unwrap_or_default();
    answer
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{what}-{day}.{ending}\""))
        .header(header::ETAG, format!("\"{sha256}\""))
        .header(header::ACCEPT_RANGES, "bytes")
        .header("repr-digest", format!("sha-256=:{digest}:"))
        .header(header::CACHE_CONTROL, "private, no-store")
}

/// Media type of JSON Lines.
pub const JSONL: &str = "application/jsonl";
/// Media type of tables.
pub const CSV: &str = "text/csv; charset=utf-8";

fn refused(error: &Error, request: &Info) -> Response {
    let status = match error.code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict => StatusCode::CONFLICT,
        Code::Expired => StatusCode::GONE,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut answer = refusal(status, error, request, MediaType::Json);
    let headers = answer.headers_mut();
    if status == StatusCode::CONFLICT {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    answer
}

fn not_found() -> Error {
    Error::new(
        Code::NotFound,
        "Einen Export mit dieser Kennung hat dieses Konto nicht.",
        "This account has no export with this id.",
    )
    .next("Die eigenen mit exports ansehen.", "Look at its own with exports.")
}

fn not_there(row: &Row) -> Error {
    match row.state {
        Stage::Waiting | Stage::Running | Stage::Done => {
            Error::new(Code::Conflict, "Der Export wird noch geschrieben.", "The export is still being written.")
                .next("Mit export(id:) warten, bis state DONE ist.", "Wait with export(id:) until state is DONE.")
        }
        Stage::Failed | Stage::Cancelled | Stage::Expired => Error::new(
            Code::Expired,
            "Die Datei dieses Exports gibt es nicht (mehr): er ist fehlgeschlagen, abgebrochen oder abgelaufen.",
            "There is no file of this export (any more): it has failed, was cancelled or has expired.",
        )
        .next("Mit startExport einen neuen beginnen.", "Begin a new one with startExport."),
    }
}

fn out_of_range(length: u64, request: &Info) -> Response {
    let error = Error::bad_input(
        "Range",
        format!("Der verlangte Bereich liegt außerhalb der Datei; sie hat {length} Bytes."),
        format!("The range that is asked for lies outside of the file; it has {length} bytes."),
    );
    let mut answer = refusal(StatusCode::RANGE_NOT_SATISFIABLE, &error, request, MediaType::Json);
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
        answer.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    answer
}
